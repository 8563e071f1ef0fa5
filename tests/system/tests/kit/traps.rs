//! Where a plugin crashes is said: the function, and the place in its source.

use anyhow::Result;
use system_tests::component;

use crate::bench::{Bench, script};

const LOOK_UP: &str = "[[run]]\nfunction = \"lookup.by-number\"\ninput.number = \"030 1234567\"\n";

#[test]
fn a_script_names_file_line_and_column() -> Result<()> {
    let body = "exports.lookup = {\n  byNumber(number) {\n    return number.people.first;\n  },\n};";
    // Six lines are before it.
    let said = Bench::with(&script(body), LOOK_UP)?.test(&[])?.ended(1)?;
    said.says(&["[[run]] number 1 (lookup.by-number) failed", "x.js:9:", "TypeError"]).map(drop)
}

#[test]
fn a_script_that_cannot_be_read_names_file_line_and_column() -> Result<()> {
    let bench = Bench::with(&script("exports.lookup = {\n  byNumber(number) {{\n};"), LOOK_UP)?;
    bench.run(&["check", "x.js"])?.ended(1)?.says(&["x.js:9:", "SyntaxError"])?;
    let said = bench.test(&[])?.ended(1)?;
    said.says(&["x.js:9:", "SyntaxError"]).map(drop)
}

/// One that was built without lines; those that were built with them: `projects`.
#[test]
fn a_component_names_the_functions_that_led_there() -> Result<()> {
    let bench = Bench::new()?;
    bench.write("scenarios/one.toml", &format!("plugin.settings.harm = \"panic\"\n{LOOK_UP}"))?;
    let plugin = component("hostile.wasm")?;
    let said = bench.run(&["test", "--plugin", &plugin.to_string_lossy()])?.ended(1)?;
    said.says(&["lookup.by-number crashed", "wasm trap", "hostile::harm::act"]).map(drop)
}

#[test]
fn lines_of_another_build_are_left_alone() -> Result<()> {
    let bench = Bench::new()?;
    bench.write("scenarios/one.toml", &format!("plugin.settings.harm = \"panic\"\n{LOOK_UP}"))?;
    for (name, of) in [("x.wasm", "hostile.wasm"), ("x.debug.wasm", "bitrix24.wasm")] {
        std::fs::copy(component(of)?, bench.path().join(name))?;
    }
    bench.run(&["test", "--plugin", "x.wasm"])?.ended(1)?.says(&["hostile::harm::act"]).map(drop)
}
