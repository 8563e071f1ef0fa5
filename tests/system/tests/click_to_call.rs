//! Click-to-call: what a CRM asks for is dialled once, comes back as the CRM's own call, and what was not dialled is told.

use std::time::Duration;

use ami_replay::{Action, Playback, Server, Trace};
use anyhow::{Context, Result, ensure};
use fake_bitrix24::APPLICATION_TOKEN;
use serde_json::{Value, json};
use system_tests::{
    PATIENCE, Setup, World,
    http::{Answer, free_port, post_form},
    trace, verdict,
    verdict::list,
};

const NUMBER: &str = "+494066969303";

/// A world whose portal's events arrive at this address.
async fn world(rules: &str) -> Result<(World, String)> {
    world_of(rules, Setup::default()).await
}

async fn world_of(rules: &str, setup: Setup) -> Result<(World, String)> {
    let port = free_port()?;
    let more = format!(
        "[pbx.office.dial]\ncontext = \"click2call\"\ntimeout = \"15s\"\n[pbx.office.dial-rules]\n{rules}\n\
         [plugin.bitrix24.credentials.application-token]\nkind = \"secret\"\nvalue = \"{APPLICATION_TOKEN}\"\n"
    );
    let server = format!("listen = \"127.0.0.1:{port}\"\npublic-url = \"http://127.0.0.1:{port}\"");
    let world = World::start(Setup { server, more, ..setup }).await?;
    Ok((world, format!("http://127.0.0.1:{port}/hook/bitrix24/events")))
}

async fn ordered(pbx: &Server, count: usize) -> Result<Action> {
    pbx.wait_for_action("Originate", count, PATIENCE).await
}

fn orders(world: &World) -> usize {
    world.pbx.actions().iter().filter(|action| action.name() == "Originate").count()
}

/// What became of a recorded order, as what became of this one.
async fn carry_out(pbx: &Server, order: &Action, speed: f64) -> Result<()> {
    // The channel has the variable that the order gives it.
    let variable = order.request.value("Variable");
    let crm_call = variable.split_once('=').context("a variable with the CRM's id")?.1;
    carry_out_of(trace("i")?.renumbered("crm-4711", crm_call)?, pbx, order, speed).await
}

/// The same, of a recording whose CRM is somebody else.
async fn carry_out_of(trace: Trace, pbx: &Server, order: &Action, speed: f64) -> Result<()> {
    let of = |name: &str| order.request.value(name).to_owned();
    let trace = trace.renumbered("1795230659.73", &of("ChannelId"))?.renumbered("act-1", &of("ActionID"))?;
    pbx.play(&trace, Playback { speed, ..Playback::default() }).await;
    Ok(())
}

async fn posted(url: &str, form: &str) -> Result<Answer> {
    let answer = post_form(url, &[], form).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(answer)
}

