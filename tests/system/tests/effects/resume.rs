//! The process dies in the middle of a job: the same run goes on.

use std::fs;

use anyhow::{Context, Result, ensure};
use recording_crm::Reply;
use serde_json::json;

use system_tests::office::{Office, Setup};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_off_goes_on_with_what_it_had_heard() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"url": "state?<uuid>&<now>&<attempt>&<user:201>"}},
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made> <answer>"}},
        {"send": {"method": "POST", "url": "noted", "effect": "idempotent",
                  "body": "<key:noted> <answer> <uuid> <now> <attempt>"}},
        {"send": {"method": "POST", "url": "closed", "effect": "once", "body": "<key:closed> <answer>"}},
    ]]})))
    .await?;
    office.crm.answer("state", Reply::new(200, "before"));
    office.crm.answer("made", Reply::new(201, "4711"));
    let held = office.crm.hold("noted");
    office.call("a").await?;
    let (noted, _connection) = held.arrived().await?;
    office.kill().await?;
    office.crm.answer("state", Reply::new(200, "after"));
    office.crm.answer("made", Reply::new(201, "4712"));
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    for (path, count) in [("state", 1), ("made", 1), ("noted", 2), ("closed", 1)] {
        ensure!(office.crm.requests_to(path).len() == count, "{path}: {:?}", office.crm.requests_to(path));
    }
    ensure!(noted.body.contains(" 4711 ") && noted.body.ends_with(" 1"), "{noted:?}");
    let again = &office.crm.requests_to("noted")[1];
    ensure!(again.bytes == noted.bytes, "another request than before:\n{noted:#?}\n{again:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_cut_off_is_in_doubt_within_the_same_try() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>",
                  "on": {"in-doubt": [{"send": {"url": "search?<key:made>&<attempt>"}}]}}},
    ]]})))
    .await?;
    let held = office.crm.hold("made");
    office.call("a").await?;
    let _connection = held.arrived().await?;
    office.kill().await?;
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to("made").len() == 1, "{:?}", office.crm.requests_to("made"));
    let searches = office.crm.requests_to("search");
    ensure!(searches.len() == 1 && searches[0].path.ends_with("&1"), "{searches:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_hands_the_doubt_on_looks_before_it_writes() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [
        [{"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}}],
        [{"send": {"url": "search?<key:made>&<attempt>"}}],
    ]})))
    .await?;
    let held = office.crm.hold("made");
    office.call("a").await?;
    let (made, _connection) = held.arrived().await?;
    office.kill().await?;
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to("made").len() == 1, "{:?}", office.crm.requests_to("made"));
    let searches = office.crm.requests_to("search");
    ensure!(searches.len() == 1 && searches[0].path == format!("search?{}&2", made.body), "{searches:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_before_the_crash_is_stored_once() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"put": {"key": "k", "value": "v", "expected": 0}},
        {"send": {"url": "stored?<revision>"}},
        {"send": {"url": "first"}},
        {"get": {"key": "k"}},
        {"send": {"url": "found?<value>&<revision>"}},
        {"delete": {"key": "k"}},
        {"send": {"url": "second"}},
        {"get": {"key": "k"}},
        {"send": {"url": "gone?<value>&<revision>"}},
    ]]})))
    .await?;
    let (first, second) = (office.crm.hold("first"), office.crm.hold("second"));
    office.call("a").await?;
    let _connection = first.arrived().await?;
    office.kill().await?;
    office.launch().await?;
    let _connection = second.arrived().await?;
    office.kill().await?;
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    let paths = |place: &str| -> Vec<String> {
        office.crm.requests_to(place).into_iter().map(|request| request.path).collect()
    };
    // A read whose answer was not yet on the disk may come again; it says the same.
    let only = |place: &str| -> Result<String> {
        let paths = paths(place);
        ensure!(paths.iter().all(|path| *path == paths[0]), "{paths:?}");
        paths.into_iter().next().context("no request")
    };
    let stored = only("stored")?;
    let revision = stored.strip_prefix("stored?").context("a revision")?;
    ensure!(only("found")? == format!("found?v&{revision}"), "{stored} {}", only("found")?);
    ensure!(only("gone")? == "gone?&0", "{}", only("gone")?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_component_tries_again_and_keeps_what_was_written() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"url": "state?<attempt>"}},
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}},
        {"send": {"method": "POST", "url": "noted", "effect": "idempotent", "body": "<key:noted> <answer>"}},
        {"send": {"method": "POST", "url": "closed", "effect": "once", "body": "<key:closed>"}},
    ]]})))
    .await?;
    office.crm.answer("made", Reply::new(201, "4711"));
    let held = office.crm.hold("noted");
    office.call("a").await?;
    let _connection = held.arrived().await?;
    office.kill().await?;
    office.crm.answer("made", Reply::new(201, "4712"));
    // The same code with one more custom section: another build.
    let mut component = fs::read(office.folder().join("scripted.wasm"))?;
    component.extend_from_slice(b"\0\x0a\x05build\x00\x02\x00\x01");
    fs::write(office.folder().join("rebuilt.wasm"), component)?;
    office.setup().component = "rebuilt.wasm";
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    let paths: Vec<_> = office.crm.requests_to("state").into_iter().map(|request| request.path).collect();
    ensure!(paths == ["state?1", "state?2"], "{paths:?}");
    for (path, count) in [("made", 1), ("noted", 2), ("closed", 1)] {
        ensure!(office.crm.requests_to(path).len() == count, "{path}: {:?}", office.crm.requests_to(path));
    }
    let noted = office.crm.requests_to("noted");
    ensure!(noted[0].bytes == noted[1].bytes, "{noted:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_hear_of_the_write_that_was_cut_off() -> Result<()> {
    let script = |look: &str| {
        json!({"journal.write": [[
            {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>",
                      "on": {"in-doubt": [{"send": {"url": look}}]}}},
        ]]})
    };
    let mut office = Office::open(Setup::new(script("never"))).await?;
    let held = office.crm.hold("made");
    office.call("a").await?;
    let _connection = held.arrived().await?;
    office.kill().await?;
    office.setup().settings = Setup::script(script("search?<attempt>"));
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    let paths: Vec<_> = office.crm.requests().into_iter().map(|request| request.path).collect();
    ensure!(paths == ["made", "search?2"], "{paths:?}");
    Ok(())
}

