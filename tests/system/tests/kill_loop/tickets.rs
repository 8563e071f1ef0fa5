//! A helpdesk. Calls go on while the program dies and Zendesk fails; in the end every call that the program has heard of is
//! in a ticket, once, and every caller is one user.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ami_replay::Playback;
use anyhow::{Result, ensure};
use fake_zendesk::{Effect, Fault};
use serde_json::Value;
use system_tests::{
    helpdesk::{
        Helpdesk, Setup,
        verdict::{Count, comments, faultless, tickets, users, voices},
    },
    trace,
};

use crate::{DEATH, LIFE, Plan, STUMBLE, text};

const ROUNDS: usize = 8;
const AT_ONCE: usize = 3;
const SPEED: f64 = 6.0;

/// Inbound traces, and the number of the outside party.
const TRACES: [(&str, &str); 4] =
    [("a", "+494066969101"), ("b", "+494066969101"), ("d", "+494066969101"), ("n_hold", "+494066969101")];

/// What goes wrong at Zendesk, besides.
const TROUBLE: [Effect; 8] = [
    Effect::TooMany(0),
    Effect::Conflict,
    Effect::ServerErrorAfter,
    Effect::Unavailable,
    Effect::Close,
    Effect::CloseAfter,
    Effect::HalfAnswer,
    Effect::LateAnswer(200),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_moment_of_death_every_call_is_in_a_ticket_once() -> Result<()> {
    let mut plan = Plan::of(ROUNDS)?;
    let policy = "tickets = { open = \"ring\" }\ncontacts = { create = \"automatic\", on = [\"inbound\"] }";
    let mut helpdesk = Helpdesk::start(Setup { policy: policy.to_owned(), ..Setup::default() }).await?;
    let told = killing(&mut helpdesk, &mut plan).await;
    plan.close(|| helpdesk.report(), told)
}

async fn killing(helpdesk: &mut Helpdesk, plan: &mut Plan) -> Result<String> {
    let (begun, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        lanes.spawn(calls(helpdesk.pbx.clone(), begun.clone(), stop.clone(), plan.random.fork()));
    }
    let mut kills = 0;
    for _ in 0..plan.rounds {
        kills += kill(helpdesk, plan).await?;
        helpdesk.relaunch().await?;
    }
    helpdesk.account.clear_faults();
    stop.store(true, Ordering::Relaxed);
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    let mut known = helpdesk.settled().await?;
    known.retain(|call| call["direction"] == "inbound");
    ensure!(
        known.iter().all(|call| !call["jobs"].as_str().is_some_and(|jobs| jobs.contains("parked"))),
        "work is parked: {known:?}"
    );
    let state = helpdesk.shows("every call", |state| voices(state) >= known.len()).await?;
    helpdesk.stop().await?;
    judge(&state, &known)?;
    let Count { tickets, voices, users } = faultless(&state)?;
    let begun = begun.load(Ordering::Relaxed);
    Ok(format!(
        "{kills} kills, {begun} calls begun, {} known, {tickets} tickets, {voices} voice comments, {users} users",
        known.len()
    ))
}

async fn calls(
    pbx: Arc<ami_replay::Server>,
    begun: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    mut random: fastrand::Rng,
) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let (name, number) = TRACES[random.usize(..TRACES.len())];
        // Three calls in a row are of the same caller.
        let caller = format!("+4940669{:05}", begun.fetch_add(1, Ordering::Relaxed) / 3);
        let playback = Playback { speed: SPEED, fresh_ids: true, ..Playback::default() };
        pbx.play(&trace(name)?.renumbered(number, &caller)?, playback).await;
    }
    Ok(())
}

/// Zendesk is troubled, the program lives for a while, and is dead for a while; how often it was killed.
async fn kill(helpdesk: &mut Helpdesk, plan: &mut Plan) -> Result<usize> {
    let random = &mut plan.random;
    let trouble = TROUBLE[random.usize(..TROUBLE.len())].clone();
    helpdesk.account.inject(Fault::on("*", trouble).after(random.u32(..5)).times(random.u32(1..4)));
    tokio::time::sleep(Duration::from_millis(random.u64(..LIFE))).await;
    helpdesk.kill().await?;
    tokio::time::sleep(Duration::from_millis(random.u64(..DEATH))).await;
    if random.u32(..3) > 0 {
        return Ok(1);
    }
    helpdesk.stumble(Duration::from_millis(random.u64(..STUMBLE))).await?;
    Ok(2)
}

/// Every call of the journal has a ticket with the call in it, of the user who has the caller's number.
fn judge(state: &Value, known: &[Value]) -> Result<()> {
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    known.iter().for_each(|call| *wanted.entry(text(&call["number"])).or_default() += 1);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for ticket in tickets(state) {
        let calls: Vec<_> = comments(ticket, "VoiceComment").collect();
        ensure!(calls.len() == 1, "a ticket with {} calls: {ticket}", calls.len());
        let from = text(&calls[0]["data"]["from"]);
        let requester = users(state).find(|user| user["id"] == ticket["requester_id"]);
        ensure!(requester.is_some_and(|user| user["phone"] == *from), "whose call is this? {ticket}");
        *found.entry(from).or_default() += 1;
    }
    ensure!(wanted == found, "calls of the journal {wanted:?}\ncalls in tickets {found:?}");
    Ok(())
}
