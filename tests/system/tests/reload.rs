//! What changes on disk is taken up without a restart and without losing a call.

use std::path::PathBuf;

use ami_replay::Playback;
use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault};
use serde_json::Value;
use system_tests::{
    Setup, World, component, trace,
    verdict::{finished, list},
};

fn config(world: &World) -> PathBuf {
    world.folder().join("hookswitch.toml")
}

/// Replaces a part of the configuration, as an editor does: the new file under another name, then renamed.
fn edit(world: &World, part: &str, other: &str) -> Result<()> {
    let text = std::fs::read_to_string(config(world))?;
    ensure!(text.contains(part), "{part:?} is not in the configuration");
    let new = world.folder().join("hookswitch.toml.new");
    std::fs::write(&new, text.replace(part, other))?;
    Ok(std::fs::rename(new, config(world))?)
}

fn subjects(state: &Value) -> Vec<&str> {
    list(state, "activities").filter_map(|activity| activity["SUBJECT"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_text_is_used_from_the_next_job_on_and_the_one_under_way_keeps_the_old_one() -> Result<()> {
    let mut world = World::start(Setup::default()).await?;
    world.portal.inject(Fault::on("telephony.externalcall.finish", Effect::Delay(1500)));
    world.play("a", 0.0).await?;
    // The entry of the first call is being written.
    world.until_log("event=\"ended\"").await?;
    edit(&world, "settings =", "journal = { subject = \"AFTER {{ call.external }}\" }\nsettings =")?;
    world.until_log("reloaded").await?;
    world.portal_shows("the first call", |state| finished(state) == 1).await?;
    world.play("d", 0.0).await?;
    let state = world.portal_shows("both calls", |state| finished(state) == 2 && subjects(state).len() == 2).await?;
    world.work_done().await?;
    let after = |state: &Value| subjects(state).iter().filter(|subject| subject.starts_with("AFTER")).count();
    world.portal_shows("the new text", |state| after(state) == 1).await?;
    ensure!(list(&state, "calls").count() == 2, "{}", world.account());
    ensure!(world.stop().await? == 0, "{}", world.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_change_is_refused_by_name_and_the_old_configuration_runs_on() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    edit(&world, "trunks =", "trunk =")?;
    world.until_log("did you mean `trunks`").await?;
    world.play("a", 0.0).await?;
    world.portal_shows("the call", |state| finished(state) == 1).await?;
    edit(&world, "trunk =", "trunks =")?;
    std::fs::write(world.folder().join("half.wasm"), b"\0asm\x0d\0\x01\0half a component")?;
    let good = component("bitrix24.wasm")?.display().to_string();
    edit(&world, &good, "half.wasm")?;
    world.until_log("half.wasm").await?;
    world.play("d", 0.0).await?;
    world.portal_shows("the second call", |state| finished(state) == 2).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn renewed_credentials_are_taken_up_and_everything_that_waited_for_them_is_done() -> Result<()> {
    let mut world = World::prepare(Setup::default()).await?;
    let url = world.folder().join("bitrix24-url");
    let good = std::fs::read_to_string(&url)?;
    let secret = good.trim_end_matches('/').rsplit('/').next().context("a secret")?.to_owned();
    std::fs::write(&url, good.replace(&secret, "0000000000000000"))?;
    world.relaunch().await?;
    for name in ["a", "c", "d"] {
        world.play(name, 0.0).await?;
    }
    world.until_log("refuses the credentials").await?;
    let calls = world.json(&["calls"]).await?;
    ensure!(calls.len() == 3, "{calls:?}");
    // Tries go on, ever more seldom; nothing is parked.
    let parked = world.json(&["jobs", "list", "--state", "parked"]).await?;
    ensure!(!parked.iter().any(|job| job["id"].is_i64()), "{parked:?}");
    std::fs::write(&url, &good)?;
    let state = world.portal_shows("all calls", |state| finished(state) == 3).await?;
    ensure!(list(&state, "calls").count() == 3, "{}", world.account());
    ensure!(!world.log().contains(&secret), "the secret is in the log");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_component_takes_over_in_mid_call() -> Result<()> {
    let mut world = World::prepare(Setup::default()).await?;
    let good = component("bitrix24.wasm")?;
    let own = world.folder().join("own.wasm");
    std::fs::copy(&good, &own)?;
    edit(&world, &good.display().to_string(), "own.wasm")?;
    world.launch().await?;
    let playback = Playback { speed: 1.0, ..Playback::default() };
    let talking = tokio::spawn(world.pbx.cue(&trace("n_hold")?, playback).play());
    world.portal_shows("a card", |state| system_tests::verdict::cards_shown(state) == 1).await?;
    // The same plugin with a custom section more is another component.
    let mut bytes = std::fs::read(&good)?;
    bytes.extend([0, 5, 4, b'm', b'o', b'r', b'e']);
    std::fs::write(world.folder().join("own.wasm.new"), bytes)?;
    std::fs::rename(world.folder().join("own.wasm.new"), &own)?;
    world.until_log("is taken up anew").await?;
    ensure!(!talking.is_finished(), "the change came too late");
    talking.await?;
    let state = world.portal_shows("the call", |state| finished(state) == 1).await?;
    ensure!(list(&state, "calls").count() == 1 && list(&state, "leads").count() == 1, "{}", world.account());
    world.portal_shows("no card", |state| system_tests::verdict::cards_shown(state) == 0).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_system_that_is_taken_up_anew_loses_no_call() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    let playback = Playback { speed: 1.0, ..Playback::default() };
    let talking = tokio::spawn(world.pbx.cue(&trace("l")?, playback).play());
    world.until_log("event=\"answered\"").await?;
    edit(&world, "trunks = [", "heartbeat = \"20s\"\ntrunks = [")?;
    world.until_log("pbx office is taken up anew").await?;
    ensure!(!talking.is_finished(), "the change came too late");
    talking.await?;
    let state = world.portal_shows("the call", |state| finished(state) == 1).await?;
    ensure!(list(&state, "calls").count() == 1, "{}", world.account());
    let calls = world.json(&["calls"]).await?;
    ensure!(calls.len() == 1 && calls[0]["outcome"] == "answered", "{calls:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_disabled_keeps_its_work_until_it_is_enabled_again() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    world.portal.inject(Fault::on("telephony.externalcall.finish", Effect::ServerError).always());
    world.play("a", 0.0).await?;
    world.until_log("will be tried again").await?;
    let with = std::fs::read_to_string(config(&world))?;
    let (without, _) = with.split_once("[plugin.").context("a plugin")?;
    std::fs::write(config(&world), without)?;
    world.until_log("plugin bitrix24 is disabled").await?;
    world.portal.clear_faults();
    // A call that nobody is to hear of.
    world.play("c", 0.0).await?;
    world.until_log("event=\"ended\"").await?;
    ensure!(finished(&world.portal.state()) == 0, "{}", world.account());
    std::fs::write(config(&world), with)?;
    let state = world.portal_shows("the call", |state| finished(state) == 1).await?;
    ensure!(list(&state, "calls").count() == 1, "{}", world.account());
    Ok(())
}