/// Nothing that a plugin sees makes it ask otherwise than before, so the record of what it asked is changed here.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_asks_otherwise_than_before_is_parked_and_both_requests_are_named() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}},
        {"send": {"url": "wait"}},
        {"send": {"method": "POST", "url": "closed", "effect": "once", "body": "<key:closed>"}},
    ]]})))
    .await?;
    let held = office.crm.hold("wait");
    office.call("a").await?;
    let _connection = held.arrived().await?;
    office.kill().await?;
    let journal = rusqlite::Connection::open(office.folder().join("data/hookswitch.db"))?;
    let changed = journal.execute("UPDATE requests SET url = '{crm}/other' WHERE url = '{crm}/made'", [])?;
    ensure!(changed == 1, "the record of the request is not where it was");
    drop(journal);
    office.launch().await?;
    let parked = office.wait_for_jobs("parked", 1).await?;
    let problem = parked[0]["problem"].as_str().context("a problem")?;
    ensure!(problem.contains("{crm}/made") && problem.contains("{crm}/other"), "{problem}");
    let count = |path| office.crm.requests_to(path).len();
    ensure!((count("made"), count("closed")) == (1, 0), "{:?}", office.crm.requests());
    // An admin who says `retry` gets a new try, which may ask what it likes.
    office.run(&["jobs", "retry", &parked[0]["job"].to_string()]).await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(count("closed") == 1, "{:?}", office.crm.requests());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_zone_is_a_new_try_and_what_was_written_stays() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<key:made>"}},
        {"send": {"url": "wait?<attempt>&<began>"}},
    ]]})))
    .await?;
    let held = office.crm.hold("wait");
    office.call("a").await?;
    let _connection = held.arrived().await?;
    office.kill().await?;
    office.setup().server = "region = \"DE\"\ntimezone = \"Asia/Tokyo\"".into();
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to("made").len() == 1, "{:?}", office.crm.requests_to("made"));
    let waits: Vec<_> = office.crm.requests_to("wait").into_iter().map(|request| request.path).collect();
    ensure!(waits.len() == 2 && waits[0].starts_with("wait?1&") && waits[0].ends_with("+01:00"), "{waits:?}");
    ensure!(waits[1].starts_with("wait?2&") && waits[1].ends_with("+09:00"), "{waits:?}");
    Ok(())
}
