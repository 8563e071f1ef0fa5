//! What a CRM gets.

use ami_replay::{Boundaries, Playback, Trace};
use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault};
use system_tests::{
    Setup, root,
    spool::{FILE, FOLDER, recorded},
};

use crate::scene::{Scene, Special, same, the_long_way};

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
    for (method, effect, setup) in [
        ("telephony.externalcall.attachrecord", Effect::CloseAfter, Setup::default()),
        ("telephony.externalcall.attachrecord", Effect::QueryLimit, the_long_way()),
        ("telephony.externalcall.attachrecord", Effect::CloseAfter, the_long_way()),
        ("upload", Effect::Close, the_long_way()),
        ("upload", Effect::CloseAfter, the_long_way()),
    ] {
        let scene = Scene::open_with(Special::default(), setup).await?;
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

#[tokio::test]
async fn what_was_recorded_of_a_consultation_is_at_the_call_that_it_went_into() -> Result<()> {
    // An attended transfer by REFER, as recorded; besides, the dial plan records the consultation.
    let channel = "PJSIP/201-00000038\r\nUniqueid: 1795230624.62\r\nLinkedid: 1795230624.62\r\n\r\n";
    let (name, ids) = channel.split_once("\r\n").context("lines")?;
    let monitored = format!(
        "Event: VarSet\r\nPrivilege: dialplan,all\r\nChannel: {name}\r\nVariable: MIXMONITOR_FILENAME\r\n\
         Value: {FOLDER}/{FILE}\r\n{ids}Event: MixMonitorStart\r\nPrivilege: call,all\r\nChannel: {name}\r\n{ids}"
    );
    let trace = std::fs::read_to_string(root().join("tests/traces/h_refer.ami"))?;
    let at = trace.find(ids).context("the consultation begins")? + ids.len();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("consultation.ami");
    std::fs::write(&path, format!("{}{monitored}{}", &trace[..at], &trace[at..]))?;

    let scene = Scene::open(Special::default()).await?;
    std::fs::write(scene.file(), recorded()?)?;
    let playback = Playback { speed: 0.0, boundaries: Boundaries::Recorded, fresh_ids: false };
    scene.world.pbx.play(&Trace::load(&path)?, playback).await;
    let call = scene.attached(1).await?;
    ensure!(scene.uploaded(&call["records"][0])? == recorded()?, "{call}");
    ensure!(scene.stands("ready").await?["call"] == "1795230620.60", "{:?}", scene.stands("ready").await?);
    Ok(())
}
