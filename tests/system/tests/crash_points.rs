//! The program dies at every point of a call's way into the portal: for each HTTP request, before the portal has carried
//! it out, when it has but sends no answer, and when the whole answer was sent. Started again, it must bring everything
//! to a good end. The verdict is read from the portal's state.
//!
//! Every point of the first scenario is taken, of the others every [`STRIDE`]th. With `HOOKSWITCH_ALL_POINTS=1` every
//! point of all.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use ami_replay::Playback;
use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Phase, Then};
use serde_json::json;
use system_tests::{
    FALLBACK, Setup, World, trace,
    verdict::{self, Count, cards_shown, finished, list},
};
use tokio::sync::{oneshot, watch};

/// The traces are played at so many times their pace: slow enough for one request after the other.
const SPEED: f64 = 8.0;
/// Which of the points of the lesser scenarios are taken.
const STRIDE: usize = 5;
/// How long after the answer was sent the program lives on.
const LINGERING: [Duration; 3] = [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(3)];
/// A request that comes only sometimes is waited for no longer than this after everything else is done.
const NO_MORE: Duration = Duration::from_secs(2);

/// What is played, and what must be in the portal afterwards.
struct Scenario {
    trace: &'static str,
    setup: Setup,
    leads: usize,
    user: u64,
    status: &'static str,
}

impl Scenario {
    fn of(trace: &'static str) -> Self {
        Self { trace, setup: Setup::default(), leads: 1, user: 11, status: "200" }
    }
}

/// Where the program dies.
#[derive(Clone, Copy)]
struct Point {
    phase: Phase,
    nth: usize,
    after: Duration,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} +{} ms", self.phase, self.nth, self.after.as_millis())
    }
}

/// What came of all points of a scenario.
#[derive(Default)]
struct Tally {
    requests: usize,
    points: usize,
    kills: usize,
    count: Count,
    failures: Vec<String>,
}

/// Plays the scenario without disturbance; the methods that were called, in order.
async fn undisturbed(world: &mut World, scenario: &Scenario) -> Result<Vec<String>> {
    let methods = Arc::new(Mutex::new(Vec::new()));
    let notes = methods.clone();
    world.portal.watch(move |moment| {
        if let (Phase::Arrived, Ok(mut notes)) = (moment.phase, notes.lock()) {
            notes.push(moment.method);
        }
        std::future::ready(Then::GoOn)
    });
    world.play(scenario.trace, SPEED).await?;
    judge(world, scenario).await?;
    world.portal.watch_no_more();
    let methods = methods.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.clone();
    ensure!(methods.len() > 3, "so few requests: {methods:?}");
    Ok(methods)
}

/// Plays the scenario on a fresh world, kills the program at the point and starts it again; whether it got there.
async fn disturbed(world: &mut World, scenario: &Scenario, point: Point) -> Result<(bool, Count)> {
    world.renew().await?;
    let (reached, at_point) = oneshot::channel();
    let (dead, death) = watch::channel(false);
    let reached = Mutex::new(Some(reached));
    world.portal.watch(move |moment| {
        let here = (moment.phase, moment.nth) == (point.phase, point.nth);
        let reached = here.then(|| reached.lock().ok()?.take()).flatten();
        let mut death = death.clone();
        async move {
            let Some(reached) = reached else { return Then::GoOn };
            // From here on the portal stands still until the program is dead.
            let _ = reached.send(());
            let _ = death.wait_for(|dead| *dead).await;
            Then::Cut
        }
    });
    let playback = Playback { speed: SPEED, ..Playback::default() };
    let mut playing = tokio::spawn(world.pbx.cue(&trace(scenario.trace)?, playback).play());
    let never = async {
        let _ = (&mut playing).await;
        let done = world.portal.wait_until(|state| finished(state) == 1, NO_MORE).await;
        tokio::time::sleep(if done.is_ok() { NO_MORE / 4 } else { Duration::ZERO }).await;
    };
    let struck = tokio::select! {
        reached = at_point => reached.is_ok(),
        () = never => false,
    };
    if struck {
        tokio::time::sleep(point.after).await;
        // The PBX waits, so that what it says at each point does not depend on how long a start takes.
        world.pbx.hold(true);
        world.kill().await?;
        dead.send_replace(true);
        world.portal.watch_no_more();
        world.relaunch().await?;
        world.pbx.hold(false);
        if !playing.is_finished() {
            playing.await?;
        }
    }
    Ok((struck, judge(world, scenario).await?))
}

