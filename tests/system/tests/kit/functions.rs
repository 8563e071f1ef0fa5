//! `[[run]]`: every function of the contract that needs no recording is called by itself, in plugins made with each SDK,
//! and what it got, asked for and returned is held against the scenario.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{component, root};

use crate::bench::{Bench, Said};

/// Every function, with what a plugin that looks around is given.
const RUNS: &str = include_str!("functions.toml");

/// Exports that the first plugins have no need of, as they are written in Python.
pub const MORE_IN_PYTHON: &str = include_str!("functions.py");

/// The part of the scenario that is about those.
pub fn more_runs() -> String {
    let mut parts = RUNS.split("[[run]]\n");
    let crm = parts.next().unwrap_or_default().to_owned();
    let interfaces = ["tickets", "cards", "routing", "commands", "feed", "speech"];
    let more = parts.filter(|run| interfaces.iter().any(|name| run.starts_with(&format!("function = \"{name}."))));
    more.fold(crm, |scenario, run| format!("{scenario}[[run]]\n{run}"))
}

/// A script that answers as the scripted component is told to.
const SCRIPT: &str = include_str!("functions.js");

/// What the scripted component does, in its own words. The last of them is for what is posted.
const SCRIPTED: &str = r#"{
  "lookup.by-number": [[{"return": "<number>"}]],
  "lookup.by-email": [[{"return": "<before>"}]],
  "lookup.by-text": [[{"return": "<before>"}]],
  "contacts.create": [[{"return": "<chain>"}]],
  "directory.users": [[{"return": "u<before>"}]],
  "journal.begin": [[{"return": "<contact>"}]],
  "journal.write": [[{"return": "<chain> <before>"}]],
  "journal.update": [[{"return": "<chain> <before>"}]],
  "tickets.open": [[
    {"send": {"method": "POST", "url": "tickets", "effect": "once", "body": "<contact>: <before>"}},
    {"return": "<answer:id>"}]],
  "tickets.update": [[{"return": "<before> <chain>"}]],
  "tickets.of-contact": [[{"return": "<contact>"}]],
  "cards.sync": [[
    {"send": {"method": "PUT", "url": "cards", "effect": "idempotent", "body": "<before> <contact> <users>"}}]],
  "routing.route": [[{"return": "<contact>"}]],
  "commands.receive": [[{"reply": {"status": 202, "body": "<field:user> <body>", "actions": [
    {"dial": {"extension": "201", "number": "<field:number>"}}, "refresh-users", {"hang-up": "<proven>"}]}}]],
  "commands.finished": [[{"send": {"method": "PUT", "url": "dials", "effect": "idempotent", "body": "<before>"}}]],
  "feed.deliver": [[{"send": {"method": "PUT", "url": "events", "effect": "idempotent", "body": "<before>"}}]],
  "speech.poll": [[{"return": "<before>"}]],
  "speech.summarise": [[{"return": "<before>"}]]
}"#;

/// The component made with the SDK for Rust, on these runs.
fn in_rust(runs: &str) -> Result<Bench> {
    let bench = Bench::new()?;
    // The plugin asks for every kind of credential, and this one has a form of its own.
    let key = "plugin.credentials.sign-webhook = \"whsec_dGhpcyBpcyBhIGtleSBmb3IgdGVzdHMgb25seSE=\"";
    bench.write("scenarios/one.toml", &format!("{key}\nplugin.settings.script = '''{SCRIPTED}'''\n{runs}"))?;
    std::fs::copy(component("scripted.wasm")?, bench.path().join("x.wasm"))?;
    Ok(bench)
}

fn tested(bench: &Bench, plugin: &str) -> Result<Said> {
    bench.run(&["test", "--plugin", plugin])
}

#[test]
fn in_a_component_made_with_the_sdk_for_rust() -> Result<()> {
    tested(&in_rust(RUNS)?, "x.wasm")?.ended(0)?.says(&["1 scenarios: 1 passed, 0 failed"]).map(drop)
}

#[test]
fn in_a_script_which_the_sdk_for_javascript_runs() -> Result<()> {
    tested(&Bench::with(SCRIPT, RUNS)?, "x.js")?.ended(0)?.says(&["1 scenarios: 1 passed, 0 failed"]).map(drop)
}

