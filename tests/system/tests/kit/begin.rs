//! The commands beside `test`: `new`, `run`, `inspect`, `stories`, `dev`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use system_tests::PATIENCE;

use crate::bench::{Bench, first_plugin, first_scenarios};

#[test]
fn a_name_that_cannot_be_one_and_a_folder_that_is_not_empty_are_refused() -> Result<()> {
    let bench = Bench::new()?;
    let new = |name: &str, more: &[&str]| bench.run(&[&["new", name, "--lang", "script"], more].concat());
    for name in ["Acme", "1crm", "acme_crm", "", "a/../b", &"a".repeat(64)] {
        new(name, &[])?.ended(1)?.says(&["cannot be the name of a plugin", "small letters, digits and hyphens"])?;
    }
    new("acme", &["--title", "A\"b"])?.ended(1)?.says(&["cannot be the title of a plugin"])?;
    bench.write("full/file", "")?;
    new("acme", &["--into", "full"])?.ended(1)?.says(&["full is not empty", "--into"])?;
    bench.run(&["new", "acme", "--lang", "cobol"])?.ended(2)?.says(&["rust, js, python, script"])?;
    ensure!(std::fs::read_dir(bench.path())?.count() == 1, "something was written");
    Ok(())
}

#[test]
fn the_stories_can_be_copied_into_a_scenario() -> Result<()> {
    let bench = Bench::with(&crate::bench::script("exports.journal = { write: () => ({ id: \"c\" }) };"), "")?;
    let stories = bench.run(&["--json", "stories"])?.ended(0)?.objects()?;
    ensure!(stories.len() == 14, "{stories:#?}");
    for story in &stories {
        let name = story["story"].as_str().context("story")?;
        let text = story["text"].as_str().context("text")?;
        bench.write(&format!("told/{name}.toml"), &format!("[[call]]\n{text}"))?;
        bench.write(&format!("named/{name}.toml"), &format!("[[call]]\nstory = \"{name}\""))?;
    }
    bench.test(&["told", "named"])?.ended(0)?.says(&["28 scenarios: 28 passed"])?;
    bench.run(&["stories", "attended-transfer"])?.ended(0)?.says(&["attended-transfer", "kind = \"transferred\""])?;
    bench.run(&["stories", "attended"])?.ended(1)?.says(&["there is no story `attended`", "blind-transfer"])?;
    Ok(())
}

#[test]
fn one_function_is_called_with_the_crm_of_a_scenario() -> Result<()> {
    let (bench, plugin) = (Bench::new()?, first_plugin("script")?);
    let (plugin, crm) = (plugin.to_string_lossy(), first_scenarios().join("search-by-hand.toml"));
    let crm = crm.to_string_lossy();
    let run = |function: &str, input: &str, more: &[&str]| {
        let all = ["run", function, "--input", input, "--plugin", &plugin, "--crm", &crm];
        bench.run(&[more, &all].concat())
    };
    let said = run("lookup.by-number", "{\"number\": \"030 1234567\"}", &[])?.ended(0)?;
    said.says(&[
        "GET https://crm.test/api/KEY/contacts?phone=%2B49301234567 → 200",
        "\"last-name\": \"Erika Mustermann\"",
    ])?;
    let said = run("lookup.by-number", "{\"number\": \"0151 5550100\"}", &["--json"])?.ended(1)?;
    let last = said.objects()?.pop().context("nothing was said")?;
    ensure!(last["failed"] == "unauthorised", "{last}");
    run("lookup.by-number", "{number}", &[])?.ended(1)?.says(&["--input", "like this"])?;
    run("lookup.by-nmber", "{}", &[])?.ended(1)?.says(&["lookup.by-nmber", "lookup.by-number"])?;
    Ok(())
}

#[test]
fn a_plugin_is_inspected() -> Result<()> {
    let bench = Bench::new()?;
    for language in ["rust", "script"] {
        let plugin = first_plugin(language)?;
        let facts = bench.run(&["--json", "inspect", &plugin.to_string_lossy()])?.ended(0)?.objects()?;
        let facts = facts.first().context("nothing was said")?;
        let bytes = std::fs::metadata(&plugin)?.len();
        ensure!(facts["bytes"] == bytes && facts["memory-bytes"].as_u64() > Some(0), "{facts:#}");
        ensure!(facts["call-us"].as_f64() > Some(0.0) && facts["load-ms"].as_f64() > Some(0.0), "{facts:#}");
        let serves = facts["serves"].as_array().context("serves")?;
        ensure!(serves.contains(&"lookup.by-number".into()) && serves.contains(&"directory.users".into()), "{facts:#}");
        ensure!(facts["credentials"][0] == "crm (base-url): Address of the CRM", "{facts:#}");
        ensure!(
            facts["settings"][0].as_str().is_some_and(|text| text.starts_with("unknown-caller (text")),
            "{facts:#}"
        );
        let imports = facts["imports"].as_array().context("imports")?;
        ensure!(
            imports.iter().all(|import| import.as_str().is_some_and(|name| name.starts_with("hookswitch:"))),
            "{facts:#}"
        );
        let said = bench.run(&["inspect", &plugin.to_string_lossy()])?.ended(0)?;
        said.says(&["size", "memory", "journal.write", "credential:crm"])?;
    }
    Ok(())
}

/// A process that ends with the test.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watching {
    /// Waits for a line that holds `text`, and for the one that says that all is done. One is an error now and then, so
    /// they may come in any order.
    fn done(&mut self, text: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut awaited = vec![text, "waiting for changes"];
        while !awaited.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).with_context(|| format!("{awaited:?} after {:#?}", self.said))?;
            awaited.retain(|text| !line.contains(text));
            self.said.push(line);
        }
        Ok(())
    }

    /// Whether nothing is said for so long.
    fn is_quiet(&self, long: Duration) -> bool {
        self.lines.recv_timeout(long).is_err()
    }
}

#[test]
fn a_change_is_tested_at_once() -> Result<()> {
    let bench = Bench::new()?;
    bench.run(&["new", "acme", "--lang", "script"])?.ended(0)?;
    let mut command = bench.command("acme", &["dev"])?;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (say, lines) = mpsc::channel();
    let (out, err) = (child.stdout.take().context("out")?, child.stderr.take().context("err")?);
    let errors = say.clone();
    std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
    std::thread::spawn(move || {
        BufReader::new(err).lines().map_while(Result::ok).try_for_each(|line| errors.send(line))
    });
    let mut dev = Watching { child, lines, said: Vec::new() };
    dev.done("3 passed, 0 failed")?;
    ensure!(dev.is_quiet(Duration::from_millis(400)), "its own reading is a change");
    let path = bench.path().join("acme/acme.js");
    let good = std::fs::read_to_string(&path)?;
    std::fs::write(&path, good.replace("crm.post(\"calls\"", "crm.post(\"call\""))?;
    dev.done("nobody expects `POST")?;
    std::fs::write(&path, format!("{good}\n}}"))?;
    dev.done("SyntaxError")?;
    std::fs::write(&path, good)?;
    dev.done("3 passed, 0 failed")?;
    // A scenario is one of its files too.
    bench.write("acme/scenarios/fourth.toml", "[[call]]\nstory = \"internal\"")?;
    dev.done("4 passed, 0 failed")
}
