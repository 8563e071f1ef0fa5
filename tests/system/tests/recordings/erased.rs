//! A person who is to be forgotten: nothing of the calls is left, down to the bytes.

use anyhow::{Context, Result, ensure};

use system_tests::spool::{CALL, recorded};

use crate::scene::{Scene, Special};

/// Who called.
const NUMBER: &str = "+494066969101";

#[tokio::test]
async fn a_number_is_forgotten_with_its_recordings_while_the_service_runs_or_not() -> Result<()> {
    for runs in [true, false] {
        let mut scene = Scene::open(Special::default()).await?;
        std::fs::write(scene.file(), recorded()?)?;
        scene.call().await?;
        scene.attached(1).await?;
        scene.world.work_done().await?;
        ensure!(scene.archive().len() == 1);
        scene.world.run(&["recordings", "hold", CALL, "--reason", "court"], 0).await?;
        let (held, _) = scene.world.run(&["erase", NUMBER], 0).await?;
        ensure!(held.contains("1 calls stayed") && scene.archive().len() == 1, "{held}");
        scene.world.run(&["recordings", "release", CALL], 0).await?;
        if !runs {
            scene.world.stop().await?;
        }
        let before = scene.world.json(&["erase", NUMBER, "--dry-run"]).await?;
        let (told, _) = scene.world.run(&["erase", NUMBER], 0).await?;
        ensure!(told.contains("1 recordings") && before[0]["recordings"] == 1, "{told} {before:?}");
        ensure!(scene.archive().is_empty(), "the file is there still");
        let journal = std::fs::read(scene.world.data().join("hookswitch.db"))?;
        for trace in ["external-201-4940", "66969101"] {
            let found = journal.windows(trace.len()).position(|window| window == trace.as_bytes());
            ensure!(found.is_none(), "{trace} is in the journal still, at {}", found.context("place")?);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_is_not_said_to_be_gone() -> Result<()> {
    for erase in [["recordings", "erase", CALL].as_slice(), &["erase", NUMBER]] {
        let scene = Scene::open(Special::default()).await?;
        std::fs::write(scene.file(), recorded()?)?;
        scene.call().await?;
        scene.attached(1).await?;
        scene.world.work_done().await?;
        let file = scene.archive().pop().context("a file")?;
        std::fs::remove_file(&file)?;
        std::fs::create_dir(&file)?;
        let (_, refused) = scene.world.run(erase, 1).await?;
        ensure!(refused.contains("1 files of recordings cannot be removed"), "{refused}");
    }
    Ok(())
}
