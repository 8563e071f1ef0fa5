//! An agent listens to a recording in the CRM, whose player was given a link, and jumps to its end.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use recording_crm::{Crm, Reply};
use serde_json::Value;
use system_tests::{
    PATIENCE, World,
    spool::{SECOND, Spool, long},
};

use crate::{browser::Browser, world};

/// How large it is: more than a browser gets ahead of time.
const MIB: u64 = 48;
/// Where the agent jumps to, in seconds of nearly 26 minutes.
const LATE: u32 = 1500;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_plays_a_recording_and_jumps_in_it() -> Result<()> {
    let spool = Spool::new()?;
    let (world, _) = world(&spool.configure("")).await?;
    long(&spool.file(), MIB)?;
    world.play("l", 0.0).await?;
    let id = recorded(&world).await?;
    let link = world.run(&["recordings", "link", &id], 0).await?.0.trim().to_owned();
    let crm = Crm::start().await?;
    let page = format!("<!doctype html><title>CRM</title><audio controls preload=metadata src=\"{link}\"></audio>");
    crm.answer("/card", Reply::new(200, page).header("content-type", "text/html"));
    let browser = Browser::start().await?;

    // On the CRM's page, and opened by itself.
    for url in [format!("{}/card", crm.origin()), link] {
        browser.open(&url).await?;
        let known = player(&browser, "known", |player| player["ready"].as_u64() >= Some(1)).await?;
        let seconds = (MIB << 20) as f64 / f64::from(SECOND);
        ensure!(known["seconds"].as_f64().is_some_and(|known| (known - seconds).abs() < 0.05), "{url}: {known}");
        let asked = parts(&world, &id).await?.len();
        browser.run(&format!("document.querySelector('audio,video').currentTime = {LATE};")).await?;
        let there = |player: &Value| player["seeking"] == false && player["ready"].as_u64() >= Some(2);
        let shown = player(&browser, "there", there).await?;
        ensure!(shown["at"].as_f64().is_some_and(|at| (at - f64::from(LATE)).abs() < 1.0), "{url}: {shown}");
        let asked = parts(&world, &id).await?.split_off(asked);
        ensure!(asked.iter().any(|from| *from > LATE / 2 * SECOND), "{url}: asked for {asked:?}, and for nothing late");
    }
    Ok(())
}

/// The number of the recording, when it is there.
async fn recorded(world: &World) -> Result<String> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let all = world.json(&["recordings", "list"]).await?;
        if let Some(ready) = all.iter().find(|one| one["state"] == "ready") {
            return Ok(ready["id"].to_string());
        }
        ensure!(tokio::time::Instant::now() < deadline, "{all:?}\n{}", world.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How the page's player stands, when it stands so.
async fn player(browser: &Browser, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let look = "const player = document.querySelector('audio,video'); \
                return player && { ready: player.readyState, seconds: player.duration, at: player.currentTime, \
                                   seeking: player.seeking, problem: player.error && player.error.message };";
    loop {
        let shown = browser.run(look).await?;
        if wanted(&shown) {
            return Ok(shown);
        }
        ensure!(tokio::time::Instant::now() < deadline, "the player is never {what}: {shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Where the parts begin that were got of it, in bytes.
async fn parts(world: &World, id: &str) -> Result<Vec<u32>> {
    let known = world.json(&["recordings", "list", id]).await?;
    let accesses = known[0]["accesses"].as_array().context("accesses")?;
    let from = |access: &Value| access["range"].as_str()?.strip_prefix("bytes=")?.split('-').next()?.parse().ok();
    Ok(accesses.iter().filter(|access| access["status"] == 206).filter_map(from).collect())
}
