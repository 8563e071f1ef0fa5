//! `plugin test --crashes`: a plugin that does not survive the host's death is told at which request, and when.

use anyhow::{Context, Result, ensure};

use crate::bench::{Bench, script};

/// Six calls, so that six requests write.
fn calls() -> String {
    let more = "[[crm]]\nrequest = \"POST https://crm.test/calls\"\ntimes = 6\nanswer.json = { id = \"c-1\" }\n";
    "[[call]]\nstory = \"inbound-missed\"\n".repeat(6) + more
}

/// Each moment at which the plugin did not survive, with what was wrong.
fn lost(body: &str, scenario: &str) -> Result<Vec<(String, String)>> {
    let bench = Bench::with(&script(&format!("exports.journal = {{ write({{ call }}) {{\n{body}\n}} }};")), scenario)?;
    let said = bench.run(&["--json", "test", "--plugin", "x.js", "--crashes", "scenarios"])?;
    let objects = said.objects()?;
    ensure!(objects.first().context("nothing was played")?["passed"] == true, "{objects:#?}");
    let lost: Vec<_> = objects
        .iter()
        .filter(|object| object["passed"] == false)
        .map(|object| (object["trouble"].as_str().unwrap_or_default().to_owned(), object["wrong"].to_string()))
        .collect();
    said.ended(i32::from(!lost.is_empty()))?;
    Ok(lost)
}

fn at<'a>(lost: &'a [(String, String)], moment: &str) -> Vec<&'a str> {
    lost.iter().filter(|(at, _)| at == moment).map(|(_, wrong)| wrong.as_str()).collect()
}

#[test]
fn who_creates_again_without_looking_writes_twice() -> Result<()> {
    let lost = lost(r#"return { id: crm.post("calls", { json: { outcome: call.outcome } }).id };"#, &calls())?;
    let twice = |wrong: &&str| wrong.contains("was carried out 7 times instead of 6");
    let carried_out = at(&lost, "the host dies, done");
    ensure!(carried_out.len() == 6 && carried_out.iter().all(twice), "{lost:#?}");
    // An answer may have been written down just before the death: then it is not asked for again.
    let answered = at(&lost, "the host dies, answered");
    ensure!(!answered.is_empty() && answered.iter().all(twice), "{lost:#?}");
    ensure!(at(&lost, "the host dies, not done").is_empty(), "{lost:#?}");
    Ok(())
}

#[test]
fn who_takes_a_later_try_for_done_writes_never() -> Result<()> {
    let body = r#"if (job.attempt() > 1) return { id: "surely there" };
        return { id: crm.post("calls", { json: { outcome: call.outcome } }).id };"#;
    let lost = lost(body, &calls())?;
    let arrived = at(&lost, "the host dies, not done");
    let never = |wrong: &&str| wrong.contains("was carried out 5 times instead of 6, and nobody was told");
    ensure!(arrived.len() == 6 && arrived.iter().all(never), "{lost:#?}");
    ensure!(at(&lost, "the host dies, done").is_empty(), "{lost:#?}");
    Ok(())
}

#[test]
fn who_tells_the_crm_its_key_survives_them_all() -> Result<()> {
    let scenario = r#"
[[call]]
story = "inbound-missed"
[[crm]]
request = "POST https://crm.test/calls"
json.key = "<same: key>"
unless = "written"
then = "written"
answer.json = { id = "c-1" }
[[crm]]
request = "POST https://crm.test/calls"
json.key = "<same: key>"
when = "written"
write = false
answer.json = { id = "c-1" }
"#;
    let body = r#"const key = job.key("call");
        return { id: crm.post("calls", { effect: "idempotent", json: { key }, like: { id: "" } }).id };"#;
    let lost = lost(body, scenario)?;
    ensure!(lost.is_empty(), "{lost:#?}");
    Ok(())
}
