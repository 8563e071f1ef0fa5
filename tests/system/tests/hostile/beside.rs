//! Beside a plugin that works.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use system_tests::{PATIENCE, Setup, World};
use tokio::time::{Instant, sleep};

use crate::{hostile, mebibytes};

/// What the hostile plugin does, and how the host says that it ended.
const HARMS: [(&str, &str); 9] = [
    // Where the deadline is as short as the CPU budget, on a busy machine that is the first to end.
    ("spin", "too slow"),
    ("eat", "MiB of memory"),
    ("recurse", "call stack exhausted"),
    ("panic", "crashed"),
    ("log", "too many calls of the host"),
    ("fail", "temporary"),
    // Whichever it meets first.
    ("endless-answer", "too much data|MiB of memory"),
    // These are answered inside the plugin, which then does its job.
    ("headers", ""),
    ("texts", ""),
];

/// The memory that a function of a plugin may have by default, and what the program may take beside it.
const GRANTED: u64 = 128;
const BESIDE: u64 = 16;

/// Waits until every job of the plugin has been tried, but one that waits for another, and gives the problems of those
/// that failed.
async fn problems(world: &World, plugin: &str) -> Result<Vec<String>> {
    let deadline = Instant::now() + 4 * PATIENCE;
    loop {
        let list = ["jobs", "list", "--state", "parked", "--state", "done", "--state", "waiting", "--plugin", plugin];
        let jobs = world.json(&list).await?;
        let settled = |job: &Value| job["state"] != "waiting" || job["problem"].is_string();
        let put_off = plugin == "hostile-fail" && jobs.iter().any(|job| job["problem"].is_string());
        if jobs.len() >= 2 && (put_off || jobs.iter().all(settled)) {
            return Ok(jobs.iter().filter_map(|job| job["problem"].as_str().map(str::to_owned)).collect());
        }
        ensure!(Instant::now() < deadline, "{plugin}: {jobs:?}\n{}", world.log());
        sleep(Duration::from_millis(50)).await;
    }
}

/// What is resident once the last try is over, which must be no more than so many MiB.
async fn settled(world: &World, most: u64) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let resident = mebibytes(world, "VmRSS")?;
        if resident <= most {
            return Ok(resident);
        }
        ensure!(Instant::now() < deadline, "{resident} MiB stay resident; at most {most}\n{}", world.log());
        sleep(Duration::from_millis(50)).await;
    }
}

async fn good_call(world: &World) -> Result<()> {
    world.play("a", 0.0).await?;
    let finished = |state: &Value| {
        state["calls"].as_array().is_some_and(|calls| calls.iter().any(|call| call["finished"].is_object()))
    };
    world.portal_shows("the call finished in spite of the plugin beside", finished).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hostile_plugin_harms_only_itself() -> Result<()> {
    for (harm, word) in HARMS {
        let world = World::start(Setup { more: hostile(harm)?, ..Setup::default() }).await?;
        let before = mebibytes(&world, "VmRSS")?;
        good_call(&world).await?;
        let problems = problems(&world, &format!("hostile-{harm}")).await?;
        let after = settled(&world, before + BESIDE).await?;
        let most = mebibytes(&world, "VmHWM")?;
        println!("{harm}: resident {before} MiB before, {most} at most, {after} afterwards; {:?}", problems.first());
        ensure!(
            problems.iter().all(|problem| word.split('|').chain(["CPU time"]).any(|word| problem.contains(word))),
            "{harm}: {problems:?}"
        );
        ensure!(problems.is_empty() == word.is_empty(), "{harm}: {problems:?}");
        ensure!(most <= before + GRANTED + BESIDE, "{harm}: {before} MiB became {most} MiB");
        ensure!(!world.log().contains('\u{1b}') && !world.log().contains('\u{202e}'), "{harm}: {}", world.log());
        ensure!(world.log().len() < 2 << 20, "{harm}: a log of {} bytes", world.log().len());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hostile_plugins_at_once_delay_no_call_for_long() -> Result<()> {
    let more = HARMS.iter().map(|(harm, _)| hostile(harm)).collect::<Result<String>>()?;
    let mut world = World::start(Setup { more, ..Setup::default() }).await?;
    good_call(&world).await?;
    for (harm, _) in HARMS {
        problems(&world, &format!("hostile-{harm}")).await?;
    }
    let bitrix24 = world.json(&["jobs", "list", "--state", "done", "--plugin", "bitrix24"]).await?;
    ensure!(bitrix24.iter().all(|job| job["failures"] == 0), "{bitrix24:?}");
    ensure!(world.stop().await? == 0, "it does not stop as it should");
    Ok(())
}
