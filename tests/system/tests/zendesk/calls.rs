//! What becomes of a call: a ticket of its own, or the one that the admin's policy opens.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::helpdesk::{
    Helpdesk, Setup,
    verdict::{Count, comments, faultless, tickets},
};

use crate::{CALLER, TICKET_AT_END, TICKET_AT_RING, known, settled, with};

const ONE: Count = Count { tickets: 1, voices: 1, users: 0 };

fn only(state: &Value) -> Result<&Value> {
    tickets(state).next().context("a ticket")
}

fn voice(ticket: &Value) -> Result<&Value> {
    comments(ticket, "VoiceComment").next().map(|comment| &comment["data"]).context("a voice comment")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_callers_call_is_in_a_solved_ticket_of_the_caller() -> Result<()> {
    let helpdesk = Helpdesk::start(known(Setup::default())).await?;
    helpdesk.call("a", 4.0).await?;
    let state = settled(&helpdesk, ONE).await?;
    let ticket = only(&state)?;
    ensure!(ticket["requester_id"] == 901 && ticket["assignee_id"] == 11 && ticket["status"] == "solved", "{ticket}");
    let call = voice(ticket)?;
    ensure!(call["from"] == CALLER && call["answered_by_id"] == 11, "{call}");
    ensure!(call["call_duration"].as_str().is_some_and(|seconds| seconds != "0"), "{call}");
    ensure!(comments(ticket, "Comment").all(|comment| comment["public"] == false), "the caller sees it: {ticket}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_opens_when_it_rings_is_told_what_became_of_the_call() -> Result<()> {
    let helpdesk = Helpdesk::start(known(with(TICKET_AT_RING))).await?;
    let playing = helpdesk.call("a", 4.0);
    let ringing = async {
        let opened = helpdesk.shows("a ticket", |state| tickets(state).count() == 1).await?;
        let ticket = only(&opened)?;
        ensure!(comments(ticket, "VoiceComment").count() == 0 && ticket["status"] == "new", "{ticket}");
        anyhow::Ok(())
    };
    let (played, rang) = tokio::join!(playing, ringing);
    played.and(rang)?;
    let state = settled(&helpdesk, ONE).await?;
    let ticket = only(&state)?;
    ensure!(ticket["requester_id"] == 901 && ticket["assignee_id"] == 11 && ticket["status"] == "open", "{ticket}");
    ensure!(comments(ticket, "Comment").count() == 2, "at the beginning and at the end: {ticket}");
    ensure!(voice(ticket)?["answered_by_id"] == 11, "{ticket}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_opens_at_the_end_has_the_call_in_it() -> Result<()> {
    let helpdesk = Helpdesk::start(known(with(TICKET_AT_END))).await?;
    helpdesk.call("a", 4.0).await?;
    let state = settled(&helpdesk, ONE).await?;
    let ticket = only(&state)?;
    ensure!(ticket["assignee_id"] == 11 && ticket["status"] == "open", "it is work: {ticket}");
    ensure!(comments(ticket, "Comment").count() == 1 && voice(ticket)?["from"] == CALLER, "{ticket}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_call_is_work_where_the_policy_says_so_and_nobodys_as_long_as_nobody_takes_it() -> Result<()> {
    let policy = "tickets = { open = \"end\", when = [\"missed\"] }\njournal = { when = [] }";
    let helpdesk = Helpdesk::start(known(with(policy))).await?;
    helpdesk.call("a", 0.0).await?;
    helpdesk.call("c", 0.0).await?;
    let state = settled(&helpdesk, Count { users: 1, tickets: 1, voices: 1 }).await?;
    let ticket = only(&state)?;
    ensure!(ticket["status"] == "new" && ticket["assignee_id"].is_null(), "{ticket}");
    let call = voice(ticket)?;
    ensure!(call["call_duration"] == "0" && call["answered_by_id"].is_null(), "{call}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbound_call_goes_from_us_to_them() -> Result<()> {
    let helpdesk = Helpdesk::start(Setup::default()).await?;
    helpdesk.call("e", 0.0).await?;
    let state = settled(&helpdesk, ONE).await?;
    let call = voice(only(&state)?)?;
    ensure!(call["to"].as_str().is_some_and(|to| to.starts_with("+4940669692")), "{call}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_talk_edition_makes_tickets_with_the_telephone_as_channel() -> Result<()> {
    let settings = ", ticket-api = \"talk\", priority = \"urgent\", group = 5, tags = \"pbx, call\"".to_owned();
    let mut setup = Setup { settings, ..known(with(TICKET_AT_RING)) };
    setup.account.seed["groups"] = serde_json::json!([{ "id": 5, "name": "Support" }]);
    let helpdesk = Helpdesk::start(setup).await?;
    helpdesk.call("a", 0.0).await?;
    let state = settled(&helpdesk, ONE).await?;
    let ticket = only(&state)?;
    ensure!(ticket["via"]["channel"] == "phone_call_inbound", "{ticket}");
    ensure!(ticket["priority"] == "urgent" && ticket["group_id"] == 5, "{ticket}");
    ensure!(ticket["tags"] == serde_json::json!(["pbx", "call"]), "{ticket}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_in_a_closed_ticket_is_said_in_one_that_follows_it() -> Result<()> {
    let helpdesk = Helpdesk::start(known(with(TICKET_AT_RING))).await?;
    while_it_rings(&helpdesk, "closed").await?;
    let state = settled(&helpdesk, Count { tickets: 2, voices: 1, users: 0 }).await?;
    let all: Vec<_> = tickets(&state).collect();
    ensure!(all[1]["followup_source_id"] == all[0]["id"] && voice(all[1]).is_ok(), "{state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_somebody_deletes_stays_deleted_and_the_admin_hears_of_it() -> Result<()> {
    let helpdesk = Helpdesk::start(known(with(TICKET_AT_RING))).await?;
    while_it_rings(&helpdesk, "deleted").await?;
    helpdesk.until_log("was deleted in Zendesk", |log| log.contains("was deleted in Zendesk")).await?;
    let calls = helpdesk.settled().await?;
    ensure!(calls.iter().any(|call| call["jobs"].as_str().is_some_and(|jobs| jobs.contains("parked"))), "{calls:?}");
    let state = helpdesk.account.state();
    ensure!(faultless(&state)? == Count { tickets: 1, voices: 0, users: 0 }, "{}", helpdesk.report());
    Ok(())
}

/// Somebody does this to the ticket of a call while the call goes on.
async fn while_it_rings(helpdesk: &Helpdesk, status: &str) -> Result<()> {
    let by_hand = async {
        let opened = helpdesk.shows("a ticket", |state| tickets(state).count() == 1).await?;
        helpdesk.account.by_hand(only(&opened)?["id"].as_u64().context("an id")?, status);
        anyhow::Ok(())
    };
    let (played, done) = tokio::join!(helpdesk.call("a", 4.0), by_hand);
    played.and(done)
}
