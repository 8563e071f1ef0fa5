//! Hostile plugins in the real program: each harms only itself, the plugin beside it journals its call, and `check` says
//! what is wrong without letting it speak to the terminal.
//!
//! The traps themselves are sprung one by one, and with many more shapes, in `host/runtime/tests/hostile`.

mod beside;
mod checked;
mod files;

use std::fs;

use anyhow::{Context, Result};
use system_tests::{World, component};

/// TOML of a hostile plugin `[plugin.hostile-HARM]` that does `harm`.
fn hostile(harm: &str) -> Result<String> {
    let path = component("hostile.wasm")?;
    Ok(format!(
        "\n[plugin.hostile-{harm}]\ncomponent = \"{}\"\nsettings = {{ harm = \"{harm}\" }}\n\
         retry = {{ tries = 2, first = \"50ms\", longest = \"100ms\" }}\n\
         # Memory is granted to each function that runs: one at a time, so that it can be measured.\n\
         limits = {{ concurrency = 1 }}\n",
        path.display()
    ))
}

/// A figure of the running program in MiB, from its `/proc/PID/status`.
fn mebibytes(world: &World, name: &str) -> Result<u64> {
    let config = world.folder().join("hookswitch.toml");
    let config = config.to_str().context("a path in UTF-8")?;
    for entry in fs::read_dir("/proc")? {
        let folder = entry?.path();
        let Ok(command) = fs::read(folder.join("cmdline")) else { continue };
        let mut words = command.split(|byte| *byte == 0);
        if words.any(|word| word == config.as_bytes()) && words.any(|word| word == b"run") {
            let status = fs::read_to_string(folder.join("status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such figure")?;
            let kib: u64 = line.trim_matches([':', ' ', '\t', 'k', 'B']).parse()?;
            return Ok(kib >> 10);
        }
    }
    anyhow::bail!("the program does not run:\n{}", world.log())
}
