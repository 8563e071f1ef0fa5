//! The program dies at every point of a call's way into Zendesk: for each HTTP request, before the account has carried it
//! out, when it has but sends no answer, and when the whole answer was sent. Started again, it must bring everything to a
//! good end: one ticket, the call in it once, one user.
//!
//! Every point of the first scenario is taken, of the others every [`STRIDE`]th. With `HOOKSWITCH_ALL_POINTS=1` all.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use ami_replay::Playback;
use anyhow::{Context, Result, ensure};
use fake_zendesk::{Account, Phase, Then};
use serde_json::Value;
use system_tests::{
    helpdesk::{
        Helpdesk, Setup,
        verdict::{Count, tickets, voices},
    },
    trace,
};
use tokio::sync::{oneshot, watch};

use crate::{TICKET_AT_END, TICKET_AT_RING, known, settled, with};

/// The traces are played at so many times their pace: slow enough for one request after the other.
const SPEED: f64 = 8.0;
const STRIDE: usize = 4;
/// A request that comes only sometimes is waited for no longer than this after everything else is done.
const NO_MORE: Duration = Duration::from_secs(1);
const PHASES: [Phase; 3] = [Phase::Arrived, Phase::CarriedOut, Phase::Answered];

/// Where the program dies.
#[derive(Clone, Copy, Debug)]
struct Point {
    phase: Phase,
    nth: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.phase, self.nth)
    }
}

/// A place in the account where the program is going to die.
struct Trap {
    sprung: oneshot::Receiver<()>,
    death: watch::Sender<bool>,
}

