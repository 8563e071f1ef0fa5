//! Portals and networks that fail for a while, disks that fill up, clocks that jump. Afterwards everything that happened
//! is in the portal, once. Tests about waiting let the program live in a time of its own (package `faketime`).

use std::time::Duration;

use ami_replay::Playback;
use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault, Network};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use system_tests::{
    Setup, SmallDisk, Time, World, trace,
    verdict::{self, Count, cards_shown, finished, list},
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn simulated() -> Setup {
    Setup { time: Time::Simulated, ..Setup::default() }
}

/// Requests that the portal has had.
fn requests(state: &Value) -> usize {
    list(state, "journal").count()
}

/// Waits until so many calls are finished and no work is left, and judges.
async fn settled(world: &mut World, wanted: Count) -> Result<Value> {
    let Count { finishes, .. } = wanted;
    world.portal_shows("every call finished", |state| finished(state) == finishes && cards_shown(state) == 0).await?;
    world.work_done().await?;
    ensure!(world.stop().await? == 0, "{}", world.log());
    let state = world.portal.state();
    let count = verdict::faultless(&state).with_context(|| world.account())?;
    ensure!(count == wanted, "{count:?} where {wanted:?} was due: {}", world.account());
    Ok(state)
}

/// Tries a test with each of the cases, two at a time: most of it is waiting.
async fn each<C: std::fmt::Debug + Clone>(
    cases: impl IntoIterator<Item = C>,
    test: impl AsyncFn(C) -> Result<()>,
) -> Result<()> {
    let tests = cases.into_iter().map(async |case| test(case.clone()).await.with_context(|| format!("{case:?}")));
    futures::stream::iter(tests).buffer_unordered(2).try_collect().await
}

const ONE: Count = Count { calls: 1, finishes: 1, leads: 1 };

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_refuses_everything_for_a_while_is_not_besieged_and_gets_everything_in_the_end() -> Result<()> {
    each([Effect::QueryLimit, Effect::OperationLimit(5), Effect::HalfAnswer], async |effect: Effect| {
        let mut world = World::start(simulated()).await?;
        world.portal.inject(Fault::on("*", effect).always());
        world.play("a", 0.0).await?;
        let struck = |state: &Value| list(state, "journal").filter(|request| request["fault"].is_string()).count();
        world.pace(60.0).await?;
        world.portal_shows("a storm", |state| struck(state) >= 10).await?;
        world.portal.clear_faults();
        let state = settled(&mut world, ONE).await?;
        ensure!(requests(&state) < 150, "{} requests", requests(&state));
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_take_thirty_seconds_make_nothing_twice_and_give_nothing_up() -> Result<()> {
    const PACE: u32 = 20;
    let methods = [
        "crm.duplicate.findbycomm",
        "crm.lead.add",
        "telephony.externalcall.register",
        "telephony.externalcall.show",
        "telephony.externalcall.finish",
    ];
    each(methods, async |method: &str| {
        let mut world = World::start(simulated()).await?;
        let late = 30 * SECOND / PACE;
        world.portal.inject(Fault::on(method, Effect::LateAnswer(late.as_millis() as u64)).times(5));
        world.pace(PACE.into()).await?;
        // In the program's time the call takes a minute and a half.
        world.play("a", 1.0).await?;
        let state = settled(&mut world, ONE).await?;
        let is_late = |request: &&Value| request["fault"].as_str().is_some_and(|fault| fault.starts_with("Late"));
        ensure!(list(&state, "journal").any(|request| is_late(&request)), "no answer was late");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_way_to_the_portal_is_named_and_once_mended_everything_arrives() -> Result<()> {
    let broken = [
        (Network::Down, "refused"),
        (Network::Reset, "reset"),
        (Network::ExpiredCertificate, "expired"),
        (Network::OtherName, "not valid for"),
    ];
    each(broken, async |(network, told)| {
        let mut world = World::start(simulated()).await?;
        world.portal.network(network).await;
        world.play("a", 0.0).await?;
        world.until_log("will be tried again").await?;
        world.until_log(told).await?;
        world.portal.network(Network::Sound).await;
        world.pace(30.0).await?;
        settled(&mut world, ONE).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_is_down_for_an_hour_gets_everything_when_it_is_back() -> Result<()> {
    let mut world = World::start(simulated()).await?;
    world.portal.network(Network::Down).await;
    for name in ["a", "c", "e"] {
        world.play(name, 0.0).await?;
    }
    world.until_log("will be tried again").await?;
    world.pass(HOUR, 20 * SECOND).await?;
    let tries = world.log().matches("request failed").count();
    ensure!((10..1000).contains(&tries), "{tries} requests were tried in an hour:\n{}", world.log());
    world.portal.network(Network::Sound).await;
    // A call that comes now does not wait for those of the last hour.
    world.play("d", 0.0).await?;
    world.pace(60.0).await?;
    settled(&mut world, Count { calls: 4, finishes: 4, leads: 2 }).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_takes_no_new_events_and_loses_none() -> Result<()> {
    let Some(disk) = SmallDisk::mount(32)? else {
        println!("skipped: this user may not mount a file system");
        return Ok(());
    };
    let mut world = World::start(Setup { disk: Some(disk), ..Setup::default() }).await?;
    world.play("a", 0.0).await?;
    world.portal_shows("the first call", |state| finished(state) == 1).await?;
    world.work_done().await?;
    world.disk.as_ref().context("a disk")?.fill()?;
    world.play("c", 0.0).await?;
    world.until_log("full").await?;
    ensure!(world.portal.state()["calls"].as_array().map(Vec::len) == Some(1), "it acted on what it could not keep");
    world.disk.as_ref().context("a disk")?.empty()?;
    world.portal_shows("the second call", |state| finished(state) == 2).await?;
    world.play("e", 0.0).await?;
    settled(&mut world, Count { calls: 3, finishes: 3, leads: 2 }).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_jumps_a_day_ahead_closes_no_call_and_parks_no_work() -> Result<()> {
    jump(86_400).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_jumps_a_day_back_closes_no_call_and_delays_no_work() -> Result<()> {
    jump(-86_400).await
}

/// The wall clock jumps while one call is open and work of another waits for its next try.
async fn jump(seconds: i32) -> Result<()> {
    let mut world = World::start(Setup { time: Time::OwnWallClock, ..Setup::default() }).await?;
    let playback = Playback { speed: 1.0, ..Playback::default() };
    let talking = tokio::spawn(world.pbx.cue(&trace("l")?, playback).play());
    world.until_log("event=\"answered\"").await?;
    world.portal.inject(Fault::on("telephony.externalcall.finish", Effect::ServerError).always());
    world.play("c", 0.0).await?;
    world.until_log("will be tried again").await?;
    world.clock()?.set_ahead(seconds)?;
    // What comes in makes the program look at all its calls.
    world.play("e", 0.0).await?;
    world.portal_shows("the third call", |state| list(state, "calls").count() == 3).await?;
    ensure!(!talking.is_finished(), "the jump came too late");
    world.portal.clear_faults();
    talking.await?;
    let state = settled(&mut world, Count { calls: 3, finishes: 3, leads: 2 }).await?;
    ensure!(!world.log().contains("closed as lost"), "{}", world.log());
    ensure!(requests(&state) < 100, "{} requests", requests(&state));
    let answered = list(&state, "calls").filter(|call| call["finished"]["status_code"] == "200").count();
    ensure!(answered == 2, "{}", world.account());
    Ok(())
}
