//! Click-to-call: a CRM's users click while the program dies. No number is dialled twice, and the CRM hears once of every
//! call that it was answered for.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ami_replay::{Action, Playback, Server};
use anyhow::{Context, Result, ensure};
use fake_bitrix24::APPLICATION_TOKEN;
use serde_json::Value;
use system_tests::{
    Setup, World,
    http::{free_port, post_form},
    trace,
    verdict::list,
};

use crate::{Plan, text};

const ROUNDS: usize = 8;
/// Users click so often, in milliseconds.
const PAUSE: u64 = 400;
/// Of so many orders one becomes no call.
const IN_VAIN: usize = 4;
/// The recorded call is played at so many times its pace: one call is over before the next is asked for.
const SPEED: f64 = 20.0;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_moment_of_death_no_number_is_dialled_twice_and_every_click_is_finished_once() -> Result<()> {
    let mut plan = Plan::of(ROUNDS)?;
    let port = free_port()?;
    let more = format!(
        "[pbx.office.dial]\ncontext = \"click2call\"\ntimeout = \"15s\"\n\
         [pbx.office.dial-rules]\nfresh-for = \"3s\"\ncall-within = \"4s\"\n\
         [plugin.bitrix24.credentials.application-token]\nkind = \"secret\"\nvalue = \"{APPLICATION_TOKEN}\"\n"
    );
    let server = format!("listen = \"127.0.0.1:{port}\"\npublic-url = \"http://127.0.0.1:{port}\"");
    let mut world = World::start(Setup { server, more, ..Setup::default() }).await?;
    let told = killing(&mut world, &mut plan, &format!("http://127.0.0.1:{port}/hook/bitrix24/events")).await;
    plan.close(|| world.account(), told)
}

async fn killing(world: &mut World, plan: &mut Plan, url: &str) -> Result<String> {
    let stop = Arc::new(AtomicBool::new(false));
    // The events are made before: the portal belongs to the world, and users click in any moment.
    let events: Vec<(String, String)> = (0..400)
        .map(|at| {
            let number = format!("+4940669{:05}", 10_000 + at);
            let event = world.portal.click(11, &number);
            (number, event)
        })
        .collect();
    let answered = Arc::new(Mutex::new(Vec::new()));
    let clicks = tokio::spawn(click(url.to_owned(), events, answered.clone(), stop.clone()));
    let phones = tokio::spawn(carry_out(world.pbx.clone(), stop.clone()));
    let mut kills = 0;
    for _ in 0..plan.rounds {
        kills += plan.kill(world).await?;
        world.relaunch().await?;
    }
    world.portal.clear_faults();
    stop.store(true, Ordering::Relaxed);
    clicks.await??;
    phones.await??;
    let answered = answered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ensure!(!answered.is_empty(), "no click was taken in");
    let over = |state: &Value| answered.iter().all(|number| list(state, "calls").any(|call| is_over(call, number)));
    world.portal_shows("every click finished", over).await?;
    let state = world.portal.state();
    let mut dialled: BTreeMap<String, usize> = BTreeMap::new();
    for order in world.pbx.actions().iter().filter(|action| action.name() == "Originate") {
        *dialled.entry(order.request.value("Exten").to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = dialled.iter().filter(|(_, count)| **count > 1).collect();
    ensure!(twice.is_empty(), "dialled more than once: {twice:?}");
    for number in &answered {
        let own: Vec<_> = list(&state, "calls").filter(|call| text(&call["phone"]) == *number).collect();
        ensure!(own.len() == 1, "{number} is in the portal {} times: {own:?}", own.len());
        let id = &own[0]["CALL_ID"];
        let finishes = list(&state, "journal").filter(|request| {
            request["method"] == "telephony.externalcall.finish"
                && request["params"]["CALL_ID"] == *id
                && request["answer"]["result"].is_object()
        });
        ensure!(finishes.count() == 1, "{number} was not finished once: {}", own[0]);
    }
    let registered = list(&state, "journal").filter(|request| request["method"] == "telephony.externalcall.register");
    ensure!(registered.count() == 0, "a call that the portal had registered was registered again");
    Ok(format!("{kills} kills, {} clicks taken in, {} numbers dialled, 0 twice", answered.len(), dialled.len()))
}

fn is_over(call: &Value, number: &str) -> bool {
    text(&call["phone"]) == number && call["finished"].is_object()
}

/// Posts one event after the other; a CRM says nothing twice, whether or not it is answered.
async fn click(
    url: String,
    events: Vec<(String, String)>,
    answered: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    for (number, event) in events {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if post_form(&url, &[], &event).await.is_ok_and(|answer| answer.status == 200) {
            answered.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        }
        tokio::time::sleep(Duration::from_millis(PAUSE)).await;
    }
    Ok(())
}

/// Carries out every order, but for some of which nothing comes.
async fn carry_out(pbx: Arc<Server>, stop: Arc<AtomicBool>) -> Result<()> {
    let mut done = 0;
    loop {
        let last = stop.load(Ordering::Relaxed);
        let orders: Vec<Action> = pbx.actions().into_iter().filter(|action| action.name() == "Originate").collect();
        for order in orders.iter().skip(done) {
            if done % IN_VAIN != 1 {
                play(&pbx, order).await?;
            }
            done += 1;
        }
        if last && done == orders.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn play(pbx: &Server, order: &Action) -> Result<()> {
    let of = |name: &str| order.request.value(name).to_owned();
    let variable = of("Variable");
    let crm_call = variable.split_once('=').context("a variable with the CRM's id")?.1;
    let trace = trace("i")?
        .renumbered("1795230659.73", &of("ChannelId"))?
        .renumbered("1795230660.74", &format!("{}7", of("ChannelId")))?
        .renumbered("act-1", &of("ActionID"))?
        .renumbered("crm-4711", crm_call)?
        .renumbered("+494066969303", &of("Exten"))?;
    pbx.play(&trace, Playback { speed: SPEED, fresh_ids: false, ..Playback::default() }).await;
    Ok(())
}
