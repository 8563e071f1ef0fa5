//! Recorded calls of a real Asterisk go in; what is in the account at Zendesk afterwards is the verdict.

mod callers;
mod calls;
mod crash_points;
mod faults;
mod screens;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use system_tests::helpdesk::{
    Helpdesk, Setup,
    verdict::{self, Count, voices},
};

/// The number that calls in the traces `a` and `b`.
const CALLER: &str = "+494066969101";
/// Its text is another one when the call is over.
const TICKET_AT_RING: &str = "tickets = { open = \"ring\", body = \"{{ call.external }}: {{ call.reason }}\" }";
const TICKET_AT_END: &str = "tickets = { open = \"end\" }";
const NEW_USERS: &str = "contacts = { create = \"automatic\", on = [\"inbound\"] }";

/// With this policy, and new callers becoming users.
fn with(policy: &str) -> Setup {
    Setup { policy: format!("{NEW_USERS}\n{policy}"), ..Setup::default() }
}

/// The caller of the traces is a user, 901.
fn known(mut setup: Setup) -> Setup {
    if let Some(users) = setup.account.seed["users"].as_array_mut() {
        users.push(json!({ "id": 901, "name": "Ana Lima", "phone": "+49 (40) 66 969-101" }));
    }
    setup
}

/// Waits until so many calls are in the account and no work is left, and judges.
async fn settled(helpdesk: &Helpdesk, wanted: Count) -> Result<Value> {
    helpdesk.shows("every call in a ticket", |state| voices(state) >= wanted.voices).await?;
    let calls = helpdesk.settled().await?;
    let parked: Vec<_> =
        calls.iter().filter(|call| call["jobs"].as_str().is_some_and(|jobs| jobs.contains("parked"))).collect();
    ensure!(parked.is_empty(), "work is parked: {parked:?}\n{}", helpdesk.report());
    let state = helpdesk.account.state();
    let count = verdict::faultless(&state).map_err(|error| error.context(helpdesk.report()))?;
    ensure!(count == wanted, "{count:?} where {wanted:?} was due: {}", helpdesk.report());
    Ok(state)
}
