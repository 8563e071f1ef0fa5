//! The program is killed again and again at random moments while two phone systems go on with their calls and the portal
//! fails now and then. In the end every call that it could have learned of is in the portal: once, finished once, with one
//! lead per caller.
//!
//! `HOOKSWITCH_KILL_ROUNDS` sets the number of rounds, `HOOKSWITCH_KILL_SEED` repeats a run: the moments and the calls
//! are the same then, what the machine makes of them is not.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ami_replay::{Playback, Server, Trace};
use anyhow::{Result, bail, ensure};
use fake_bitrix24::{Effect, Fault};
use serde_json::Value;
use system_tests::{
    PATIENCE, Setup, World, trace,
    verdict::{self, Count, cards_shown, finished, list},
};

const ROUNDS: usize = 10;
/// The program lives this much longer at most than a start takes, in milliseconds.
const LIFE: u64 = 700;
/// It stays dead this long at most, in milliseconds.
const DEATH: u64 = 700;
/// Sometimes it dies before its start is over, within so many milliseconds.
const STUMBLE: u64 = 250;
/// Calls that go on at once at each phone system.
const AT_ONCE: usize = 2;
/// The traces are played at so many times their pace.
const SPEED: f64 = 6.0;

/// What goes wrong at the portal, besides.
const TROUBLE: [Effect; 6] = [
    Effect::QueryLimit,
    Effect::ServerError,
    Effect::Close,
    Effect::CloseAfter,
    Effect::HalfAnswer,
    // Not one that is carried out late: what a dead program has sent and a portal does after its successor has finished the
    // call, nobody can take back.
    Effect::LateAnswer(200),
];

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

fn setting<T: std::str::FromStr>(name: &str) -> Result<Option<T>> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| anyhow::anyhow!("{name}={text} is no number"))
}

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
    let rounds = setting("HOOKSWITCH_KILL_ROUNDS")?.unwrap_or(ROUNDS);
    let seed = setting("HOOKSWITCH_KILL_SEED")?.unwrap_or_else(|| fastrand::u64(..));
    println!("HOOKSWITCH_KILL_SEED={seed}");
    let mut world = World::start(Setup { branches: 1, ..Setup::default() }).await?;
    match killing(&mut world, rounds, fastrand::Rng::with_seed(seed)).await {
        Ok(report) => println!("{rounds} rounds, {report}"),
        Err(error) => {
            // A long run fills a book; the test's output is for its title.
            let book = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-loop-{seed}.txt"));
            std::fs::write(&book, format!("{error:#}\n{}", world.account()))?;
            let error: String = format!("{error:#}").chars().take(1000).collect();
            bail!("seed {seed}: {error}\n\nall of it is in {}", book.display());
        }
    }
    Ok(())
}

/// Kills the program in every round, then judges; what there was, in words.
async fn killing(world: &mut World, rounds: usize, mut random: fastrand::Rng) -> Result<String> {
    let callers = Callers::load()?;
    let mut lanes = tokio::task::JoinSet::new();
    for (_, pbx) in world.pbxs() {
        for _ in 0..AT_ONCE {
            lanes.spawn(callers.clone().call(pbx.clone(), random.u64(..)));
        }
    }
    let (mut certain, mut kills) = (BTreeSet::new(), 0);
    for _ in 0..rounds {
        let (life, trouble) = (random.u64(..LIFE), &TROUBLE[random.usize(..TROUBLE.len())]);
        world.portal.inject(Fault::on("*", trouble.clone()).after(random.u32(..5)).times(random.u32(1..4)));
        tokio::time::sleep(Duration::from_millis(life)).await;
        world.kill().await?;
        kills += 1;
        tokio::time::sleep(Duration::from_millis(random.u64(..DEATH))).await;
        if random.u32(..3) == 0 {
            world.stumble(Duration::from_millis(random.u64(..STUMBLE))).await?;
            kills += 1;
        }
        let before = alive(world);
        world.relaunch().await?;
        // These calls were in the listing that the program asked for.
        let listed = before.intersection(&alive(world)).cloned().collect::<BTreeSet<_>>();
        if random.bool() {
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

/// The calls of the journal, as the portal would name them.
fn names(calls: &[Value]) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    calls.iter().map(|call| format!("{}/{}", text(&call["pbx"]), text(&call["call"]))).collect()
}

/// Holds the portal against the journal and against what the phone systems had.
fn judge(state: &Value, calls: &[Value], certain: &BTreeSet<String>) -> Result<Count> {
    let count = verdict::faultless(state)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let at_portal: BTreeSet<String> = list(state, "calls").map(|call| text(&call["external_call_id"])).collect();
    let accepted = names(calls);
    let lost: Vec<_> = accepted.union(certain).filter(|call| !at_portal.contains(*call)).collect();
    ensure!(lost.is_empty(), "not in the portal: {lost:?}");
    let invented: Vec<_> = at_portal.difference(&accepted).collect();
    ensure!(invented.is_empty(), "in the portal, but not in the journal: {invented:?}");
    let inbound = calls.iter().filter(|call| call["direction"] == "inbound");
    let callers: BTreeSet<String> = inbound.map(|call| text(&call["number"])).collect();
    let leads: BTreeSet<String> = list(state, "leads").map(|lead| text(&lead["PHONE"][0]["VALUE"])).collect();
    ensure!(callers == leads, "callers and leads differ: {:?}", callers.symmetric_difference(&leads));
    Ok(count)
}