/// Waits until all has settled, stops the program and judges.
async fn judge(world: &mut World, scenario: &Scenario) -> Result<Count> {
    world
        .portal_shows("every call finished", |state| {
            finished(state) == 1 && list(state, "calls").count() == 1 && cards_shown(state) == 0
        })
        .await?;
    world.work_done().await?;
    ensure!(world.stop().await? == 0, "{}", world.log());
    let state = world.portal.state();
    let judged = verdict::faultless(&state).and_then(|count| {
        ensure!(count.calls == 1 && count.leads == scenario.leads, "{count:?}");
        let end = &state["calls"][0]["finished"];
        ensure!(end["user"] == scenario.user && end["status_code"] == scenario.status, "credited wrongly: {end}");
        Ok(count)
    });
    judged.with_context(|| world.account())
}

/// Takes every `stride`th point of a scenario.
async fn every_point(name: &str, mut scenario: Scenario, phases: &[Phase], stride: usize) -> Result<Tally> {
    let setup = std::mem::take(&mut scenario.setup);
    let mut world = World::start(setup).await?;
    let methods = undisturbed(&mut world, &scenario).await?;
    let stride = if std::env::var_os("HOOKSWITCH_ALL_POINTS").is_some() { 1 } else { stride };
    let mut points = Vec::new();
    for nth in 1..=methods.len() {
        for phase in phases {
            let lingering = if *phase == Phase::Answered { &LINGERING[..] } else { &LINGERING[..1] };
            points.extend(lingering.iter().map(|after| Point { phase: *phase, nth, after: *after }));
        }
    }
    let mut tally = Tally { requests: methods.len(), ..Tally::default() };
    for point in points.into_iter().step_by(stride) {
        tally.points += 1;
        match disturbed(&mut world, &scenario, point).await {
            Ok((struck, count)) => {
                tally.kills += usize::from(struck);
                tally.count += count;
            }
            Err(error) => {
                tally.failures.push(format!("{name}, {point} ({}): {error:#}", methods[point.nth - 1]));
                // The program may be running or not.
                let _ = world.kill().await;
                world.pbx.hold(false);
            }
        }
    }
    Ok(tally)
}

/// Prints the counts and fails if there was a failure, or if the program hardly ever died.
fn close(rows: &[(&str, Tally)]) -> Result<()> {
    println!("scenario             requests points kills | calls finishes leads | failures");
    for (name, tally) in rows {
        let Tally { requests, points, kills, count, failures } = tally;
        let Count { calls, finishes, leads } = count;
        let failures = failures.len();
        println!(
            "{name:<20} {requests:>8} {points:>6} {kills:>5} | {calls:>5} {finishes:>8} {leads:>5} | {failures:>8}"
        );
    }
    let failures: Vec<&str> = rows
        .iter()
        .flat_map(|(_, tally)| &tally.failures)
        .map(|text| text.lines().next().unwrap_or_default())
        .collect();
    if let Some(first) = rows.iter().find_map(|(_, tally)| tally.failures.first()) {
        anyhow::bail!("{} failures:\n{}\n\nthe first in full: {first}", failures.len(), failures.join("\n"));
    }
    for (name, tally) in rows {
        // A request at the very end may be one that comes only sometimes.
        ensure!(tally.kills * 10 >= tally.points * 9, "{name}: the program died at {} points only", tally.kills);
    }
    Ok(())
}

const EVERY_PHASE: [Phase; 3] = [Phase::Arrived, Phase::CarriedOut, Phase::Answered];

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_caller_who_is_answered() -> Result<()> {
    let tally = every_point("unknown, answered", Scenario::of("a"), &EVERY_PHASE, 1).await?;
    close(&[("unknown, answered", tally)])
}

#[tokio::test(flavor = "multi_thread")]
async fn other_calls_and_other_settings() -> Result<()> {
    let mut rows = Vec::new();
    for (name, scenario) in [
        ("missed", Scenario { status: "304", ..Scenario::of("d") }),
        ("known contact", Scenario { leads: 0, setup: known(), ..Scenario::of("a") }),
        ("outbound", Scenario { leads: 0, ..Scenario::of("e") }),
        ("lead by the portal", Scenario { setup: portal_creates(), ..Scenario::of("a") }),
    ] {
        rows.push((name, every_point(name, scenario, &EVERY_PHASE, STRIDE).await?));
    }
    close(&rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_for_each_request_that_ends_at_its_begin() -> Result<()> {
    let mut setup = Setup::default();
    setup.portal.keep_alive = false;
    let scenario = Scenario { setup, ..Scenario::of("a") };
    let tally = every_point("at the connection", scenario, &[Phase::Connected], 1).await?;
    close(&[("at the connection", tally)])
}

fn known() -> Setup {
    let mut setup = Setup::default();
    setup.portal.seed["contacts"] = json!([
        { "ID": 88, "NAME": "Ana", "ASSIGNED_BY_ID": 12, "PHONE": [{ "VALUE": "+494066969101", "VALUE_TYPE": "WORK" }] }
    ]);
    setup
}

fn portal_creates() -> Setup {
    let plugin = FALLBACK.replace('}', ", crm-create = \"portal\" }");
    Setup { plugin, ..Setup::default() }
}
