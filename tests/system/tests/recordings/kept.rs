//! How long recordings stay, and who may keep them longer.

use std::time::Duration;

use anyhow::{Result, ensure};
use system_tests::{
    Setup, Time,
    spool::{CALL, recorded},
};

use crate::scene::{Scene, Special};

#[tokio::test]
async fn a_recording_goes_when_its_time_is_over_unless_its_call_is_held() -> Result<()> {
    let setup = Setup { time: Time::Simulated, server: "keep = \"30d\"".to_owned(), ..Setup::default() };
    let mut scene = Scene::open_with(Special { recordings: "keep = \"2d\"", ..Special::default() }, setup).await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    scene.attached(1).await?;
    scene.world.work_done().await?;
    scene.world.run(&["recordings", "hold", CALL, "--reason", "a complaint"], 0).await?;
    scene.world.pass(Duration::from_secs(4 * 24 * 3600), Duration::from_secs(3600)).await?;
    let held = scene.stands("ready").await?;
    ensure!(held["held"]["reason"] == "a complaint" && scene.archive().len() == 1, "{held}");
    let (_, refused) = scene.world.run(&["recordings", "erase", CALL], 1).await?;
    ensure!(refused.contains("held"), "{refused}");
    scene.world.run(&["recordings", "release", CALL], 0).await?;
    scene.world.pass(Duration::from_secs(2 * 3600), Duration::from_secs(600)).await?;
    let gone = scene.stands("removed").await?;
    ensure!(gone["problem"].as_str().is_some_and(|why| why.contains("time")) && scene.archive().is_empty(), "{gone}");
    Ok(())
}

#[tokio::test]
async fn the_oldest_goes_when_there_is_no_room_and_not_before_an_hour() -> Result<()> {
    let setup = Setup { time: Time::Simulated, ..Setup::default() };
    let mut scene = Scene::open_with(Special { recordings: "size = \"1MiB\"", ..Special::default() }, setup).await?;
    let mut large = recorded()?;
    // Behind the sound, where every program of this world has its notes.
    large.extend(b"note");
    large.extend((2_u32 << 20).to_le_bytes());
    large.extend(vec![b'x'; 2 << 20]);
    let riff = u32::try_from(large.len() - 8)?.to_le_bytes();
    large[4..8].copy_from_slice(&riff);
    std::fs::write(scene.file(), &large)?;
    scene.call().await?;
    scene.attached(1).await?;
    scene.world.work_done().await?;
    scene.world.pass(Duration::from_secs(50 * 60), Duration::from_secs(300)).await?;
    scene.stands("ready").await?;
    scene.world.pass(Duration::from_secs(3 * 3600), Duration::from_secs(600)).await?;
    let gone = scene.stands("removed").await?;
    ensure!(gone["problem"].as_str().is_some_and(|why| why.contains("room")) && scene.archive().is_empty(), "{gone}");
    Ok(())
}

#[tokio::test]
async fn without_the_table_nothing_goes_and_it_is_said() -> Result<()> {
    let setup = Setup { time: Time::Simulated, ..Setup::default() };
    let mut scene = Scene::open_with(Special::default(), setup).await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    scene.attached(1).await?;
    scene.world.work_done().await?;
    let path = scene.world.folder().join("hookswitch.toml");
    std::fs::write(&path, std::fs::read_to_string(&path)?.replace("[recordings]\n", ""))?;
    scene.world.run(&["reload"], 0).await?;
    // Longer than recordings are kept where the table says nothing else.
    scene.world.pass(Duration::from_secs(100 * 24 * 3600), Duration::from_secs(5 * 24 * 3600)).await?;
    scene.world.until_log("do not become old").await?;
    scene.stands("ready").await?;
    ensure!(scene.archive().len() == 1, "{:?}", scene.archive());
    Ok(())
}
