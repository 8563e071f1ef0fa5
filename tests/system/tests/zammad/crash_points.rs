//! The program dies at every point of a call's way into Zammad: for each post, before Zammad has taken it, when it has but
//! sends no answer, and when the whole answer was sent. Started again, it must have told everything, once and in order.

use ami_replay::Playback;
use anyhow::{Context, Result, ensure};
use fake_zammad::{Phase, Zammad};
use system_tests::{World, trace};

use crate::{office, told};

/// The traces are played at so many times their pace: slow enough for one post after the other.
const SPEED: f64 = 8.0;
const PHASES: [Phase; 3] = [Phase::Arrived, Phase::Done, Phase::Answered];

/// Plays a call, kills the program when its `nth` post has come so far, and starts it again.
async fn dies(zammad: &Zammad, world: &mut World, name: &str, phase: Phase, nth: usize) -> Result<()> {
    let before = zammad.log().len();
    let mut trap = zammad.trap(phase, nth);
    let playback = Playback { speed: SPEED, fresh_ids: true, ..Playback::default() };
    let playing = tokio::spawn(world.pbx.cue(&trace(name)?, playback).play());
    let sprung = tokio::time::timeout(system_tests::PATIENCE, trap.sprung()).await;
    sprung.with_context(|| format!("no such post: {}", world.log()))?;
    // The PBX waits, so that what it says does not depend on how long a start takes.
    world.pbx.hold(true);
    world.kill().await?;
    drop(trap);
    world.relaunch().await?;
    world.pbx.hold(false);
    playing.await?;
    let log = told(zammad, world, before + 1).await?;
    let call = log.last().context("no call")?;
    let answer = call.answered.as_ref().map(|answer| &answer["answeringNumber"]);
    let answered_by = if name == "d" { None } else { Some("201") };
    ensure!(answer.and_then(serde_json::Value::as_str) == answered_by, "answered by {answer:?}: {call:?}");
    ensure!(zammad.refused().is_empty(), "{:?}", zammad.refused());
    Ok(())
}

/// Takes every point of the way of a call that comes to so many posts.
async fn at_every_point(name: &str, posts: usize) -> Result<()> {
    let (zammad, mut world) = office().await?;
    for nth in 1..=posts {
        for phase in PHASES {
            let lived = dies(&zammad, &mut world, name, phase, nth).await;
            lived.with_context(|| format!("{name}: post {nth}, {phase:?}"))?;
        }
    }
    println!("{name:<8} {posts} posts, {} kills, {} posts came again", posts * PHASES.len(), zammad.repeated());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answered_call() -> Result<()> {
    at_every_point("a", 3).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_call() -> Result<()> {
    at_every_point("d", 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbound_call_and_one_that_is_handed_over() -> Result<()> {
    at_every_point("e", 3).await?;
    at_every_point("g_refer", 3).await
}
