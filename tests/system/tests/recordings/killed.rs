//! The program is killed while it fetches, converts and uploads: each file arrives once and whole.
//!
//! `HOOKSWITCH_KILL_ROUNDS` sets the number of rounds, `HOOKSWITCH_KILL_SEED` repeats a run.

use std::time::Duration;

use anyhow::{Result, ensure};

use system_tests::spool::recorded;

use crate::scene::{Scene, Special, same, the_long_way};

/// Rounds where nothing else is said.
const ROUNDS: u64 = 6;
/// A round's program dies so often, after at most so long.
const DEATHS: u32 = 4;
const LONGEST_LIFE: Duration = Duration::from_millis(700);

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test]
async fn whatever_dies_when_each_file_arrives_once_and_whole() -> Result<()> {
    let seed = number("HOOKSWITCH_KILL_SEED", fastrand::u64(..));
    let rounds = number("HOOKSWITCH_KILL_ROUNDS", ROUNDS);
    eprintln!("HOOKSWITCH_KILL_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut scene =
        Scene::open_with(Special { recordings: "format = \"mp3\"", ..Special::default() }, the_long_way()).await?;
    for round in 0..rounds {
        if round > 0 {
            let _ = std::fs::remove_file(scene.file());
            scene.world.renew().await?;
        }
        scene.call().await?;
        std::fs::write(scene.file(), recorded()?)?;
        for _ in 0..DEATHS {
            tokio::time::sleep(LONGEST_LIFE.mul_f64(random.f64())).await;
            scene.world.kill().await?;
            scene.world.stumble(LONGEST_LIFE.mul_f64(random.f64())).await?;
            scene.world.relaunch().await?;
        }
        scene.attached(1).await?;
        scene.world.work_done().await?;
        let call = scene.attached(1).await?;
        let records = call["records"].as_array().map_or(0, Vec::len);
        ensure!(records == 1, "round {round} of seed {seed}: {records} records: {}", scene.world.account());
        same(&recorded()?, &scene.uploaded(&call["records"][0])?)?;
        ensure!(scene.archive().len() == 1, "round {round} of seed {seed}: {:?}", scene.archive());
    }
    Ok(())
}
