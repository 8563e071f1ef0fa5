//! Files that are not there yet, not there any more, or not where they should be.

use std::{io::Write, time::Duration};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use system_tests::{
    Setup, SmallDisk, Time,
    spool::{CALL, long, recorded},
};

use crate::scene::{Scene, Special};

#[tokio::test]
async fn a_file_that_is_still_written_is_waited_for() -> Result<()> {
    let scene = Scene::open(Special::default()).await?;
    let whole = recorded()?;
    let (mut file, mut rest) = (std::fs::File::create(scene.file())?, whole.as_slice());
    scene.call().await?;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.len().min(20_000));
        file.write_all(piece)?;
        rest = more;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let call = scene.attached(1).await?;
    ensure!(scene.uploaded(&call["records"][0])? == whole, "half a file: {call}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_comes_a_day_later_is_attached() -> Result<()> {
    let setup = Setup { time: Time::Simulated, ..Setup::default() };
    let mut scene = Scene::open_with(Special::default(), setup).await?;
    scene.call().await?;
    scene.recordings("awaited", |all| all.len() == 1 && all[0]["failures"].as_u64() > Some(0)).await?;
    scene.world.pass(Duration::from_secs(25 * 3600), Duration::from_secs(120)).await?;
    let known = scene.stands("awaited").await?;
    ensure!(known["failures"].as_u64() > Some(50), "it was forgotten meanwhile: {known}");
    std::fs::write(scene.file(), recorded()?)?;
    scene.world.pass(Duration::from_secs(1200), Duration::from_secs(60)).await?;
    scene.attached(1).await?;
    Ok(())
}

#[tokio::test]
async fn what_never_comes_is_given_up_said_and_had_on_demand() -> Result<()> {
    let setup = Setup { time: Time::Simulated, ..Setup::default() };
    let mut scene = Scene::open_with(Special { recordings: "patience = \"1d\"", ..Special::default() }, setup).await?;
    scene.call().await?;
    scene.recordings("awaited", |all| all.len() == 1 && all[0]["failures"].as_u64() > Some(0)).await?;
    scene.world.pass(Duration::from_secs(25 * 3600), Duration::from_secs(300)).await?;
    let lost = scene.stands("given-up").await?;
    ensure!(lost["problem"].as_str().is_some_and(|why| why.contains("no such")), "why? {lost}");
    std::fs::write(scene.file(), recorded()?)?;
    let (told, _) = scene.world.run(&["recordings", "fetch", CALL], 0).await?;
    ensure!(told.contains("audio/wav, 0:06"), "{told}");
    scene.attached(1).await?;
    Ok(())
}

#[tokio::test]
async fn without_the_table_nothing_is_fetched_and_the_command_says_why() -> Result<()> {
    let scene = Scene::prepare(Special::default(), Setup::default()).await?;
    let path = scene.world.folder().join("hookswitch.toml");
    let text = std::fs::read_to_string(&path)?.replace("[recordings]\n", "");
    std::fs::write(&path, text)?;
    let mut scene = scene;
    scene.world.launch().await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    let known = scene.stands("given-up").await?;
    ensure!(known["problem"].as_str().is_some_and(|why| why.contains("[recordings]")), "{known}");
    ensure!(scene.archive().is_empty(), "it was fetched");
    Ok(())
}

#[tokio::test]
async fn a_recording_that_the_full_disk_does_not_take_is_fetched_when_there_is_room() -> Result<()> {
    let Some(disk) = SmallDisk::mount(64)? else {
        println!("skipped: this user may not mount a file system");
        return Ok(());
    };
    let setup = Setup { disk: Some(disk), time: Time::Simulated, ..Setup::default() };
    let mut scene = Scene::open_with(Special::default(), setup).await?;
    long(&scene.file(), 7)?;
    scene.world.disk.as_ref().context("a disk")?.fill_but(4 << 20)?;
    scene.call().await?;
    let known = scene.recordings("refused", |all| all.len() == 1 && all[0]["problem"].is_string()).await?;
    ensure!(known[0]["problem"].as_str().is_some_and(|why| why.contains("No space left")), "{known:?}");
    ensure!(known[0]["failures"] == 0, "our own disk counts as a failure: {known:?}");
    ensure!(known[0]["state"] == "awaited" && scene.archive().is_empty(), "{known:?}: {:?}", scene.archive());
    // The call itself is journaled all the same.
    scene.world.work_done().await?;
    scene.world.disk.as_ref().context("a disk")?.empty()?;
    scene.world.pass(Duration::from_secs(120), Duration::from_secs(10)).await?;
    let call = scene.attached(1).await?;
    // The portal keeps the hash of so large a file.
    let hash: String = Sha256::digest(std::fs::read(scene.file())?).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(call["records"][0]["sha256"] == hash.as_str(), "other bytes: {call}");
    let known = scene.stands("ready").await?;
    ensure!(known["problem"].is_null(), "{known}");
    Ok(())
}

#[tokio::test]
async fn what_is_lost_before_it_is_converted_is_fetched_again_and_the_log_is_not_flooded() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let encoder = folder.path().join("lame");
    let recordings = format!("format = \"mp3\"\nencoder = \"{}\"", encoder.display());
    let setup = Setup { time: Time::Simulated, ..Setup::default() };
    let mut scene = Scene::open_with(Special { recordings: &recordings, ..Special::default() }, setup).await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    let waits = |all: &[serde_json::Value]| {
        all.first().is_some_and(|one| one["state"] == "fetched" && one["problem"].is_string())
    };
    scene.recordings("without an encoder", waits).await?;
    scene.world.pass(Duration::from_secs(3600), Duration::from_secs(60)).await?;
    let said = scene.world.log().matches("recording not converted; trying again").count();
    ensure!(said == 1, "it is said {said} times: {}", scene.world.log());
    scene.archive().iter().try_for_each(std::fs::remove_file)?;
    scene.world.pass(Duration::from_secs(700), Duration::from_secs(60)).await?;
    scene.world.until_log("fetching it again").await?;
    scene.recordings("without an encoder", waits).await?;
    let path = std::env::var_os("PATH").context("PATH")?;
    let lame = std::env::split_paths(&path).map(|folder| folder.join("lame")).find(|file| file.exists());
    std::os::unix::fs::symlink(lame.context("lame is not installed")?, &encoder)?;
    scene.world.pass(Duration::from_secs(700), Duration::from_secs(60)).await?;
    scene.attached(1).await?;
    Ok(())
}
