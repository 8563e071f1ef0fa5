//! Recorded calls of a real Asterisk go in; what a person at the portal would have seen is the verdict, held against what
//! truly happened (`tests/traces/*.expected.json`).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{Setup, World, truth};

/// The user who sits at an extension of the recorded PBX.
fn user(extension: &str) -> u64 {
    10 + extension.bytes().last().map_or(0, |digit| u64::from(digit - b'0'))
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// The calls of a trace that a CRM must hear of.
fn reported(truth: &Value) -> Vec<&Value> {
    list(truth, "calls").filter(|call| call["report_to_crm"] == true).collect()
}

/// Plays a trace and holds the portal against the truth.
async fn verdict(world: &World, name: &str, speed: f64) -> Result<()> {
    let truth = truth(name)?;
    let before = world.portal.state()["calls"].as_array().map_or(0, Vec::len);
    let expected = reported(&truth);
    world.play(name, speed).await?;
    let over = |state: &Value| {
        let calls: Vec<_> = list(state, "calls").skip(before).collect();
        let done =
            |call: &&&Value| call["finished"].is_object() && call["visible"].as_array().is_some_and(Vec::is_empty);
        calls.len() == expected.len() && calls.iter().filter(done).count() == expected.len()
    };
    let state = world.portal_shows(&format!("{name}: every call finished"), over).await?;
    let calls: BTreeMap<&str, &Value> = list(&state, "calls")
        .skip(before)
        .filter_map(|call| Some((call["external_call_id"].as_str()?, call)))
        .collect();
    for truth_call in expected {
        let linkedid = truth_call["linkedid"].as_str().context("linkedid")?;
        let own: Vec<_> = calls.iter().filter(|(id, _)| id.contains(linkedid)).map(|(_, call)| *call).collect();
        ensure!(own.len() == 1, "{name}: {linkedid} is {} times at the portal", own.len());
        judge(name, &truth, truth_call, own[0])?;
    }
    Ok(())
}

fn judge(name: &str, truth: &Value, truth_call: &Value, call: &Value) -> Result<()> {
    let events: Vec<_> = list(truth, "events").filter(|event| event["call"] == truth_call["id"]).collect();
    let end = events.iter().find(|event| event["event"] == "ended").context("no end in the truth")?;
    let context = format!("{name} {}: truth {end}, portal {call}", truth_call["linkedid"]);
    let inbound = truth_call["direction"] == "inbound";
    ensure!(call["type"] == if inbound { 2 } else { 1 }, "direction: {context}");
    let number = if inbound { &truth_call["caller"] } else { &truth_call["number"] };
    if let Some(number) = number.as_str() {
        ensure!(
            call["phone"].as_str().is_some_and(|phone| phone.trim_start_matches('+') == &number[1..]),
            "number: {context}"
        );
    }
    ensure!((call["finished"]["status_code"] == "200") == (end["result"] == "ok"), "outcome: {context}");
    if let Some(extension) = end["extension"].as_str() {
        ensure!(call["finished"]["user"] == user(extension), "credited to the wrong user: {context}");
    }
    if let Some(did) = truth_call["did"].as_str() {
        ensure!(call["line"] == did, "line: {context}");
    }
    Ok(())
}

/// The users on whose screens the card of a call ever was.
fn shown(call: &Value) -> BTreeSet<u64> {
    let shows = list(call, "history").filter(|change| change["action"] == "show");
    shows.flat_map(|change| list(change, "users").filter_map(Value::as_u64).collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_call_is_in_the_portal_once_with_what_truly_happened() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    let mut names: Vec<_> = std::fs::read_dir(system_tests::root().join("tests/traces"))?
        .filter_map(|entry| {
            entry.ok()?.file_name().into_string().ok()?.strip_suffix(".expected.json").map(str::to_owned)
        })
        // A call that is known only from a listing has a test of its own.
        .filter(|name| name != "t_resync")
        .collect();
    names.sort();
    ensure!(names.len() > 20, "the traces are gone");
    for name in &names {
        verdict(&world, name, 0.0).await?;
    }
    let state = world.portal.state();
    let reported = names.iter().map(|name| Ok(reported(&truth(name)?).len())).sum::<Result<usize>>()?;
    ensure!(list(&state, "calls").count() == reported, "more calls than happened");
    let leads = list(&state, "leads").filter_map(|lead| lead["PHONE"][0]["VALUE"].as_str()).collect::<Vec<_>>();
    let callers: BTreeSet<_> = leads.iter().collect();
    ensure!(callers.len() == leads.len(), "a caller has more than one lead: {leads:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_on_the_screens_of_those_whose_phones_ring_and_gone_when_another_answers() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    verdict(&world, "b", 1.0).await?;
    let state = world.portal.state();
    let call = &state["calls"][0];
    ensure!(shown(call) == BTreeSet::from([11, 12]), "both phones rang: {call}");
    let hidden_at = list(call, "history")
        .find(|change| change["action"] == "hide" && list(change, "users").any(|user| user == 11))
        .context("the card of the phone that did not answer was never hidden")?["at"]
        .as_i64();
    ensure!(hidden_at < call["finished"]["at"].as_i64(), "it was hidden only at the end: {call}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_the_portal_would_not_take_down_at_once_is_gone_all_the_same() -> Result<()> {
    use fake_bitrix24::{Effect, Fault};
    let world = World::start(Setup::default()).await?;
    world.portal.inject(Fault::on("telephony.externalcall.hide", Effect::QueryLimit).times(2));
    // Both phones ring until the caller gives up, so the cards are taken down when the call is over.
    verdict(&world, "c", 1.0).await?;
    ensure!(shown(&world.portal.state()["calls"][0]) == BTreeSet::from([11, 12]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_target_of_a_transfer_sees_the_card_and_is_credited() -> Result<()> {
    for name in ["g_refer", "h_refer", "n_redirect"] {
        let world = World::start(Setup::default()).await?;
        verdict(&world, name, 1.0).await?;
        let state = world.portal.state();
        let call = &state["calls"][0];
        let target = call["finished"]["user"].as_u64().context("nobody credited")?;
        ensure!(shown(call).is_superset(&BTreeSet::from([11, target])), "{name}: {call}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn outgoing_calls_show_their_card_to_who_dials() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    verdict(&world, "e", 1.0).await?;
    let state = world.portal.state();
    ensure!(shown(&state["calls"][0]) == BTreeSet::from([11]), "{}", state["calls"][0]);
    ensure!(list(&state, "leads").count() == 0, "the policy creates leads for inbound calls only");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_caller_is_not_created_again() -> Result<()> {
    let mut setup = Setup::default();
    setup.portal.seed["contacts"] = serde_json::json!([
        { "ID": 88, "NAME": "Ana", "LAST_NAME": "Lima", "ASSIGNED_BY_ID": 12, "PHONE": [{ "VALUE": "+49 40 66969101", "VALUE_TYPE": "WORK" }] }
    ]);
    let world = World::start(setup).await?;
    verdict(&world, "a", 0.0).await?;
    let state = world.portal.state();
    ensure!(list(&state, "leads").count() == 0 && list(&state, "contacts").count() == 1, "{state}");
    ensure!(state["calls"][0]["crm_entity"]["id"] == 88, "{}", state["calls"][0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_policy_nobody_is_created() -> Result<()> {
    let world = World::start(Setup { plugin: system_tests::FALLBACK.into(), ..Setup::default() }).await?;
    verdict(&world, "a", 0.0).await?;
    ensure!(list(&world.portal.state(), "leads").count() == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_self_hosted_portal_gets_one_user_per_show_and_hide() -> Result<()> {
    let mut setup = Setup::default();
    setup.portal.mode = fake_bitrix24::Mode::BoxedOld;
    let world = World::start(setup).await?;
    verdict(&world, "b", 1.0).await?;
    let state = world.portal.state();
    ensure!(shown(&state["calls"][0]) == BTreeSet::from([11, 12]), "{}", state["calls"][0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_with_simple_crm_gets_contacts_instead_of_leads() -> Result<()> {
    let mut setup = Setup::default();
    setup.portal.simple_crm = true;
    let world = World::start(setup).await?;
    verdict(&world, "a", 0.0).await?;
    let state = world.portal.state();
    ensure!(list(&state, "leads").count() == 0 && list(&state, "contacts").count() == 1, "{state}");
    Ok(())
}
