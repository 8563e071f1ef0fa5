//! A Zammad that fails for a while. Afterwards everything that happened is in its caller log, once and in order.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fake_zammad::{Fault, Zammad};
use serde_json::Value;

use crate::{office, told};

/// Every way to fail that passes.
const TROUBLE: [Fault; 7] = [
    Fault::Down(502),
    Fault::Down(503),
    Fault::Error,
    Fault::ErrorAfter,
    Fault::Close,
    Fault::CloseAfter,
    Fault::Late(Duration::from_millis(300)),
];

/// Nothing was asked of it that cannot be, but for a call's announcement to find out whether it is known.
fn nothing_else_refused(zammad: &Zammad) -> Result<()> {
    let refused = zammad.refused();
    ensure!(refused.iter().all(|refused| refused.starts_with("a second newCall")), "{refused:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_at_any_post_nothing_is_lost_and_nothing_there_twice() -> Result<()> {
    let (zammad, mut world) = office().await?;
    for fault in TROUBLE {
        // One after the other, and three at once.
        for (after, times) in [(0, 1), (1, 1), (2, 1), (0, 3), (1, 3)] {
            let calls = zammad.log().len();
            zammad.trouble(after, vec![fault; times]);
            play(&world, "a").await?;
            let log = told(&zammad, &world, calls + 1).await;
            let log = log.with_context(|| format!("{fault:?} {times} times after {after}"))?;
            let answered = log.last().and_then(|call| call.answered.as_ref()).map(|answer| &answer["answeringNumber"]);
            ensure!(answered == Some(&Value::from("201")), "{fault:?} {times} times after {after}: {log:?}");
            zammad.no_more_trouble();
        }
    }
    nothing_else_refused(&zammad)?;
    ensure!(world.stop().await? == 0, "{}", world.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_it_was_down_is_told_in_order_when_it_is_back() -> Result<()> {
    let (zammad, mut world) = office().await?;
    for fault in [Fault::Down(502), Fault::Error, Fault::Close] {
        let before = zammad.log().len();
        zammad.always(fault);
        let traces = ["d", "e", "c"];
        for trace in traces {
            play(&world, trace).await?;
            world.work_done().await?;
        }
        world.kill().await?;
        world.launch().await?;
        play(&world, "a_anonymous").await?;
        world.work_done().await?;
        ensure!(zammad.log().len() == before, "it was down");
        zammad.no_more_trouble();
        let log = told(&zammad, &world, before + 4).await.with_context(|| format!("{fault:?}"))?;
        let callers: Vec<_> = log.iter().skip(before).map(|call| call.called["from"].clone()).collect();
        ensure!(
            callers[0] == "494066969101" && callers[2] == "494066969102" && callers[3] == "anonymous",
            "{callers:?}"
        );
        ensure!(log[before + 1].called["to"] == "494066969202", "{log:?}");
    }
    ensure!(zammad.refused().is_empty() && zammad.repeated() == 0, "{:?}", zammad.refused());
    Ok(())
}

/// Plays a recorded call at once, as a new one.
async fn play(world: &system_tests::World, name: &str) -> Result<()> {
    let playback = ami_replay::Playback { fresh_ids: true, ..Default::default() };
    world.pbx.play(&system_tests::trace(name)?, playback).await;
    Ok(())
}
