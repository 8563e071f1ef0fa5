//! A CRM that does not let the plugin in.

use anyhow::{Result, ensure};
use recording_crm::Reply;
use serde_json::json;

use crate::office::{Office, Setup};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_holds_the_queue_until_it_is_mended() -> Result<()> {
    let office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<chain>"}},
    ]]})))
    .await?;
    office.crm.answer("made", Reply::new(401, "who are you?"));
    office.call("a").await?;
    let first = office.crm.wait_for("made", 1).await?[0].body.clone();
    for _ in 0..5 {
        office.call("a").await?;
    }
    // All six calls are over and registered; none but the first is tried at the door that is shut.
    office.wait_for_jobs("done", 6).await?;
    office.crm.wait_for("made", 3).await?;
    let tried = office.crm.requests_to("made");
    ensure!(tried.iter().all(|request| request.body == first), "{tried:?}");
    ensure!(office.jobs("parked").await?.is_empty(), "a job was parked");
    ensure!(office.log().contains("ERROR"), "the admin is not told:\n{}", office.log());
    office.crm.answer("made", Reply::new(201, "4711"));
    office.wait_for_jobs("done", 12).await?;
    let done = office.crm.requests_to("made").split_off(office.crm.requests_to("made").len() - 6);
    let calls: std::collections::BTreeSet<_> = done.iter().map(|request| &request.body).collect();
    ensure!(calls.len() == 6, "{done:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_held_is_held_after_a_restart_and_goes_on() -> Result<()> {
    let mut office = Office::open(Setup::new(json!({"journal.write": [[
        {"send": {"method": "POST", "url": "made", "effect": "once", "body": "<chain>"}},
    ]]})))
    .await?;
    office.crm.answer("made", Reply::new(401, "who are you?"));
    office.call("a").await?;
    office.call("a").await?;
    office.crm.wait_for("made", 1).await?;
    office.kill().await?;
    office.crm.answer("made", Reply::new(201, "4711"));
    let refused = office.crm.requests_to("made").len();
    office.launch().await?;
    office.wait_for_jobs("done", 4).await?;
    ensure!(office.crm.requests_to("made").len() == refused + 2, "{:?}", office.crm.requests_to("made"));
    Ok(())
}
