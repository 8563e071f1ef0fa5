//! `plugin test --faults`: a plugin that does not survive a fault is told of the request and the fault.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::bench::{Bench, script};

/// A caller who is known. A contact that is made all the same is one too many.
const KNOWN: &str = r#"
[plugin]
contacts.create = "automatic"
[[call]]
story = "inbound-answered"
[[crm]]
request = "GET https://crm.test/contacts?phone=*"
times = "1-"
answer.json = [{ id = "7" }]
[[crm]]
request = "POST https://crm.test/contacts"
times = "any"
answer.json = { id = "8" }
"#;

/// One request that writes.
const WRITTEN: &str = r#"
[[call]]
story = "inbound-answered"
[[crm]]
request = "POST https://crm.test/calls"
answer.json = { id = "c-1" }
"#;

/// One request that writes, and a CRM that finds what it has.
const FOUND_AGAIN: &str = r#"
[[call]]
story = "inbound-answered"
[[crm]]
request = "GET https://crm.test/calls?key=*"
unless = "written"
answer.status = 204
[[crm]]
request = "GET https://crm.test/calls?key=*"
when = "written"
answer.json = { id = "c-1" }
[[crm]]
request = "POST https://crm.test/calls"
then = "written"
answer.json = { id = "c-1" }
"#;

const TWICE: &str = "`POST https://crm.test/calls` was carried out 2 times instead of 1";
const NEVER: &str = "`POST https://crm.test/calls` was carried out 0 times instead of 1, and nobody was told";
const ONE_TOO_MANY: &str = "`POST https://crm.test/contacts` was carried out 1 times instead of 0";

const CREATE: &str = r#"
exports.contacts = { create: () => ({ id: crm.post("contacts", { json: {}, like: { id: "" } }).id, kind: "contact" }) };
"#;

/// A look-up whose body is `body`, and a contact that is made of everybody whom it does not find.
fn looking_up(body: &str) -> String {
    script(&format!(
        "const person = (id) => ({{ id, kind: \"contact\" }});\nexports.lookup = {{ byNumber(number) {{\n{body}\n}} }};\n{CREATE}"
    ))
}

/// A journal entry, written by `body`.
fn writing(body: &str) -> String {
    script(&format!("exports.journal = {{ write({{ call }}) {{\n{body}\n}} }};"))
}

/// Plays with faults; of those that went wrong, the fault and what was wrong.
fn lost(script: &str, scenario: &str) -> Result<Vec<(String, String)>> {
    let bench = Bench::with(script, scenario)?;
    let said = bench.run(&["--json", "test", "--plugin", "x.js", "--faults", "scenarios"])?;
    let objects = said.objects()?;
    ensure!(objects.first().context("nothing was played")?["passed"] == true, "{objects:#?}");
    let failed = objects.iter().filter(|object| object["passed"] == false);
    let lost: Vec<_> = failed
        .map(|object| {
            ensure!(
                object["request"].as_str().is_some_and(|request| request.contains("https://crm.test/")),
                "{object}"
            );
            Ok((object["trouble"].as_str().context("trouble")?.to_owned(), object["wrong"].to_string()))
        })
        .collect::<Result<_>>()?;
    said.ended(i32::from(!lost.is_empty()))?;
    Ok(lost)
}

/// Fails unless the script did not survive these faults, for this reason.
fn succumbs(script: &str, scenario: &str, faults: &[&str], why: &str) -> Result<()> {
    let lost = lost(script, scenario)?;
    let quoted = Value::from(why).to_string();
    for fault in faults {
        let named = lost.iter().any(|(at, wrong)| at == fault && wrong.contains(quoted.trim_matches('"')));
        ensure!(named, "{fault:?} with {why:?} is not among:\n{lost:#?}");
    }
    Ok(())
}

