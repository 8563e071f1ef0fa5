//! Two Asterisks. What happens while nobody listens is lost, as in life: certain are the calls that were in a listing which
//! the program asked for.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use ami_replay::{Playback, Server, Trace};
use anyhow::{Result, ensure};
use serde_json::Value;
use system_tests::{
    PATIENCE, Setup, World, trace,
    verdict::{Count, cards_shown, finished, list},
};

use crate::{Plan, judge, names};

const ROUNDS: usize = 10;
/// Calls that go on at once at each phone system.
const AT_ONCE: usize = 2;
/// The traces are played at so many times their pace.
const SPEED: f64 = 6.0;

/// Traces in which every call concerns the CRM, and the number of the outside party.
const TRACES: [(&str, &str); 7] = [
    ("a", "+494066969101"),
    ("b", "+494066969101"),
    ("c", "+494066969102"),
    ("d", "+494066969101"),
    ("e", "+494066969202"),
    ("n_hold", "+494066969101"),
    ("g_refer", "+494066969102"),
];

/// Calls that begin at a phone system one after the other, until they are told to stop.
#[derive(Clone)]
struct Callers {
    traces: Arc<Vec<(Trace, &'static str)>>,
    begun: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Callers {
    fn load() -> Result<Self> {
        let traces = TRACES.iter().map(|(name, number)| Ok((trace(name)?, *number))).collect::<Result<_>>()?;
        Ok(Self { traces: Arc::new(traces), begun: Arc::default(), stop: Arc::default() })
    }

    async fn call(self, pbx: Arc<Server>, seed: u64) -> Result<()> {
        let mut random = fastrand::Rng::with_seed(seed);
        while !self.stop.load(Ordering::Relaxed) {
            let (recorded, number) = &self.traces[random.usize(..self.traces.len())];
            // Three calls in a row, wherever they arrive, are of the same caller.
            let caller = format!("+4940669{:05}", self.begun.fetch_add(1, Ordering::Relaxed) / 3);
            let playback = Playback { speed: SPEED, fresh_ids: true, ..Playback::default() };
            pbx.play(&recorded.renumbered(number, &caller)?, playback).await;
        }
        Ok(())
    }
}

/// The calls that live at the phone systems, as the portal would name them.
fn alive(world: &World) -> BTreeSet<String> {
    let named = |(name, pbx): (String, &Arc<Server>)| pbx.calls().into_iter().map(move |call| format!("{name}/{call}"));
    world.pbxs().flat_map(named).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_moment_of_death_every_call_is_in_the_portal_once() -> Result<()> {
    let mut plan = Plan::of(ROUNDS)?;
    let mut world = World::start(Setup { branches: 1, ..Setup::default() }).await?;
    let told = killing(&mut world, &mut plan).await;
    plan.close(|| world.account(), told)
}

/// Kills the program in every round, then judges; what there was, in words.
async fn killing(world: &mut World, plan: &mut Plan) -> Result<String> {
    let callers = Callers::load()?;
    let mut lanes = tokio::task::JoinSet::new();
    for (_, pbx) in world.pbxs() {
        for _ in 0..AT_ONCE {
            lanes.spawn(callers.clone().call(pbx.clone(), plan.random.u64(..)));
        }
    }
    let (mut certain, mut kills) = (BTreeSet::new(), 0);
    for _ in 0..plan.rounds {
        kills += plan.kill(world).await?;
        let before = alive(world);
        world.relaunch().await?;
        // These calls were in the listing that the program asked for.
        let listed = before.intersection(&alive(world)).cloned().collect::<BTreeSet<_>>();
        if plan.random.bool() {
            accepted(world, &listed).await?;
            certain.extend(listed);
        }
    }
    world.portal.clear_faults();
    callers.stop.store(true, Ordering::Relaxed);
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    let over = |state: &Value| finished(state) == list(state, "calls").count() && cards_shown(state) == 0;
    world.portal_shows("every call finished", over).await?;
    let calls = world.work_done().await?;
    ensure!(world.stop().await? == 0, "the program did not stop well");
    let state = world.portal.state();
    let Count { calls, finishes, leads } = judge(&state, &calls, &certain)?;
    let again: u64 = list(&state, "calls").filter_map(|call| Some(call["registrations"].as_u64()? - 1)).sum();
    Ok(format!(
        "{kills} kills, {} calls begun, {calls} known, {finishes} finishes, {leads} leads, 0 duplicates ({again} \
         registrations repeated under the same id), {} calls known for certain",
        callers.begun.load(Ordering::Relaxed),
        certain.len()
    ))
}

/// Waits until the program's journal holds all of these calls.
async fn accepted(world: &World, listed: &BTreeSet<String>) -> Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !listed.is_subset(&names(&world.json(&["calls", "--limit", "1000000"]).await?)) {
        ensure!(tokio::time::Instant::now() < deadline, "not accepted: {listed:?}");
    }
    Ok(())
}