/// The only call at the portal, finished once and never registered by anybody but the portal itself.
async fn finished_once(world: &World) -> Result<Value> {
    let state = world.portal_shows("the call finished", |state| verdict::finished(state) == 1).await?;
    let count = verdict::faultless(&state)?;
    ensure!((count.calls, count.finishes) == (1, 1), "{count:?}: {state}");
    let registered = list(&state, "journal").filter(|request| request["method"] == "telephony.externalcall.register");
    ensure!(registered.count() == 0, "it was registered again: {state}");
    list(&state, "calls").next().cloned().context("a call")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_in_the_crm_is_dialled_once_and_finished_under_its_own_id() -> Result<()> {
    let (world, url) = world("").await?;
    let event = world.portal.click(11, NUMBER);
    let (first, second) = tokio::join!(posted(&url, &event), posted(&url, &event));
    first?;
    second?;
    let order = ordered(&world.pbx, 1).await?;
    ensure!(order.request.value("Exten") == NUMBER && order.request.value("Channel") == "PJSIP/201", "{order:?}");
    posted(&url, &event).await?;
    carry_out(&world.pbx, &order, 0.0).await?;
    let call = finished_once(&world).await.with_context(|| world.account())?;
    ensure!(call["finished"]["status_code"] == "200" && call["finished"]["user"] == 11, "{call}");
    let calls = world.work_done().await?;
    ensure!(calls.len() == 1 && calls[0]["direction"] == "outbound", "{calls:?}");
    posted(&url, &event).await?;
    ensure!(orders(&world) == 1, "{} orders", orders(&world));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_of_a_web_page_is_called_by_whom_the_admin_names() -> Result<()> {
    let plugin = "settings = { fallback-user = 7, callback-extension = \"201\" }".to_owned();
    let mut setup = Setup { plugin, ..Setup::default() };
    setup.portal.seed["leads"] = json!([{ "ID": 31, "TITLE": "Web form", "PHONE": [{ "VALUE": NUMBER }] }]);
    let (world, url) = world_of("", setup).await?;
    posted(&url, &world.portal.ask_for_call_back(NUMBER, "about prices")).await?;
    let order = ordered(&world.pbx, 1).await?;
    ensure!(order.request.value("Exten") == NUMBER && order.request.value("Channel") == "PJSIP/201", "{order:?}");
    ensure!(order.request.value("Variable").is_empty(), "the portal has no id for it: {order:?}");
    // The recorded order came with an id of the CRM's.
    let trace = trace("i")?.renumbered("CRM_CALL_ID", "SOMETHING_ELSE")?;
    carry_out_of(trace, &world.pbx, &order, 0.0).await?;
    let state = world.portal_shows("the call finished", |state| verdict::finished(state) == 1).await?;
    let count = verdict::faultless(&state)?;
    let call = list(&state, "calls").next().context("a call")?;
    ensure!((count.calls, count.leads) == (1, 0), "{count:?}: {state}");
    // 4: a call-back.
    ensure!(call["type"] == 4 && call["crm_entity"] == json!({ "type": "LEAD", "id": 31 }), "{call}");
    ensure!(call["finished"]["status_code"] == "200" && call["finished"]["user"] == 11, "{call}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_whom_nobody_is_to_call_is_named_in_the_log() -> Result<()> {
    let (world, url) = world_of("", Setup { plugin: String::new(), ..Setup::default() }).await?;
    posted(&url, &world.portal.ask_for_call_back(NUMBER, "")).await?;
    world.until_log("the setting `callback-extension` says of nobody who calls").await?;
    ensure!(orders(&world) == 0, "somebody was dialled");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_the_token_dials_nothing() -> Result<()> {
    let (world, url) = world("").await?;
    let event = world.portal.click(11, NUMBER);
    for forged in
        [event.replace(APPLICATION_TOKEN, "b24-application-token-0a1b2c3d4e5e"), event.replace("auth", "other")]
    {
        ensure!(post_form(&url, &[], &forged).await?.status == 403, "{forged}");
    }
    ensure!(orders(&world) == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_dialled_is_finished_with_its_reason() -> Result<()> {
    for (rules, user, number, code, reason) in [
        ("", 11, "+499001234567", "403", "costs more"),
        ("barred = [\"+4940*\"]", 11, NUMBER, "403", "barred"),
        ("countries = [\"AT\"]", 11, NUMBER, "403", "lies in DE"),
        ("", 7, NUMBER, "OTHER", "no extension"),
        ("", 11, "112", "403", "calls for help"),
        ("", 11, "+999", "404", "no number"),
    ] {
        let (world, url) = world(rules).await?;
        posted(&url, &world.portal.click(user, number)).await?;
        let call = finished_once(&world).await?;
        ensure!(call["finished"]["status_code"] == code, "{number}: {call}");
        let told = call["finished"]["failed_reason"].as_str().unwrap_or_default();
        ensure!(told.contains(reason), "{number}: {told}");
        // The portal has it a moment before the program knows that it has.
        world.work_done().await?;
        let jobs = world.json(&["jobs", "list", "--state", "done"]).await?;
        ensure!(jobs.len() == 1 && jobs[0]["kind"] == "finished" && jobs[0]["state"] == "done", "{jobs:?}");
        ensure!(orders(&world) == 0, "{number} was dialled");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_system_that_is_away_or_says_nothing_more_is_told_to_the_crm_in_time() -> Result<()> {
    let (away, url) = world("fresh-for = \"1s\"").await?;
    away.pbx.refuse_connections().await;
    away.pbx.drop_connections();
    away.until_log("connection lost").await?;
    posted(&url, &away.portal.click(11, NUMBER)).await?;
    let call = finished_once(&away).await?;
    ensure!(call["finished"]["status_code"] == "OTHER", "{call}");

    let (silent, url) = world("call-within = \"2s\"").await?;
    posted(&url, &silent.portal.click(11, NUMBER)).await?;
    ordered(&silent.pbx, 1).await?;
    let call = finished_once(&silent).await?;
    ensure!(call["finished"]["failed_reason"].as_str().is_some_and(|text| text.contains("no call came")), "{call}");
    // It comes all the same, long after: the portal has closed what it opened, and gets the call as a new one.
    let order = ordered(&silent.pbx, 1).await?;
    carry_out(&silent.pbx, &order, 0.0).await?;
    let state = silent.portal_shows("two calls", |state| verdict::finished(state) == 2).await?;
    ensure!(verdict::faultless(&state)?.finishes == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_program_dies_nothing_is_dialled_twice_and_the_crm_hears_of_it_once() -> Result<()> {
    // While the order is given: the phone system has it, and never answers.
    let (mut world, url) = world("call-within = \"3s\"").await?;
    world.pbx.silence(true);
    posted(&url, &world.portal.click(11, NUMBER)).await?;
    let order = ordered(&world.pbx, 1).await?;
    world.kill().await?;
    world.pbx.silence(false);
    world.launch().await?;
    let pbx = world.pbx.clone();
    let playing = tokio::spawn(async move { carry_out(&pbx, &order, 4.0).await });
    let calls = async |world: &World| Ok::<_, anyhow::Error>(world.json(&["calls"]).await?.len());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while calls(&world).await? == 0 {
        ensure!(tokio::time::Instant::now() < deadline, "{}", world.account());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.kill().await?;
    world.launch().await?;
    playing.await??;
    finished_once(&world).await?;
    ensure!(orders(&world) == 1, "{} orders", orders(&world));

    // With the order accepted, and the phone system away: it is too old when it is back.
    let (mut world, url) = self::world("fresh-for = \"1s\"").await?;
    world.pbx.refuse_connections().await;
    world.pbx.drop_connections();
    world.until_log("connection lost").await?;
    posted(&url, &world.portal.click(11, NUMBER)).await?;
    world.kill().await?;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    world.pbx.accept_connections().await;
    world.launch().await?;
    finished_once(&world).await?;
    ensure!(orders(&world) == 0, "{} orders", orders(&world));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_digits_and_the_rule_without_a_service() -> Result<()> {
    let more = "[pbx.office.dial-rules]\nform = \"national\"\nprefix = \"0\"\ncountries = [\"DE\"]\n".to_owned();
    let world = World::prepare(Setup { more, ..Setup::default() }).await?;
    let shown = world.json(&["dial", "040 66969303", "--from", "201", "--dry-run"]).await?;
    ensure!(
        shown[0]["e164"] == NUMBER && shown[0]["digits"] == "004066969303" && shown[0]["pbx"] == "office",
        "{shown:?}"
    );
    let (out, _) = world.run(&["dial", "202", "--from", "201", "--dry-run"], 0).await?;
    ensure!(out.contains("dials 202") && out.contains("internal"), "{out}");
    let (_, err) = world.run(&["dial", "+442079460018", "--from", "201", "--dry-run"], 1).await?;
    ensure!(err.contains("countries"), "{err}");
    Ok(())
}
