//! The plugin fails, and is asked again: what was written stays written.

use std::{collections::BTreeSet, time::Instant};

use anyhow::{Context, Result, ensure};
use recording_crm::Reply;
use serde_json::json;

use system_tests::office::{Office, Setup};

use crate::bodies;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_kept_and_what_was_read_is_asked_anew() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"url": "state?<attempt>"}},
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}},
        {"send": {"method": "POST", "url": "noted", "effect": "idempotent", "body": "<key:noted> <answer>"}},
    ]]})))
    .await?;
    office.crm.answer_once("made", Reply::new(201, "4711"));
    office.crm.answer("made", Reply::new(201, "4712"));
    office.crm.answer_once("noted", Reply::new(503, "busy"));
    office.crm.answer_once("noted", Reply::nothing());
    office.crm.answer_once("noted", Reply::half(200, "done"));
    office.call("a").await?;
    office.wait_for_jobs("done", 2).await?;
    let paths: Vec<_> = office.crm.requests_to("state").into_iter().map(|request| request.path).collect();
    ensure!(paths == ["state?1", "state?2", "state?3", "state?4"], "{paths:?}");
    ensure!(office.crm.requests_to("made").len() == 1, "{:?}", office.crm.requests_to("made"));
    let noted = office.crm.requests_to("noted");
    ensure!(noted.len() == 4 && noted.iter().all(|request| request.body == noted[0].body), "{noted:#?}");
    ensure!(noted[0].body.ends_with(" 4711"), "{noted:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_that_made_the_plugin_fail_is_not_kept() -> Result<()> {
    // A CRM that says "busy" with status 200.
    let write = json!({"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}});
    let busy = json!({"send": {"method": "POST", "url": "busy", "effect": "once", "body": "<key:busy>"}});
    let office = Office::open(Setup::new(json!({"journal.write": [
        [write, busy, {"fail": {"temporary": null}}],
        [write, busy],
    ]})))
    .await?;
    office.call("a").await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to("made").len() == 1, "{:?}", office.crm.requests_to("made"));
    ensure!(office.crm.requests_to("busy").len() == 2, "{:?}", office.crm.requests_to("busy"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_recognised_by_what_it_says_and_how_often_it_was_said() -> Result<()> {
    let write = |body: &str| json!({"send": {"method": "POST", "url": "made", "effect": "once", "body": body}});
    let tell = json!({"send": {"url": "told?<answer>"}});
    let office = Office::open(Setup::new(json!({"journal.write": [
        [write("one"), write("same"), write("same"), {"send": {"url": "state"}}],
        [write("two"), write("same"), tell, write("same"), tell, write("same"), tell],
    ]})))
    .await?;
    for answer in ["a", "b", "c", "d", "e"] {
        office.crm.answer_once("made", Reply::new(201, answer));
    }
    office.crm.answer("state", Reply::new(503, "busy"));
    office.call("a").await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(bodies(&office.crm.requests_to("made")) == ["one", "same", "same", "two", "same"]);
    let told: Vec<_> = office.crm.requests_to("told").into_iter().map(|request| request.path).collect();
    ensure!(told == ["told?b", "told?c", "told?e"], "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_not_kept() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>", "on": {"400": []}}},
        {"send": {"url": "state"}},
    ]]})))
    .await?;
    office.crm.answer_once("made", Reply::new(400, "no"));
    office.crm.answer_once("state", Reply::new(503, "busy"));
    office.call("a").await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to("made").len() == 2, "{:?}", office.crm.requests_to("made"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_same_on_every_try_and_another_for_every_job_and_label() -> Result<()> {
    let steps = json!([
        {"send": {"method": "POST", "url": "one", "effect": "idempotent", "body": "<key:one> <attempt>"}},
        {"send": {"method": "POST", "url": "two", "effect": "idempotent", "body": "<key:two> <attempt>"}},
    ]);
    let office = Office::open(Setup::new(json!({"journal.begin": [steps], "journal.write": [steps]}))).await?;
    // Each of the four jobs fails once at its second request.
    for _ in 0..4 {
        office.crm.answer_once("two", Reply::new(503, "busy"));
    }
    office.call("a").await?;
    office.call("a").await?;
    office.wait_for_jobs("done", 4).await?;
    let keys = |path: &str, attempt: &str| -> BTreeSet<String> {
        let requests = office.crm.requests_to(path);
        let pairs = requests.iter().filter_map(|request| request.body.split_once(' '));
        pairs.filter(|(_, of)| *of == attempt).map(|(key, _)| key.to_owned()).collect()
    };
    let (one, two) = (keys("one", "1"), keys("two", "1"));
    ensure!(one.len() == 4 && two.len() == 4 && one.is_disjoint(&two), "{one:?} {two:?}");
    ensure!(keys("two", "2").is_subset(&two) && !keys("two", "2").is_empty(), "{two:?} {:?}", keys("two", "2"));
    let good = |key: &String| key.len() <= 64 && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    ensure!(one.iter().all(good), "{one:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_crashes_writes_once_and_is_parked_after_three_tries() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}},
        {"send": {"url": "state?<attempt>"}},
        "trap",
    ]]})))
    .await?;
    office.call("a").await?;
    let parked = office.wait_for_jobs("parked", 1).await?;
    ensure!(parked[0]["tries"] == 3, "{parked:?}");
    ensure!(office.crm.requests_to("made").len() == 1, "{:?}", office.crm.requests_to("made"));
    ensure!(office.crm.requests_to("state").len() == 3, "{:?}", office.crm.requests_to("state"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_calculates_for_ever_is_stopped_and_parked() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.begin": [["spin"]]}))).await?;
    office.call("a").await?;
    let parked = office.wait_for_jobs("parked", 1).await?;
    ensure!(parked[0]["kind"] == "begin" && parked[0]["tries"] == 3, "{parked:?}");
    // The entry is written all the same.
    office.wait_for_jobs("done", 1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_job_blocks_no_other_call_and_is_completed_by_hand_without_writing_twice() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}},
        {"send": {"method": "POST", "url": "noted", "effect": "idempotent", "body": "<key:noted> <answer>"}},
    ]]})))
    .await?;
    office.crm.answer_once("noted", Reply::new(422, "the line is not known"));
    office.call("a").await?;
    let parked = office.wait_for_jobs("parked", 1).await?;
    let problem = parked[0]["problem"].as_str().context("a problem")?;
    ensure!(problem.contains("422"), "{problem}");
    office.call("a").await?;
    office.wait_for_jobs("done", 3).await?;
    office.run(&["jobs", "retry", &parked[0]["job"].to_string()]).await?;
    office.wait_for_jobs("done", 4).await?;
    ensure!(office.crm.requests_to("made").len() == 2, "{:?}", office.crm.requests_to("made"));
    ensure!(office.crm.requests_to("noted").len() == 3, "{:?}", office.crm.requests_to("noted"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_call_keep_their_order_while_other_calls_go_on() -> Result<()> {
    let office = Office::open(Setup::new(json!({
        "journal.begin": [[{"send": {"method": "POST", "url": "begun", "effect": "idempotent", "body": "<chain>"}}]],
        "journal.write": [[{"send": {"method": "POST", "url": "written", "effect": "once", "body": "<chain>"}}]],
    })))
    .await?;
    let held = office.crm.hold("begun");
    office.call("a").await?;
    let (first, answer) = held.arrived().await?;
    // Of another caller: two first calls of one caller wait for each other.
    office.call("d_caller_cancel").await?;
    let written = office.crm.wait_for("written", 1).await?;
    ensure!(written[0].body != first.body, "the first call is written before it is begun");
    let _ = answer.send(Reply::new(503, "busy"));
    office.wait_for_jobs("done", 4).await?;
    let own: Vec<_> = office.crm.requests().into_iter().filter(|request| request.body == first.body).collect();
    let order: Vec<_> = own.iter().map(|request| request.path.as_str()).collect();
    ensure!(order == ["begun", "begun", "written"], "{order:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_that_asks_for_patience_gets_it() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.write": [
        [{"send": {"url": "one"}}, {"fail": {"temporary": 1200}}],
        [{"send": {"url": "two"}}],
    ]})))
    .await?;
    office.call("a").await?;
    office.crm.wait_for("one", 1).await?;
    let asked = Instant::now();
    office.crm.wait_for("two", 1).await?;
    ensure!(asked.elapsed().as_millis() >= 1100, "tried again after {:?}", asked.elapsed());
    Ok(())
}
