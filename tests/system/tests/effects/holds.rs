//! A CRM that does not let the plugin in, or lets it wait.

use anyhow::{Result, ensure};
use recording_crm::Reply;
use serde_json::{Value, json};

use system_tests::office::{Office, Setup};

fn script() -> Value {
    json!({
        "journal.begin": [[{"send": {"method": "POST", "url": "begun", "effect": "once", "body": "<chain>"}}]],
        "journal.write": [[{"send": {"method": "POST", "url": "written", "effect": "once", "body": "<chain>"}}]],
    })
}

/// How many requests were refused so far.
fn refused(office: &Office) -> usize {
    office.crm.requests().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_holds_the_queue_until_it_is_mended() -> Result<()> {
    let office = Office::open(Setup::new(script())).await?;
    office.crm.answer("", Reply::new(401, "who are you?"));
    for _ in 0..6 {
        // Without a number, so that no call waits for another one of the same caller.
        office.call("a_anonymous").await?;
    }
    // Two probes later, all others have not been tried a second time.
    office.crm.wait_for("begun", 3).await?;
    office.wait_for_jobs("waiting", 12).await?;
    ensure!(refused(&office) <= 9, "{} requests though the door is shut", refused(&office));
    ensure!(office.log().contains("ERROR"), "the admin is not told:\n{}", office.log());
    let refused = refused(&office);
    office.crm.answer("", Reply::new(201, "4711"));
    office.wait_for_jobs("done", 12).await?;
    ensure!(office.crm.requests().len() == refused + 12, "{:?}", office.crm.requests());
    Ok(())
}

/// What a plugin does without its CRM says nothing about the CRM.
#[tokio::test(flavor = "multi_thread")]
async fn work_without_a_request_does_not_end_the_hold() -> Result<()> {
    let mut script = script();
    script["journal.begin"] = json!([]);
    let office = Office::open(Setup::new(script)).await?;
    office.crm.answer("", Reply::new(401, "who are you?"));
    office.call("a").await?;
    office.crm.wait_for("written", 1).await?;
    for _ in 0..5 {
        office.call("a_anonymous").await?;
    }
    // All are registered, which takes no request. Nothing is known of the door but by trying it.
    office.wait_for_jobs("done", 6).await?;
    ensure!(refused(&office) <= 2, "{} requests though the door is shut", refused(&office));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_was_held_goes_on_after_a_restart() -> Result<()> {
    let mut office = Office::open(Setup::new(script())).await?;
    office.crm.answer("", Reply::new(401, "who are you?"));
    office.call("a").await?;
    office.call("a").await?;
    office.crm.wait_for("begun", 1).await?;
    office.kill().await?;
    let refused = refused(&office);
    office.crm.answer("", Reply::new(201, "4711"));
    office.launch().await?;
    office.wait_for_jobs("done", 4).await?;
    ensure!(office.crm.requests().len() == refused + 4, "{:?}", office.crm.requests());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_does_not_wait_behind_entries_that_hang() -> Result<()> {
    let mut script = script();
    script["lookup.by-number"] = json!([[{"send": {"url": "find?<number>"}}]]);
    let office = Office::open(Setup { plugin: "limits = { concurrency = 2 }".into(), ..Setup::new(script) }).await?;
    office.crm.answer("written", Reply::never());
    for _ in 0..3 {
        office.call("a").await?;
    }
    office.crm.wait_for("written", 2).await?;
    // Both places for entries are taken. Somebody's phone rings, and the first look-up fails.
    office.crm.answer_once("find", Reply::new(503, "busy"));
    office.call("d_caller_cancel").await?;
    office.crm.wait_for("begun", 4).await?;
    let given_up = office.jobs("waiting").await?.into_iter().filter(|job| job["tries"] != 0);
    ensure!(given_up.count() == 0, "the registration came only after an entry was given up:\n{}", office.log());
    Ok(())
}