#[test]
fn and_what_each_came_to_is_judged() -> Result<()> {
    let schema = std::fs::read(root().join("docs/schemas/scenario.schema.json"))?;
    let schema: Value = serde_json::from_slice(&schema)?;
    let functions = schema["definitions"]["run"]["properties"]["function"]["enum"].as_array().context("functions")?;
    ensure!(functions.len() == 20, "{functions:?}");
    // Each is to fail, and does not.
    let lines = RUNS.lines().filter(|line| !line.starts_with("returns"));
    let failing = lines.map(|line| match line.starts_with("function = ") {
        true => format!("{line}\nfails = \"deadline\"\n"),
        false => format!("{line}\n"),
    });
    let said = tested(&in_rust(&failing.collect::<String>())?, "x.wasm")?.ended(1)?;
    for function in functions {
        let function = function.as_str().context("a function is a text")?;
        let told = said.out.lines().find(|line| line.contains(&format!("({function}) returned ")));
        let told = told.with_context(|| format!("{function} is not called:\n{}", said.out))?;
        ensure!(told.ends_with(", and is to fail as deadline"), "{told}");
    }
    Ok(())
}

#[test]
fn and_what_each_was_given_is_seen_in_what_it_asks_and_returns() -> Result<()> {
    let other = RUNS.replace("target = \"201\"", "target = \"202\"").replace("body = \"", "body = \"not ");
    let said = tested(&in_rust(&other)?, "x.wasm")?.ended(1)?;
    said.says(&[
        "(routing.route).target: expected \"202\", found \"201\"",
        "nobody expects `POST https://crm.test/tickets`\n with 7: Call from Erika",
        "nobody expects `PUT https://crm.test/cards`\n with b-1 7 5 not 6 9",
        "nobody expects `PUT https://crm.test/dials`\n with 030 99 missed agent_no_answer",
        "(tickets.open) failed as",
        "(cards.sync) failed as",
        "(commands.finished) failed as",
    ])
    .map(drop)
}

#[test]
fn what_needs_a_recording_cannot_be_called_and_that_is_said() -> Result<()> {
    for function in ["recordings.attach", "recordings.transcribe", "speech.start"] {
        let bench = Bench::with(SCRIPT, &format!("[[run]]\nfunction = \"{function}\"\n"))?;
        bench.test(&[])?.ended(1)?.says(&[
            "[[run]] number 1",
            &format!("`{function}` is called with a recording, and a scenario has none"),
        ])?;
    }
    Ok(())
}

#[test]
fn mistakes_in_what_a_function_is_given_are_named() -> Result<()> {
    for (run, words) in [
        ("tickets.open\"\ninput.cal = {}", "`input`: there is no `cal`: did you mean `call`?"),
        ("plugin.check\"\ninput.after = \"2\"", "`input.after`: the function has no arguments"),
        ("lookup.by-text\"\ninput.text = 5", "`input.text`: invalid type: integer `5`, expected a string"),
        ("cards.sync\"\ninput.call.outcom = \"x\"", "`input.call`: there is no `outcom`: did you mean `outcome`?"),
        ("cards.sync\"\ninput.call.agents = [{ user = 7 }]", "`input.call`: invalid type: integer `7`"),
        ("routing.route\"\ninput.known = [{ nam = \"x\" }]", "`input.known`: there is no `nam`"),
        (
            "routing.route\"\ninput.call.direction = \"in\"",
            "`direction` is inbound or outbound or internal, not \"in\"",
        ),
        (
            "commands.receive\"\ninput.hook.form = {}",
            "`input.hook`: `name`, the hook's name in the manifest, is missing",
        ),
        ("feed.deliver\"\ninput = [1]", "`input` is a table of the function's arguments"),
    ] {
        let bench = Bench::with(SCRIPT, &format!("[[run]]\nfunction = \"{run}\n"))?;
        bench.test(&[])?.ended(1)?.says(&["[[run]] number 1", words]).with_context(|| run.to_owned())?;
    }
    Ok(())
}
