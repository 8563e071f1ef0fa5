//! Several first calls of one caller make one lead in a portal, whoever makes it: the plugin, or the portal when it
//! registers a call.

use anyhow::{Result, ensure};
use fake_bitrix24::{Effect, Fault};
use futures::future::join_all;
use serde_json::Value;
use system_tests::{FALLBACK, World, trace};

fn list<'a>(state: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    state[key].as_array().into_iter().flatten()
}

/// Plays so many calls of one caller at once, and waits until the portal has them all. Returns its state. At `speed` 0
/// they are over before anything can be asked; otherwise all are looked up while they ring.
async fn calls_at_once(world: &World, count: usize, speed: f64) -> Result<Value> {
    let recorded = trace("a")?;
    let playback = ami_replay::Playback { speed, fresh_ids: true, ..ami_replay::Playback::default() };
    join_all((0..count).map(|_| world.pbx.play(&recorded, playback))).await;
    let finished = |state: &Value| list(state, "calls").filter(|call| call["finished"].is_object()).count() == count;
    world.portal_shows("all calls finished", finished).await
}

/// Where the leads come from: the plugin makes them, or the portal does when a call is registered.
fn worlds() -> [system_tests::Setup; 2] {
    let settings = FALLBACK.replace(" }", ", crm-create = \"portal\" }");
    [system_tests::Setup::default(), system_tests::Setup { plugin: settings, ..system_tests::Setup::default() }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_gets_one_lead_of_simultaneous_first_calls() -> Result<()> {
    for (count, speed) in [(2, 10.0), (10, 10.0), (10, 0.0)] {
        for setup in worlds() {
            let who = setup.plugin.clone();
            let world = World::start(setup).await?;
            let state = calls_at_once(&world, count, speed).await?;
            let leads = list(&state, "leads").count();
            ensure!(leads == 1, "{leads} leads of {count} calls at speed {speed} with {who}: {state}");
            ensure!(list(&state, "calls").count() == count, "{state}");
            let lead = list(&state, "leads").find_map(|lead| lead["ID"].as_str()?.parse().ok()).unwrap_or(0_u64);
            let tied = list(&state, "calls").filter(|call| call["crm_entity"]["id"].as_u64() == Some(lead));
            ensure!(tied.count() == count, "not every call belongs to lead {lead}: {state}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_whose_answer_was_lost_gets_no_second_lead() -> Result<()> {
    let [creates, registers] = worlds();
    for (setup, method) in [(creates, "crm.lead.add"), (registers, "telephony.externalcall.register")] {
        for effect in [Effect::CloseAfter, Effect::HalfAnswer, Effect::NotJson] {
            let setup = system_tests::Setup { plugin: setup.plugin.clone(), ..system_tests::Setup::default() };
            let world = World::start(setup).await?;
            world.portal.inject(Fault::on(method, effect.clone()));
            let state = calls_at_once(&world, 3, 0.0).await?;
            ensure!(list(&state, "leads").count() == 1, "{effect:?} on {method}: {state}");
            ensure!(list(&state, "calls").count() == 3, "{effect:?} on {method}: {state}");
        }
    }
    Ok(())
}
