//! A secret never reaches a log, a trace, the journal or an answer that a plugin sees.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use serde_json::Value;
use system_tests::{Setup, World};

/// Whether any file below `folder`, but those that the admin wrote, holds `text`.
fn found(folder: &Path, text: &[u8]) -> Result<Vec<String>> {
    let mut hits = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            hits.extend(found(&path, text)?);
        } else if fs::read(&path)?.windows(text.len()).any(|window| window == text) {
            hits.push(path.display().to_string());
        }
    }
    Ok(hits)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhooks_secret_stays_where_the_admin_put_it() -> Result<()> {
    let mut setup = Setup::default();
    setup.portal.secret = Some("c4n4ryc4n4ryc4n4".to_owned());
    let mut world = World::start(setup).await?;
    world.play("b", 0.0).await?;
    let finished = |state: &Value| state["calls"][0]["finished"].is_object();
    world.portal_shows("the call finished", finished).await?;
    let (trace, _) = world.run(&["trace", "1795", "--bodies"], 0).await?;
    let (check, errors) = world.run(&["check"], 0).await?;
    world.stop().await?;
    for text in [&trace, &check, &errors, &world.log()] {
        ensure!(!text.contains("c4n4ry"), "{text}");
    }
    let hits = found(world.folder(), b"c4n4ryc4n4ryc4n4")?;
    ensure!(hits.len() == 1 && hits[0].ends_with("bitrix24-url"), "{hits:?}");
    ensure!(found(world.folder(), b"system-test-secret")?.is_empty(), "the password of the PBX is on the disk");
    Ok(())
}
