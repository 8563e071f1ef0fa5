//! Recorded calls of a real Asterisk go in; what is in the caller log of Zammad afterwards is the verdict.

mod calls;
mod crash_points;
mod faults;
mod trouble;

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use fake_zammad::{Call, Zammad};
use system_tests::{PATIENCE, Setup, World, component};

const TOKEN: &str = "b1aec0c0ffee4711";

/// A world whose program tells `zammad` of its calls; it does not run yet.
async fn beside(zammad: &Zammad) -> Result<World> {
    let more = format!(
        r#"
[plugin.zammad]
component = "{component}"
retry = {{ tries = 1000, first = "20ms", longest = "200ms" }}
limits = {{ rate = {{ per-second = 10000, burst = 10000 }} }}
credentials.token = {{ kind = "secret", file = "zammad-token" }}
settings = {{ url = "{url}/" }}
[plugin.zammad.allow]
http = ["{url}"]
network = ["127.0.0.0/8"]
ca-file = "zammad.pem"
"#,
        component = component("zammad.wasm")?.display(),
        url = zammad.url,
    );
    let world = World::prepare(Setup { more, ..Setup::default() }).await?;
    std::fs::write(world.folder().join("zammad.pem"), &zammad.authority)?;
    give(&world, TOKEN)?;
    Ok(world)
}

/// Gives the program this token.
fn give(world: &World, token: &str) -> Result<()> {
    let file = world.folder().join("zammad-token");
    std::fs::write(&file, token)?;
    Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?)
}

/// A Zammad, and the program that tells it of its calls.
async fn office() -> Result<(Zammad, World)> {
    let zammad = Zammad::start(TOKEN).await?;
    let mut world = beside(&zammad).await?;
    world.launch().await?;
    Ok((zammad, world))
}

/// Waits until so many calls are in the caller log, all of them over, and nothing is left to be told.
async fn told(zammad: &Zammad, world: &World, count: usize) -> Result<Vec<Call>> {
    let all = |log: &[Call]| log.len() >= count && log.iter().all(|call| call.ended.is_some());
    zammad.until(PATIENCE, all).await.with_context(|| world.log())?;
    let end = tokio::time::Instant::now() + PATIENCE;
    while world.json(&["feed", "list"]).await?.iter().any(|feed| feed["waiting"] != 0) {
        ensure!(tokio::time::Instant::now() < end, "events wait: {}", world.log());
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    let log = zammad.log();
    ensure!(log.len() == count, "{count} calls are wanted: {log:#?}");
    zammad.verdict()?;
    Ok(log)
}
