//! Several first calls of one caller make one lead in a portal, whoever makes it: the plugin, or the portal when it
//! registers a call.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault};
use futures::future::join_all;
use serde_json::Value;
use system_tests::{
    FALLBACK, Setup, World, trace,
    verdict::{finished, list},
};

/// Longer than any test: the portal's search never gets to know a record that was made in it.
const LAG: Duration = Duration::from_secs(3600);

/// Plays so many calls of one caller at once, and waits until the portal has them all, and those before. Returns its
/// state. At `speed` 0 they are over before anything can be asked; otherwise all are looked up while they ring.
async fn calls_at_once(world: &World, count: usize, speed: f64) -> Result<Value> {
    let recorded = trace("a")?;
    let playback = ami_replay::Playback { speed, fresh_ids: true, ..ami_replay::Playback::default() };
    let wanted = finished(&world.portal.state()) + count;
    join_all((0..count).map(|_| world.pbx.play(&recorded, playback))).await;
    world.portal_shows("all calls finished", |state| finished(state) == wanted).await
}

/// Fails unless there are so many calls, and one lead that they all belong to.
fn one_lead_of(state: &Value, count: usize) -> Result<()> {
    let leads = list(state, "leads").count();
    ensure!(leads == 1, "{leads} leads: {state}");
    ensure!(list(state, "calls").count() == count, "{state}");
    let lead = list(state, "leads").find_map(|lead| lead["ID"].as_str()?.parse().ok()).unwrap_or(0_u64);
    let tied = list(state, "calls").filter(|call| call["crm_entity"]["id"].as_u64() == Some(lead));
    ensure!(tied.count() == count, "not every call belongs to lead {lead}: {state}");
    Ok(())
}

/// Where the leads come from: the plugin makes them, or the portal does when a call is registered.
fn worlds(search_lag: Duration) -> [Setup; 2] {
    let settings = FALLBACK.replace(" }", ", crm-create = \"portal\" }");
    let mut worlds = [Setup::default(), Setup { plugin: settings, ..Setup::default() }];
    worlds.iter_mut().for_each(|setup| setup.portal.search_lag = search_lag);
    worlds
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_gets_one_lead_of_simultaneous_first_calls() -> Result<()> {
    for (count, speed) in [(2, 10.0), (10, 10.0), (10, 0.0)] {
        for setup in worlds(Duration::ZERO) {
            let who = setup.plugin.clone();
            let world = World::start(setup).await?;
            let state = calls_at_once(&world, count, speed).await?;
            one_lead_of(&state, count).with_context(|| format!("{count} calls at speed {speed} with {who}"))?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_whose_search_lags_gets_one_lead_of_first_calls_at_once_and_one_after_the_other() -> Result<()> {
    for speed in [10.0, 0.0] {
        for setup in worlds(LAG) {
            let who = setup.plugin.clone();
            let world = World::start(setup).await?;
            let state = calls_at_once(&world, 2, speed).await?;
            one_lead_of(&state, 2).with_context(|| format!("at once, speed {speed}, {who}: {}", world.log()))?;
            let state = calls_at_once(&world, 1, speed).await?;
            one_lead_of(&state, 3).with_context(|| format!("a third call, speed {speed}, {who}: {}", world.log()))?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_whose_search_lags_gets_one_lead_though_the_program_was_started_anew() -> Result<()> {
    for setup in worlds(LAG) {
        let who = setup.plugin.clone();
        let mut world = World::start(setup).await?;
        one_lead_of(&calls_at_once(&world, 1, 0.0).await?, 1)?;
        world.work_done().await?;
        world.kill().await?;
        world.launch().await?;
        let state = calls_at_once(&world, 1, 0.0).await?;
        one_lead_of(&state, 2).with_context(|| format!("{who}: {}", world.log()))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_whose_answer_was_lost_gets_no_second_lead() -> Result<()> {
    let [creates, registers] = worlds(Duration::ZERO);
    for (setup, method) in [(creates, "crm.lead.add"), (registers, "telephony.externalcall.register")] {
        for effect in [Effect::CloseAfter, Effect::HalfAnswer, Effect::NotJson] {
            let setup = Setup { plugin: setup.plugin.clone(), ..Setup::default() };
            let world = World::start(setup).await?;
            world.portal.inject(Fault::on(method, effect.clone()));
            let state = calls_at_once(&world, 3, 0.0).await?;
            ensure!(list(&state, "leads").count() == 1, "{effect:?} on {method}: {state}");
            ensure!(list(&state, "calls").count() == 3, "{effect:?} on {method}: {state}");
        }
    }
    Ok(())
}