#[test]
fn who_waits_for_a_moment_only_and_takes_that_for_nobody() -> Result<()> {
    let hasty = looking_up(
        r#"try { return crm.get("contacts", { query: { phone: number.raw }, timeoutMs: 300 }).map(({ id }) => person(id)); }
        catch { return []; }"#,
    );
    succumbs(&hasty, KNOWN, &["answered late", "done, no answer"], ONE_TOO_MANY)
}

#[test]
fn who_writes_again_at_once_when_no_answer_comes() -> Result<()> {
    let stubborn = writing(
        r#"const post = () => crm.post("calls", { json: { outcome: call.outcome }, like: { id: "" } });
        let made; try { made = post(); } catch { made = post(); }
        return { id: made.id };"#,
    );
    let faults = ["done, the answer cut off", "done, no answer", "done, but 500", "done, but 200 with nothing"];
    succumbs(&stubborn, WRITTEN, &faults, TWICE)
}

#[test]
fn who_does_not_look_at_the_status() -> Result<()> {
    let careless = writing(r#"crm.request("POST", "calls", { json: { outcome: call.outcome } }); return { id: "c" };"#);
    let faults = ["429", "429 with Retry-After", "500", "401", "200 with a web page", "200 with other JSON"];
    succumbs(&careless, WRITTEN, &faults, NEVER)
}

#[test]
fn who_takes_a_server_error_for_an_empty_result() -> Result<()> {
    let swallowing = looking_up(
        r#"const answer = crm.request("GET", "contacts", { query: { phone: number.raw } });
        return answer.status === 500 ? [] : answer.success().json().map(({ id }) => person(id));"#,
    );
    succumbs(&swallowing, KNOWN, &["500", "done, but 500"], ONE_TOO_MANY)
}

#[test]
fn who_takes_a_web_page_for_an_empty_result() -> Result<()> {
    let trusting = looking_up(
        r#"const { text } = crm.request("GET", "contacts", { query: { phone: number.raw } }).success();
        try { return JSON.parse(text).map(({ id }) => person(id)); } catch { return []; }"#,
    );
    succumbs(&trusting, KNOWN, &["200 with a web page"], ONE_TOO_MANY)
}

#[test]
fn who_takes_other_json_for_nobody_found() -> Result<()> {
    let lenient = looking_up(
        r#"const found = crm.get("contacts", { query: { phone: number.raw } });
        return Array.isArray(found) ? found.map(({ id }) => person(id)) : [];"#,
    );
    succumbs(&lenient, KNOWN, &["200 with other JSON"], ONE_TOO_MANY)
}

#[test]
fn who_crashes_at_an_empty_answer() -> Result<()> {
    let fragile = looking_up(
        r#"const { text } = crm.request("GET", "contacts", { query: { phone: number.raw } }).success();
        function deeper(text) { return text === "" ? deeper(text) + 1 : JSON.parse(text); }
        return deeper(text).map(({ id }) => person(id));"#,
    );
    succumbs(&fragile, KNOWN, &["done, but 200 with nothing"], "lookup.by-number crashed")
}

#[test]
fn who_searches_before_a_later_try_survives_them_all() -> Result<()> {
    let careful = writing(
        r#"const key = job.key("call");
        return searchThenCreate(
          () => crm.get("calls", { query: { key }, like: { id: "" } }),
          () => ({ id: crm.post("calls", { json: { key, outcome: call.outcome }, like: { id: "" } }).id }));"#,
    );
    let lost = lost(&careful, FOUND_AGAIN)?;
    ensure!(lost.is_empty(), "{lost:#?}");
    Ok(())
}

#[test]
fn people_are_shown_a_table() -> Result<()> {
    let careless = writing(r#"crm.request("POST", "calls", { json: {} }); return { id: "c" };"#);
    let said = Bench::with(&careless, WRITTEN)?.test(&["--faults"])?.ended(1)?;
    said.says(&["faults: 11 plays", "FAIL  one: 401, at POST https://crm.test/calls", NEVER]).map(drop)
}
