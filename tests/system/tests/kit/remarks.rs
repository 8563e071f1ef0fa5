//! `plugin check`: for each remark a plugin that gets it, and one that does not.

use anyhow::{Result, ensure};

use crate::bench::{Bench, asking, script};

const WRITING: &str = r#"
[[call]]
story = "inbound-missed"
[[crm]]
request = "GET https://crm.test/*?*"
times = "any"
answer.status = 204
[[crm]]
request = "POST https://crm.test/calls"
times = "any"
answer.json = { id = "c-1" }
[[crm]]
request = "PUT https://crm.test/calls"
times = "any"
answer.json = { id = "c-1" }
"#;

fn writing(body: &str) -> String {
    script(&format!("exports.journal = {{ write({{ call }}) {{\n{body}\n}} }};"))
}

/// The remarks on a script.
fn remarks(script: &str, scenario: &str) -> Result<Vec<String>> {
    let bench = Bench::with(script, scenario)?;
    let said = bench.run(&["--json", "check", "x.js"])?.ended(0)?;
    let of = |object: &serde_json::Value| format!("{}: {}", object["about"], object["text"]).replace('"', "");
    let remarks: Vec<_> = said.objects()?.iter().filter(|object| object["verdict"] == "remark").map(of).collect();
    // With --strict the remarks decide.
    bench.run(&["check", "x.js", "--strict"])?.ended(i32::from(!remarks.is_empty()))?;
    Ok(remarks)
}

/// Fails unless the bad one gets this remark and no other, and the good one none.
fn tells(bad: &str, good: &str, scenario: &str, remark: &str) -> Result<()> {
    let of_bad = remarks(bad, scenario)?;
    ensure!(of_bad.iter().all(|of_bad| of_bad.contains(remark)) && of_bad.len() == 1, "{of_bad:#?}");
    let of_good = remarks(good, scenario)?;
    ensure!(of_good.is_empty(), "{of_good:#?}");
    Ok(())
}

