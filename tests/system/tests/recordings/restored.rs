//! An older journal is put in the place of the present one: the files are there for whoever goes back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use system_tests::{
    PATIENCE,
    http::send,
    spool::{long, recorded},
};

use crate::scene::{Scene, Special};

#[tokio::test]
async fn what_was_recorded_after_the_backup_is_there_when_one_goes_back() -> Result<()> {
    let mut scene = Scene::open(Special::default()).await?;
    let copy = scene.world.folder().join("copy.db");
    let copy = copy.to_str().context("path")?;
    scene.world.run(&["backup", copy], 0).await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    scene.attached(1).await?;
    scene.world.work_done().await?;
    let file = scene.archive();
    scene.world.stop().await?;
    let restored = scene.world.json(&["restore", copy, "--replace"]).await?;
    let kept = restored[0]["kept"].as_str().context("what was there is kept")?.to_owned();

    scene.world.launch().await?;
    ensure!(scene.world.json(&["recordings", "list"]).await?.is_empty(), "the older journal knows it");
    // Fetched after everything that is done at a start.
    long(&scene.file(), 1)?;
    scene.call().await?;
    scene.stands("ready").await?;
    ensure!(scene.archive().len() == 2 && file[0].exists(), "{:?}", scene.archive());
    scene.world.stop().await?;
    scene.world.run(&["restore", &kept, "--replace"], 0).await?;
    scene.world.launch().await?;
    let id = scene.stands("ready").await?["id"].to_string();
    let (link, _) = scene.world.run(&["recordings", "link", &id], 0).await?;
    ensure!(send("GET", link.trim(), &[], "").await?.bytes == recorded()?);

    // Nobody wants to go back any more.
    scene.world.stop().await?;
    for file in std::fs::read_dir(scene.world.data())?.collect::<Result<Vec<_>, _>>()? {
        if file.file_name().to_string_lossy().starts_with("replaced-") {
            std::fs::remove_file(file.path())?;
        }
    }
    scene.world.launch().await?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while scene.archive().len() > 1 {
        ensure!(tokio::time::Instant::now() < deadline, "{:?}", scene.archive());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ensure!(file[0].exists(), "the wrong one went");
    Ok(())
}
