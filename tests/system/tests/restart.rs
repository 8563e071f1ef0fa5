//! What was accepted survives the death of the program, and what happened meanwhile is found out afterwards.

use anyhow::{Result, ensure};
use serde_json::Value;
use system_tests::{Setup, World, trace};

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn finished(state: &Value) -> usize {
    list(state, "calls").filter(|call| call["finished"].is_object()).count()
}

fn cards_shown(state: &Value) -> usize {
    list(state, "calls").flat_map(|call| list(call, "visible")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_while_the_program_is_dead_is_finished_after_the_restart() -> Result<()> {
    let mut world = World::start(Setup::default()).await?;
    let recorded = trace("n_hold")?;
    let playback = ami_replay::Playback { speed: 1.0, ..ami_replay::Playback::default() };
    let (played, killed) = tokio::join!(world.pbx.play(&recorded, playback), async {
        world.portal_shows("a card", |state| cards_shown(state) == 1).await
    });
    // The program dies in mid-call; the portal keeps the card, the PBX goes on.
    killed?;
    world.kill().await?;
    ensure!(played.messages > 0);
    world.launch().await?;
    let state =
        world.portal_shows("the call finished", |state| finished(state) == 1 && cards_shown(state) == 0).await?;
    ensure!(list(&state, "calls").count() == 1 && list(&state, "leads").count() == 1, "{state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_the_portal_did_not_take_is_done_by_the_next_run() -> Result<()> {
    use fake_bitrix24::{Effect, Fault};
    let mut world = World::start(Setup::default()).await?;
    world.portal.inject(Fault::on("telephony.externalcall.finish", Effect::ServerError).always());
    world.play("a", 0.0).await?;
    world.portal_shows("the call", |state| list(state, "calls").count() == 1).await?;
    world.until_log("job will be tried again").await?;
    world.kill().await?;
    world.portal.clear_faults();
    world.launch().await?;
    let state = world.portal_shows("the call finished", |state| finished(state) == 1).await?;
    ensure!(list(&state, "calls").count() == 1 && list(&state, "leads").count() == 1, "{state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_is_asked_for_is_clean() -> Result<()> {
    let mut world = World::start(Setup::default()).await?;
    world.play("a", 0.0).await?;
    world.portal_shows("the call finished", |state| finished(state) == 1).await?;
    ensure!(world.stop().await? == 0, "{}", world.log());
    ensure!(world.log().contains("stopped") && !world.log().contains("panicked"), "{}", world.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_go_on_at_the_login_are_taken_over() -> Result<()> {
    let mut world = World::prepare(Setup::default()).await?;
    let recorded = trace("t_resync")?;
    let cue = world.pbx.cue(&recorded, ami_replay::Playback { speed: 1.0, ..ami_replay::Playback::default() });
    world.launch().await?;
    cue.play().await;
    let state = world.portal_shows("both calls finished", |state| finished(state) == 2).await?;
    let users: std::collections::BTreeSet<_> =
        list(&state, "calls").filter_map(|call| call["finished"]["user"].as_u64()).collect();
    ensure!(users == [11, 12].into(), "{state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_comes_back_and_nothing_is_missed_afterwards() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    for name in ["a", "d"] {
        world.pbx.drop_connections();
        world.until_log("connection lost").await?;
        world.pbx.wait_for_login(system_tests::PATIENCE).await?;
        world.play(name, 0.0).await?;
        let count = if name == "a" { 1 } else { 2 };
        world.portal_shows("the call finished", move |state| finished(state) == count).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_heard_after_the_call_was_given_up_corrects_the_entry() -> Result<()> {
    let mut world = World::prepare(Setup::default()).await?;
    let config = world.folder().join("hookswitch.toml");
    let text = std::fs::read_to_string(&config)?;
    std::fs::write(&config, text.replace("[server]", "[server]\ncall-limit = \"1s\""))?;
    world.launch().await?;
    world.play("l", 1.0).await?;
    world.until_log("closed as lost").await?;
    world.until_log("kind=\"update\"").await?;
    let state = world.portal_shows("the call finished", |state| finished(state) == 1).await?;
    ensure!(list(&state, "calls").count() == 1, "{state}");
    let calls = world.json(&["calls"]).await?;
    ensure!(calls[0]["outcome"] == "answered" && calls[0]["talk_s"].as_u64() >= Some(5), "{calls:?}");
    Ok(())
}
