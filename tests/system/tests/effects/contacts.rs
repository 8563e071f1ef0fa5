//! Several first calls of one caller, at once or across a crash, make one contact.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use recording_crm::Reply;
use serde_json::json;

use system_tests::office::{Office, Setup};

const POLICY: &str = "contacts = { create = \"automatic\", on = [\"inbound\"] }\n\
                      retry = { tries = 20, first = \"50ms\", longest = \"400ms\" }";

/// A CRM whose search never learns of the contact, as if its index lagged behind for ever.
fn setup() -> Setup {
    let script = json!({
        "lookup.by-number": [[{"send": {"url": "find?<number>"}}]],
        "contacts.create": [
            [{"send": {"method": "POST", "url": "contacts", "effect": "once", "body": "<key:contact>"}},
             {"return": "<answer>"}],
            [{"send": {"url": "search?<key:contact>"}}, {"return": "<answer>"}],
        ],
        "journal.write": [[{"send": {"method": "POST", "url": "calls", "effect": "once", "body": "<contact>"}}]],
    });
    Setup { plugin: POLICY.into(), ..Setup::new(script) }
}

fn contacts(office: &Office) -> Vec<String> {
    office.crm.requests_to("calls").into_iter().map(|request| request.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_first_calls_make_one_contact_and_all_belong_to_it() -> Result<()> {
    for count in [2, 10] {
        let office = Office::open(setup()).await?;
        office.crm.answer("contacts", Reply::new(201, "77"));
        let held = office.crm.hold("contacts");
        try_join_all((0..count).map(|_| office.call("a"))).await?;
        let (_, answer) = held.arrived().await?;
        // All others are there, and wait.
        office.wait_for_jobs("waiting", 3 * count - 1).await?;
        let _ = answer.send(Reply::new(201, "77"));
        office.wait_for_jobs("done", 3 * count).await?;
        ensure!(office.crm.requests_to("contacts").len() == 1, "{:?}", office.crm.requests_to("contacts"));
        ensure!(contacts(&office) == vec!["77"; count], "{:?}", contacts(&office));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn different_callers_do_not_wait_for_each_other() -> Result<()> {
    let office = Office::open(setup()).await?;
    let held = office.crm.hold("contacts");
    office.call("a").await?;
    let (_, answer) = held.arrived().await?;
    office.crm.answer("contacts", Reply::new(201, "78"));
    office.call("d_caller_cancel").await?;
    office.crm.wait_for("calls", 1).await?;
    ensure!(contacts(&office) == ["78"], "{:?}", contacts(&office));
    let _ = answer.send(Reply::new(201, "77"));
    office.wait_for_jobs("done", 6).await?;
    ensure!(contacts(&office) == ["78", "77"], "{:?}", contacts(&office));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_creation_and_its_answer_makes_no_second_contact() -> Result<()> {
    let mut office = Office::open(setup()).await?;
    let held = office.crm.hold("contacts");
    try_join_all([office.call("a"), office.call("a"), office.call("a")]).await?;
    let (made, _connection) = held.arrived().await?;
    office.kill().await?;
    office.crm.answer("search", Reply::new(200, "77"));
    office.launch().await?;
    office.wait_for_jobs("done", 9).await?;
    ensure!(office.crm.requests_to("contacts").len() == 1, "{:?}", office.crm.requests_to("contacts"));
    ensure!(contacts(&office) == ["77"; 3], "{:?}", contacts(&office));
    let searches = office.crm.requests_to("search");
    ensure!(searches.iter().all(|search| search.path == format!("search?{}", made.body)), "{searches:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_was_just_made_is_known_after_a_restart() -> Result<()> {
    let mut office = Office::open(setup()).await?;
    office.crm.answer("contacts", Reply::new(201, "77"));
    office.call("a").await?;
    office.wait_for_jobs("done", 3).await?;
    office.kill().await?;
    office.launch().await?;
    office.call("a").await?;
    office.wait_for_jobs("done", 6).await?;
    ensure!(office.crm.requests_to("contacts").len() == 1, "{:?}", office.crm.requests_to("contacts"));
    ensure!(contacts(&office) == ["77", "77"], "{:?}", contacts(&office));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_is_parked_lets_the_next_call_create() -> Result<()> {
    let office = Office::open(setup()).await?;
    office.crm.answer_once("contacts", Reply::new(422, "no"));
    office.crm.answer("contacts", Reply::new(201, "77"));
    office.call("a").await?;
    office.wait_for_jobs("parked", 1).await?;
    office.call("a").await?;
    office.wait_for_jobs("done", 5).await?;
    ensure!(contacts(&office).contains(&"77".to_owned()), "{:?}", contacts(&office));
    Ok(())
}
