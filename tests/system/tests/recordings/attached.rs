//! What a CRM gets.

use anyhow::{Result, ensure};
use fake_bitrix24::{Effect, Fault};
use system_tests::Setup;

use crate::scene::{Scene, Special, recorded, same, the_long_way};

#[tokio::test]
async fn a_recording_is_an_mp3_at_the_call_that_was_journaled() -> Result<()> {
    let scene = Scene::open(Special { recordings: "format = \"mp3\"", ..Special::default() }).await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    let call = scene.attached(1).await?;
    ensure!(call["records"][0]["filename"].as_str().is_some_and(|name| name.ends_with(".mp3")), "{call}");
    same(&recorded()?, &scene.uploaded(&call["records"][0])?)?;
    scene.world.work_done().await?;
    ensure!(scene.attached(1).await?["records"].as_array().is_some_and(|records| records.len() == 1), "once");
    Ok(())
}

#[tokio::test]
async fn the_original_arrives_to_the_byte_both_ways() -> Result<()> {
    for (way, setup) in [("inside of the request", Setup::default()), ("by itself", the_long_way())] {
        let scene = Scene::open_with(Special::default(), setup).await?;
        std::fs::write(scene.file(), recorded()?)?;
        scene.call().await?;
        let call = scene.attached(1).await?;
        ensure!(scene.uploaded(&call["records"][0])? == recorded()?, "{way}: other bytes: {call}");
    }
    Ok(())
}

#[tokio::test]
async fn a_portal_that_is_not_ready_or_loses_its_answer_gets_it_once() -> Result<()> {
    for (method, effect) in [
        ("telephony.externalcall.attachrecord", Effect::QueryLimit),
        ("telephony.externalcall.attachrecord", Effect::CloseAfter),
        ("upload", Effect::Close),
        ("upload", Effect::CloseAfter),
    ] {
        let scene = Scene::open_with(Special::default(), the_long_way()).await?;
        scene.world.portal.inject(Fault::on(method, effect.clone()));
        std::fs::write(scene.file(), recorded()?)?;
        scene.call().await?;
        let call = scene.attached(1).await?;
        ensure!(scene.uploaded(&call["records"][0])? == recorded()?, "{method}: {call}");
        scene.world.work_done().await?;
        let call = scene.attached(1).await?;
        ensure!(call["records"].as_array().is_some_and(|records| records.len() == 1), "{method}: {call}");
    }
    Ok(())
}