#[test]
fn a_later_try_without_a_search() -> Result<()> {
    tells(
        &writing(r#"return { id: crm.post("calls", { json: {} }).id };"#),
        &writing(
            r#"const key = job.key("call");
            return searchThenCreate(
              () => crm.get("calls", { query: { key } }),
              () => ({ id: crm.post("calls", { json: { key } }).id }));"#,
        ),
        WRITING,
        "journal.write: POST {crm}/calls is sent as `once` on a later try with nothing read before",
    )
}

/// What was refused was not done; what nobody knows of may have been.
#[test]
fn a_later_try_after_a_refusal_needs_no_search() -> Result<()> {
    let writing = |after_any_failure: &str| {
        writing(&format!(
            r#"const key = job.key("call");
            const found = storage.call.get("asked") && crm.get("calls", {{ query: {{ key }} }});
            if (found) return found;
            storage.call.set("asked", true);
            try {{
              const answer = crm.request("POST", "calls", {{ json: {{ key }} }});
              if (answer.status === 503 || answer.status === 429) storage.call.delete("asked");
              return {{ id: answer.success().json().id }};
            }} catch (error) {{ {after_any_failure}; throw error; }}"#
        ))
    };
    for refusal in ["answer.status = 503\nwrite = false", "answer.status = 429"] {
        let scenario = format!(
            r#"
[[call]]
story = "inbound-missed"
[[crm]]
request = "GET https://crm.test/calls?key=*"
times = "any"
answer.status = 204
[[crm]]
request = "POST https://crm.test/calls"
unless = "busy"
then = "busy"
{refusal}
[[crm]]
request = "POST https://crm.test/calls"
when = "busy"
answer.json = {{ id = "c-1" }}
"#
        );
        tells(
            &writing(r#"storage.call.delete("asked")"#),
            &writing(""),
            &scenario,
            "journal.write: POST {crm}/calls is sent as `once` on a later try with nothing read before",
        )?;
    }
    Ok(())
}

#[test]
fn a_repeatable_request_that_the_crm_cannot_recognise() -> Result<()> {
    tells(
        &writing(r#"return { id: crm.post("calls", { effect: "idempotent", json: {} }).id };"#),
        &writing(r#"return { id: crm.post("calls", { effect: "idempotent", json: { key: job.key("call") } }).id };"#),
        WRITING,
        "journal.write: POST {crm}/calls is sent as `idempotent`, and nothing in it tells the CRM",
    )
}

/// The same requests, where the scenario says that they make no difference the second time.
#[test]
fn a_repeatable_request_that_the_crm_knows_again_by_itself() -> Result<()> {
    let scenario = |again: &str| {
        format!(
            r#"
[[call]]
story = "inbound-missed"
[[crm]]
request = "POST https://crm.test/calls/*"
unless = "known"
then = "known"
answer.json = {{ id = "c-1" }}
[[crm]]
request = "POST https://crm.test/calls/*"
when = "known"
{again}
answer.json = {{ id = "c-1" }}
"#
        )
    };
    let naming =
        writing(r#"return { id: crm.post("calls/1", { effect: "idempotent", json: { state: "over" } }).id };"#);
    let told = remarks(&naming, &scenario(""))?;
    ensure!(told.len() == 1 && told.iter().all(|told| told.contains("so it is done again")), "{told:#?}");
    let told = remarks(&naming, &scenario("write = false"))?;
    ensure!(told.is_empty(), "{told:#?}");
    Ok(())
}

#[test]
fn an_idempotency_key_that_is_not_made_use_of() -> Result<()> {
    let keyed = |effect: &str| {
        writing(&format!(
            r#"const headers = {{ "idempotency-key": job.key("call") }};
            return {{ id: crm.post("calls", {{ effect: "{effect}", headers, json: {{}} }}).id }};"#
        ))
    };
    tells(
        &keyed("once"),
        &keyed("idempotent"),
        WRITING,
        "journal.write: POST {crm}/calls has an idempotency key and is sent as `once`",
    )
}

#[test]
fn a_change_that_is_sent_as_reading() -> Result<()> {
    tells(
        &writing(r#"return { id: crm.put("calls", { effect: "read", json: {} }).id };"#),
        &writing(r#"return { id: crm.put("calls", { json: {} }).id };"#),
        WRITING,
        "journal.write: PUT {crm}/calls is sent as `read`",
    )
}

#[test]
fn a_page_that_is_not_turned() -> Result<()> {
    let scenario = r#"
[[run]]
function = "lookup.by-number"
input.number = "030 1234567"
[[crm]]
request = "GET https://crm.test/contacts?after=2"
times = "any"
answer.json = { items = [] }
[[crm]]
request = "GET https://crm.test/contacts"
times = "any"
answer.json = { items = [{ id = "7" }], next = "2" }
"#;
    let person = "({ id }) => ({ id, kind: \"contact\" })";
    let looking_up = |body: &str| script(&format!("exports.lookup = {{ byNumber(number) {{ {body} }} }};"));
    tells(
        &looking_up(&format!(r#"return crm.get("contacts").items.map({person});"#)),
        &looking_up(&format!(
            r#"return [...pages((after) => crm.get("contacts", {{ query: {{ after }} }}))].map({person});"#
        )),
        scenario,
        "lookup.by-number: GET {crm}/contacts was answered with a page that says that there are more",
    )
}

#[test]
fn a_function_that_no_scenario_calls() -> Result<()> {
    let write = "exports.journal = { write: () => ({ id: \"c\" }) };\n";
    tells(
        &script(&format!("{write} exports.lookup = {{ byNumber: () => [] }};")),
        &script(write),
        "[[run]]\nfunction = \"journal.write\"\n",
        "lookup.by-number: is served, and no scenario calls it",
    )
}

#[test]
fn an_origin_that_is_not_used() -> Result<()> {
    let body = r#"exports.journal = { write: () => ({ id: http.post("https://other.test/calls", {
        effect: "idempotent", json: { key: job.key("call") } }).id }) };"#;
    let scenario = r#"
[[call]]
story = "inbound-missed"
[[crm]]
request = "POST https://other.test/calls"
times = "any"
answer.json = { id = "c-1" }
"#;
    tells(
        &asking(body, "1.0.0", r#"http: ["https://other.test", "https://third.test"],"#),
        &asking(body, "1.0.0", r#"http: ["https://other.test"],"#),
        scenario,
        "manifest http: https://third.test is asked for, and no scenario goes there",
    )
}

#[test]
fn what_does_not_pass_or_is_not_tried_fails() -> Result<()> {
    let quiet = writing(r#"return { id: "c" };"#);
    let scenario = "[[call]]\nstory = \"inbound-missed\"\n[expect]\njobs.write = \"parked\"";
    let failing = Bench::with(&quiet, scenario)?;
    failing.run(&["check", "x.js"])?.ended(1)?.says(&["FAILED  one", "the job `write` is done"])?;
    let untried = Bench::new()?;
    untried.write("x.js", &quiet)?;
    untried.run(&["check", "x.js"])?.ended(1)?.says(&["FAILED  scenarios", "there are no scenarios in scenarios"])?;
    untried.write("none.js", "exports.journal = {};")?;
    untried.run(&["check", "none.js"])?.ended(1)?.says(&["none.js: the manifest cannot be read", "manifest"])?;
    Ok(())
}
