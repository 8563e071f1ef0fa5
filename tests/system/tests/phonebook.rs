//! What is kept of whom a CRM knows: when it answers in the CRM's place, when it does not, and that it goes again. What the
//! CRM was asked is the verdict.

use std::time::Duration;

use anyhow::{Result, ensure};
use recording_crm::Reply;
use serde_json::{Value, json};
use system_tests::{
    PATIENCE, Time,
    office::{Office, Setup},
};
use tokio::time::{Instant, sleep};

/// The caller of the recorded call `a`.
const CALLER: &str = "+494066969101";

/// Whoever is looked up is found as what the CRM answers; the entry names the contact.
fn setup(plugin: &str) -> Setup {
    let script = json!({
        "lookup.by-number": [[{ "send": { "url": "find/<number>" } }, { "return": "<answer>" }]],
        "journal.write": [[{ "send": { "method": "POST", "url": "written", "effect": "once", "body": "<contact>" } }]],
        "lookup.by-text": [[{ "send": { "url": "search/<before>" } }, { "return": "<answer>" }]],
    });
    let mut setup = Setup::new(script);
    setup.plugin.push_str(&format!("\n{plugin}"));
    setup
}

/// One call, until its entry is written; whom it names, and how often the CRM has been asked for the caller by then.
async fn call(office: &Office) -> Result<(String, usize)> {
    let before = office.crm.requests_to("written").len();
    office.call("a").await?;
    let written = office.crm.wait_for("written", before + 1).await?;
    let named = written.last().map(|request| request.body.clone()).unwrap_or_default();
    Ok((named, office.crm.requests_to(&format!("find/{CALLER}")).len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_is_kept_is_not_asked_for_again_over_a_kill_until_he_is_erased_or_too_old() -> Result<()> {
    let mut setup = setup("phonebook = { always-query = false, keep = \"2h\" }");
    setup.time = Time::Simulated;
    let mut office = Office::open_with(setup, |crm| crm.answer("", Reply::new(200, "c-1"))).await?;
    ensure!(call(&office).await? == ("c-1".to_owned(), 1), "the first call");
    // The CRM would say something else now, and is not asked.
    office.crm.answer("", Reply::new(200, "c-2"));
    ensure!(call(&office).await? == ("c-1".to_owned(), 1), "the second call");
    office.kill().await?;
    office.launch().await?;
    ensure!(call(&office).await? == ("c-1".to_owned(), 1), "after a kill");
    office.wait_for_jobs("done", 6).await?;
    let told: Value = serde_json::from_str(&office.run(&["erase", CALLER, "--dry-run", "--json"]).await?)?;
    ensure!(told["known"] == 1, "{told}");
    let told: Value = serde_json::from_str(&office.run(&["erase", CALLER, "--json"]).await?)?;
    ensure!(told["known"] == 1 && told["calls"] == 3, "{told}");
    ensure!(call(&office).await? == ("c-2".to_owned(), 2), "after the erasing");
    ensure!(call(&office).await? == ("c-2".to_owned(), 2), "kept again");
    office.crm.answer("", Reply::new(200, "c-3"));
    office.skip(Duration::from_secs(3 * 3600)).await?;
    ensure!(call(&office).await? == ("c-3".to_owned(), 3), "after its time");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crm_is_asked_at_every_call_unless_the_admin_says_otherwise() -> Result<()> {
    let office = Office::open_with(setup(""), |crm| crm.answer("", Reply::new(200, "c-1"))).await?;
    ensure!(call(&office).await? == ("c-1".to_owned(), 1), "the first call");
    office.crm.answer("", Reply::new(200, "c-2"));
    ensure!(call(&office).await? == ("c-2".to_owned(), 2), "the second call");
    // What is kept never stands in for an answer in anything that is written.
    office.crm.answer("", Reply::new(500, "no"));
    office.call("a").await?;
    let deadline = Instant::now() + PATIENCE;
    while office.crm.requests_to(&format!("find/{CALLER}")).len() < 4 {
        ensure!(Instant::now() < deadline, "nobody asks again: {}", office.log());
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_asks_all_crms_at_once_and_one_that_is_slow_holds_up_none() -> Result<()> {
    let mut setup = setup("");
    let script = json!({ "lookup.by-text": [[{ "send": { "url": "slow/<before>" } }, { "return": "s-1" }]] });
    setup.more = format!(
        "[plugin.slow]\ncomponent = \"scripted.wasm\"\nallow = {{ http = [\"CRM\"], network = [\"127.0.0.0/8\"] }}\n\
         credentials.crm = {{ kind = \"base-url\", file = \"address\" }}\nsettings = {{ {} }}\n",
        Setup::script(script)
    );
    let office = Office::open_with(setup, |crm| {
        crm.answer("", Reply::new(200, "c-1"));
    })
    .await?;
    let lines =
        |out: String| -> Result<Vec<Value>> { out.lines().map(|line| Ok(serde_json::from_str(line)?)).collect() };
    let found = lines(office.run(&["find", "ann", "--json"]).await?)?;
    let ids: Vec<_> = found.iter().map(|found| (&found["plugin"], &found["contacts"][0]["id"])).collect();
    ensure!(ids == [(&json!("crm"), &json!("c-1")), (&json!("slow"), &json!("s-1"))], "{found:?}");
    let _held = office.crm.hold("slow/bob");
    let begun = Instant::now();
    let found = lines(office.run_to(&["find", "bob", "--json"], 1).await?)?;
    ensure!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    ensure!(found[0]["contacts"][0]["id"] == "c-1" && found[0]["problem"].is_null(), "{found:?}");
    ensure!(found[1]["contacts"] == json!([]) && found[1]["problem"].is_string(), "{found:?}");
    // A number is looked up as if it called.
    let found = lines(office.run(&["find", "040 66969101", "--plugin", "crm", "--json"]).await?)?;
    ensure!(found.len() == 1 && found[0]["contacts"][0]["id"] == "c-1", "{found:?}");
    ensure!(office.crm.requests_to(&format!("find/{CALLER}")).len() == 1, "it was not looked up");
    let out = office.run(&["find", "ann", "--plugin", "crm"]).await?;
    ensure!(out.contains("Scripted") && out.contains("contact c-1"), "{out}");
    Ok(())
}
