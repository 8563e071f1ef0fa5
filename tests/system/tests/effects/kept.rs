//! What is recorded of a request and its answer: enough to go on, and no secret.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use recording_crm::Reply;
use serde_json::json;

use system_tests::office::{Office, Setup};

/// Files below `folder` that hold `text`.
fn found(folder: &Path, text: &[u8]) -> Result<Vec<String>> {
    let mut hits = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            hits.extend(found(&path, text)?);
        } else if path.is_file() && fs::read(&path)?.windows(text.len()).any(|window| window == text) {
            hits.push(path.display().to_string());
        }
    }
    Ok(hits)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_crm_repeats_is_masked_before_anybody_keeps_it() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "echo", "effect": "once", "body": "canary-of-the-body"}},
        {"send": {"method": "POST", "url": "told", "effect": "idempotent", "body": "<answer>"}},
        {"put": {"key": "answer", "value": "<answer>"}},
        {"send": {"url": "wait"}},
    ]]})))
    .await?;
    office.crm.answer("echo", Reply::echo());
    let held = office.crm.hold("wait");
    office.call("a").await?;
    let _connection = held.arrived().await?;
    // As it is on the disk in the middle of a job, with all that waits in the write-ahead log.
    office.kill().await?;
    let secret = office.crm.secret().as_bytes().to_vec();
    let hits = found(office.folder(), &secret)?;
    ensure!(hits.len() == 1 && hits[0].ends_with("address"), "{hits:?}");
    ensure!(!found(&office.folder().join("data"), b"canary-of-the-body")?.is_empty(), "the test looks at nothing");
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to("told").len() == 1, "{:?}", office.crm.requests_to("told"));
    let told = &office.crm.requests_to("told")[0].body;
    ensure!(
        told.contains("canary-of-the-body") && !told.as_bytes().windows(secret.len()).any(|w| w == secret),
        "{told}"
    );
    let job = office.jobs("done").await?[0]["job"].to_string();
    let shown = office.run(&["jobs", "show", &job]).await?;
    ensure!(!shown.contains(office.crm.secret()), "{shown}");
    ensure!(found(&office.folder().join("data"), &secret)?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_too_large_to_be_kept_is_recognised_all_the_same() -> Result<()> {
    let large = |padding: usize| json!({"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>", "padding": padding}});
    let mut office = Office::open(Setup::new(json!({"journal.write": [
        [large(400_000), {"send": {"url": "state"}}],
        [large(400_000), large(400_001), {"send": {"url": "wait"}}],
    ]})))
    .await?;
    office.crm.answer_once("state", Reply::new(503, "busy"));
    let held = office.crm.hold("wait");
    office.call("a").await?;
    let _connection = held.arrived().await?;
    office.kill().await?;
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    let sizes: Vec<_> = office.crm.requests_to("made").iter().map(|request| request.body.len() % 10).collect();
    ensure!(sizes.len() == 2 && sizes[0] != sizes[1], "{sizes:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_with_a_large_answer_is_not_sent_again_after_a_crash() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>",
                  "on": {"in-doubt": [{"send": {"url": "search"}}]}}},
        {"send": {"url": "list"}},
        {"send": {"url": "wait"}},
    ]]})))
    .await?;
    office.crm.answer("made", Reply::new(201, "x".repeat(300_000)));
    office.crm.answer("list", Reply::new(200, "y".repeat(300_000)));
    let held = office.crm.hold("wait");
    office.call("a").await?;
    let _connection = held.arrived().await?;
    office.kill().await?;
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to("made").len() == 1, "{}", office.crm.requests_to("made").len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_with_a_large_answer_is_not_sent_again_by_a_retry() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>",
                  "on": {"in-doubt": [{"send": {"url": "search"}}]}}},
        {"send": {"url": "state"}},
    ]]})))
    .await?;
    office.crm.answer("made", Reply::new(201, "x".repeat(300_000)));
    office.crm.answer_once("state", Reply::new(503, "busy"));
    office.call("a").await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to("made").len() == 1, "{}", office.crm.requests_to("made").len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_larger_than_allowed_is_looked_for() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.write": [
        [{"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}}],
        [{"send": {"url": "search?<key:made>"}}],
    ]})))
    .await?;
    office.crm.answer("made", Reply::new(201, "x".repeat(3 << 20)));
    office.call("a").await?;
    office.wait_for_jobs("done", 2).await?;
    let made = office.crm.requests_to("made");
    ensure!(made.len() == 1, "{}", made.len());
    ensure!(office.crm.requests_to("search")[0].path == format!("search?{}", made[0].body));
    Ok(())
}
