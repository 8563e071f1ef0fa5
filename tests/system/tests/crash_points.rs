//! The program dies at every point of a call's way into the portal: for each HTTP request, before the portal has carried
//! it out, when it has but sends no answer, and when the whole answer was sent. Started again, it must bring everything
//! to a good end. The verdict is read from the portal's state.
//!
//! Every point of the first scenario is taken, of the others every [`STRIDE`]th, and some in which it dies a second time
//! while it brings things to that end. With `HOOKSWITCH_ALL_POINTS=1` every point of all.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use ami_replay::Playback;
use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Phase, Portal, Then};
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

/// A place in the portal where the program is going to die.
struct Trap {
    sprung: oneshot::Receiver<()>,
    death: watch::Sender<bool>,
}

impl Trap {
    /// Lets the portal stand still at the point; requests are counted from now on.
    fn set(portal: &Portal, point: Point) -> Self {
        let (spring, sprung) = oneshot::channel();
        let (death, dead) = watch::channel(false);
        let spring = Mutex::new(Some(spring));
        portal.watch(move |moment| {
            let here = (moment.phase, moment.nth) == (point.phase, point.nth);
            let spring = here.then(|| spring.lock().ok()?.take()).flatten();
            let mut dead = dead.clone();
            async move {
                let Some(spring) = spring else { return Then::GoOn };
                let _ = spring.send(());
                let _ = dead.wait_for(|dead| *dead).await;
                Then::Cut
            }
        });
        Self { sprung, death }
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

/// Plays the scenario on a fresh world, kills the program at each of the points, in turn, and starts it again; how often
/// it died.
async fn disturbed(world: &mut World, scenario: &Scenario, points: &[Point]) -> Result<(usize, Count)> {
    world.renew().await?;
    let playback = Playback { speed: SPEED, ..Playback::default() };
    let call = world.pbx.cue(&trace(scenario.trace)?, playback);
    let mut traps = points.iter();
    let mut next = traps.next().map(|point| (Trap::set(&world.portal, *point), point));
    let mut playing = tokio::spawn(call.play());
    let mut kills = 0;
    while let Some((Trap { sprung, death }, point)) = next.take() {
        let never = async {
            if !playing.is_finished() {
                let _ = (&mut playing).await;
            }
            let done = world.portal.wait_until(|state| finished(state) == 1, NO_MORE).await;
            tokio::time::sleep(if done.is_ok() { NO_MORE / 4 } else { Duration::ZERO }).await;
        };
        tokio::select! {
            _ = sprung => {}
            () = never => break,
        }
        tokio::time::sleep(point.after).await;
        // The PBX waits, so that what it says at each point does not depend on how long a start takes.
        world.pbx.hold(true);
        world.kill().await?;
        kills += 1;
        world.portal.watch_no_more();
        death.send_replace(true);
        next = traps.next().map(|point| (Trap::set(&world.portal, *point), point));
        world.relaunch().await?;
        world.pbx.hold(false);
    }
    world.portal.watch_no_more();
    if !playing.is_finished() {
        playing.await?;
    }
    Ok((kills, judge(world, scenario).await?))
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

/// Every `stride`th of the points, or all if that is asked for.
fn chosen(points: impl Iterator<Item = Vec<Point>>, stride: usize) -> impl Iterator<Item = Vec<Point>> {
    points.step_by(if std::env::var_os("HOOKSWITCH_ALL_POINTS").is_some() { 1 } else { stride })
}

/// Takes every `stride`th point of a scenario.
async fn every_point(name: &str, scenario: Scenario, phases: &[Phase], stride: usize) -> Result<Tally> {
    let points = |requests| {
        let lingering = |phase: Phase| if phase == Phase::Answered { &LINGERING[..] } else { &LINGERING[..1] };
        let all = (1..=requests).flat_map(|nth| phases.iter().map(move |phase| (nth, *phase)));
        let all = all.flat_map(|(nth, phase)| lingering(phase).iter().map(move |&after| Point { phase, nth, after }));
        chosen(all.map(|point| vec![point]), stride).collect()
    };
    all_of(name, scenario, points).await
}

async fn all_of(name: &str, mut scenario: Scenario, points: impl Fn(usize) -> Vec<Vec<Point>>) -> Result<Tally> {
    let setup = std::mem::take(&mut scenario.setup);
    let mut world = World::start(setup).await?;
    let methods = undisturbed(&mut world, &scenario).await?;
    let mut tally = Tally { requests: methods.len(), ..Tally::default() };
    for points in points(methods.len()) {
        tally.points += points.len();
        match disturbed(&mut world, &scenario, &points).await {
            Ok((kills, count)) => {
                tally.kills += kills;
                tally.count += count;
            }
            Err(error) => {
                let method = points.first().and_then(|point| methods.get(point.nth - 1));
                let points: Vec<_> = points.iter().map(ToString::to_string).collect();
                tally.failures.push(format!("{name}, {} ({method:?}): {error:#}", points.join(", then ")));
                // The program may be running or not.
                let _ = world.kill().await;
                world.pbx.hold(false);
            }
        }
    }
    Ok(tally)
}

/// Prints the counts and fails if there was a failure, or if the program did not die in nearly every run.
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
        ensure!(tally.kills * 10 >= tally.count.calls * 9, "{name}: the program died {} times only", tally.kills);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_second_death_while_the_first_is_made_good() -> Result<()> {
    let at = |nth| Point { phase: Phase::CarriedOut, nth, after: Duration::ZERO };
    // The second life begins with two requests that have nothing to do with the call.
    let points = |requests| {
        let pairs = (1..=requests).flat_map(|first| (1..=4).map(move |second| vec![at(first), at(second)]));
        chosen(pairs, STRIDE).collect()
    };
    close(&[("twice", all_of("twice", Scenario::of("a"), points).await?)])
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