impl Trap {
    /// Lets the account stand still at the point; requests are counted from now on.
    fn set(account: &Account, point: Point) -> Self {
        let (spring, sprung) = oneshot::channel();
        let (death, dead) = watch::channel(false);
        let spring = Mutex::new(Some(spring));
        account.watch(move |moment| {
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

/// What is played, and what must be in the account afterwards.
struct Scenario {
    name: &'static str,
    trace: &'static str,
    setup: Setup,
    count: Count,
    /// Comments of text in the ticket.
    said: usize,
}

/// Plays the scenario without disturbance; the operations that were asked for, in order.
async fn undisturbed(helpdesk: &Helpdesk, scenario: &Scenario) -> Result<Vec<String>> {
    let operations = Arc::new(Mutex::new(Vec::new()));
    let notes = operations.clone();
    helpdesk.account.watch(move |moment| {
        if let (Phase::Arrived, Ok(mut notes)) = (moment.phase, notes.lock()) {
            notes.push(moment.operation);
        }
        std::future::ready(Then::GoOn)
    });
    helpdesk.call(scenario.trace, SPEED).await?;
    judge(helpdesk, scenario).await?;
    helpdesk.account.watch_no_more();
    let operations = operations.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.clone();
    ensure!(operations.len() >= 3, "so few requests: {operations:?}");
    Ok(operations)
}

/// Plays the scenario anew, kills the program at the point, and starts it again; whether it died.
async fn disturbed(helpdesk: &mut Helpdesk, scenario: &Scenario, point: Point) -> Result<bool> {
    helpdesk.renew().await?;
    let playback = Playback { speed: SPEED, fresh_ids: true, ..Playback::default() };
    let call = helpdesk.pbx.cue(&trace(scenario.trace)?, playback);
    let Trap { sprung, death } = Trap::set(&helpdesk.account, point);
    let mut playing = tokio::spawn(call.play());
    let never = async {
        if !playing.is_finished() {
            let _ = (&mut playing).await;
        }
        let done = helpdesk.account.wait_until(|state| voices(state) == 1, NO_MORE).await;
        tokio::time::sleep(if done.is_ok() { NO_MORE / 4 } else { Duration::ZERO }).await;
    };
    let died = tokio::select! {
        _ = sprung => true,
        () = never => false,
    };
    if died {
        // The PBX waits, so that what it says does not depend on how long a start takes.
        helpdesk.pbx.hold(true);
        helpdesk.kill().await?;
        helpdesk.account.watch_no_more();
        death.send_replace(true);
        helpdesk.relaunch().await?;
        helpdesk.pbx.hold(false);
    }
    helpdesk.account.watch_no_more();
    if !playing.is_finished() {
        playing.await?;
    }
    judge(helpdesk, scenario).await?;
    Ok(died)
}

async fn judge(helpdesk: &Helpdesk, scenario: &Scenario) -> Result<Value> {
    let state = settled(helpdesk, scenario.count).await?;
    let said = tickets(&state).map(|ticket| system_tests::helpdesk::verdict::comments(ticket, "Comment").count());
    let said: usize = said.sum();
    ensure!(said == scenario.said, "{said} texts instead of {}: {}", scenario.said, helpdesk.report());
    Ok(state)
}

/// Takes every `stride`th point of a scenario; fails if there was a failure, or if the program did not die nearly always.
async fn every_point(mut scenario: Scenario, stride: usize) -> Result<()> {
    let name = scenario.name;
    let mut helpdesk = Helpdesk::start(std::mem::take(&mut scenario.setup)).await?;
    let operations = undisturbed(&helpdesk, &scenario).await?;
    let stride = if std::env::var_os("HOOKSWITCH_ALL_POINTS").is_some() { 1 } else { stride };
    let all = (1..=operations.len()).flat_map(|nth| PHASES.map(|phase| Point { phase, nth }));
    // What is shown to people is left out when it is too late for it, so only so many requests come in every run.
    let sure = operations.iter().filter(|operation| !operation.ends_with("/display")).count();
    let (mut points, mut kills, mut missed, mut failures) = (0, 0, 0, Vec::new());
    for point in all.step_by(stride) {
        points += 1;
        match disturbed(&mut helpdesk, &scenario, point).await {
            Ok(true) => kills += 1,
            Ok(false) => missed += usize::from(point.nth <= sure),
            Err(error) => {
                failures.push(format!("{name}, {point} ({:?}): {error:#}", operations.get(point.nth - 1)));
                // The program may be running or not.
                let _ = helpdesk.kill().await;
                helpdesk.pbx.hold(false);
            }
        }
    }
    println!(
        "{name:<24} {:>3} requests, {points:>3} points, {kills:>3} kills, {} failures",
        operations.len(),
        failures.len()
    );
    let titles: Vec<_> = failures.iter().map(|failure| failure.lines().next().unwrap_or_default()).collect();
    let first = failures.first().map(String::as_str).unwrap_or_default();
    ensure!(failures.is_empty(), "{} failures:\n{}\n\nthe first in full: {first}", failures.len(), titles.join("\n"));
    // A request at the very end may be one that comes only sometimes.
    ensure!(missed * 10 <= points, "{name}: the program died {kills} times only");
    Ok(())
}

const NEW: Count = Count { tickets: 1, voices: 1, users: 1 };
const KNOWN: Count = Count { users: 0, ..NEW };

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_at_the_ring_of_an_unknown_caller() -> Result<()> {
    let scenario = Scenario { name: "at ring, unknown", trace: "a", setup: with(TICKET_AT_RING), count: NEW, said: 2 };
    every_point(scenario, 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn other_calls_and_other_policies() -> Result<()> {
    let talk = Setup { settings: ", ticket-api = \"talk\"".to_owned(), ..with(TICKET_AT_RING) };
    for scenario in [
        Scenario { name: "at end, known", trace: "a", setup: known(with(TICKET_AT_END)), count: KNOWN, said: 1 },
        Scenario { name: "journal only, unknown", trace: "a", setup: with(""), count: NEW, said: 1 },
        Scenario { name: "missed, at ring", trace: "d", setup: with(TICKET_AT_RING), count: NEW, said: 2 },
        Scenario { name: "outbound, journal", trace: "e", setup: with(""), count: KNOWN, said: 1 },
        Scenario { name: "talk edition", trace: "a", setup: talk, count: NEW, said: 2 },
    ] {
        let name = scenario.name;
        every_point(scenario, STRIDE).await.context(name)?;
    }
    Ok(())
}
