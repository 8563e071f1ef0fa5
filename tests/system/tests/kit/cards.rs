//! `plugin test`: cards that stay open, or are not shown, and plugins that get over the same trouble.

use anyhow::{Context, Result, ensure};

use crate::bench::{Bench, script};

/// A phone rings, another one takes the call, and it ends; each phone's user sees the card meanwhile.
const RINGING: &str = r#"
[plugin]
users = { 201 = "11", 202 = "12" }
[[call]]
events = [
  { kind = "arrived", direction = "inbound" },
  { kind = "ringing", extension = "201", after = 1 },
  { kind = "ringing", extension = "202", after = 1 },
  { kind = "answered", by = "202", after = 5 },
  { kind = "ring-stopped", extension = "201", why = "answered-elsewhere" },
  { kind = "ended", by = "external", after = 60 },
]
[[crm]]
request = "POST https://crm.test/show"
times = "any"
write = false
cards.show = "json.users"
answer.json = true
[[crm]]
request = "POST https://crm.test/hide"
times = "any"
write = false
cards.hide = "json.users"
answer.json = true
"#;

/// A plugin whose cards are brought up to date by `body`.
fn syncing(body: &str) -> String {
    script(&format!(
        r#"function post(name, users) {{
  if (users.length) return crm.request("POST", name, {{ effect: "idempotent", json: {{ users }} }});
}}
function surely(name, users) {{
  if (users.length && post(name, users).success().json() !== true) throw failure.temporary("not done");
}}
exports.cards = {{ sync(call, begun, contact, visible, gone) {{
{body}
}} }};"#
    ))
}

const CAREFUL: &str = r#"surely("hide", gone); surely("show", visible);"#;

/// Plays with trouble; of those that went wrong, the trouble, the request and what was wrong.
fn lost(body: &str, scenario: &str) -> Result<Vec<(String, String, String)>> {
    let bench = Bench::with(&syncing(body), scenario)?;
    let said = bench.run(&["--json", "test", "--plugin", "x.js", "--faults", "--crashes", "scenarios"])?;
    let objects = said.objects()?;
    ensure!(objects.first().context("nothing was played")?["passed"] == true, "{objects:#?}");
    let failed = objects.iter().filter(|object| object["passed"] == false);
    let text = |object: &serde_json::Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let lost: Vec<_> =
        failed.map(|object| (text(object, "trouble"), text(object, "request"), object["wrong"].to_string())).collect();
    said.ended(i32::from(!lost.is_empty()))?;
    Ok(lost)
}

/// Fails unless this is wrong with each trouble at this request.
fn ensure_lost(lost: &[(String, String, String)], troubles: &[&str], request: &str, why: &str) -> Result<()> {
    for trouble in troubles {
        let told = lost.iter().any(|(at, to, wrong)| at == trouble && to.ends_with(request) && wrong.contains(why));
        ensure!(told, "{trouble:?} at {request} with {why:?} is not among:\n{lost:#?}");
    }
    Ok(())
}

/// Troubles in which the CRM does nothing.
const NOT_DONE: [&str; 5] = ["429", "500", "401", "200 with a web page", "200 with other JSON"];

#[test]
fn who_looks_at_the_answers_survives_them_all() -> Result<()> {
    let lost = lost(CAREFUL, RINGING)?;
    ensure!(lost.is_empty(), "{lost:#?}");
    Ok(())
}

#[test]
fn who_does_not_look_whether_it_is_hidden_leaves_it_open() -> Result<()> {
    let lost = lost(r#"post("hide", gone); surely("show", visible);"#, RINGING)?;
    ensure_lost(&lost, &NOT_DONE, "/hide", "the card stays open for 11, after event 5 of call 1")?;
    ensure!(lost.iter().all(|(_, to, wrong)| to.ends_with("/hide") && wrong.contains("stays open")), "{lost:#?}");
    Ok(())
}

#[test]
fn who_does_not_look_whether_it_is_shown_leaves_it_out() -> Result<()> {
    let lost = lost(r#"surely("hide", gone); post("show", visible);"#, RINGING)?;
    let missing = "the card is not shown for 11, after event 2 of call 1, and nobody was told";
    ensure_lost(&lost, &NOT_DONE, "/show", missing)?;
    ensure!(lost.iter().all(|(_, to, wrong)| to.ends_with("/show") && wrong.contains("is not shown")), "{lost:#?}");
    Ok(())
}

/// The CRM of this one says nothing of its cards; the host knows that it was refused.
#[test]
fn who_never_gets_it_right_after_a_failure_is_named() -> Result<()> {
    let unsaid: String =
        RINGING.lines().filter(|line| !line.starts_with("cards.")).map(|line| line.to_owned() + "\n").collect();
    let sulking = r#"if (storage.call.get("failed")) throw failure.rejected("sulk", "never again");
        try { surely("hide", gone); surely("show", visible); }
        catch (error) { storage.call.set("failed", "yes"); throw error; }"#;
    let lost = lost(sulking, &unsaid)?;
    ensure_lost(&lost, &NOT_DONE, "/show", "cards.sync was given up after: ")?;
    ensure_lost(&lost, &NOT_DONE, "/hide", "the card may still be open for 11, 12 at the end")?;
    Ok(())
}

#[test]
fn a_card_that_is_never_taken_down_fails_without_any_trouble() -> Result<()> {
    let bench = Bench::with(&syncing(r#"surely("show", visible);"#), RINGING)?;
    bench.test(&[])?.ended(1)?.says(&["the card stays open for 11, 12, when all calls are over"]).map(drop)
}
