//! The program is killed when the portal has carried out a request and has sent no answer. Started again, it must find out
//! that its work is done instead of doing it twice, though the portal's search does not know new records yet. The verdict
//! is the portal's state, and its list of requests: that nothing was doubled is to be no luck.

use std::{sync::Mutex, time::Duration};

use ami_replay::Playback;
use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault, Phase, Then};
use serde_json::{Value, json};
use system_tests::{
    FALLBACK, PATIENCE, Setup, World, trace,
    verdict::{self, cards_shown, finished, list},
};
use tokio::sync::{oneshot, watch};

/// The trace is played at so many times its pace: slow enough for one request after the other.
const SPEED: f64 = 8.0;
/// Longer than any test: the portal's search never gets to know a record that was made in it.
const LAG: Duration = Duration::from_secs(3600);

fn lagging(settings: &str) -> Setup {
    let plugin = format!(
        "{}\ncontacts = {{ create = \"automatic\", on = [\"inbound\"] }}",
        FALLBACK.replace(" }", &format!("{settings} }}"))
    );
    let mut setup = Setup { plugin, ..Setup::default() };
    setup.portal.search_lag = LAG;
    setup
}

/// Plays a call of an unknown caller, kills the program when the portal has carried out the first `method`, starts it
/// again and waits until all is done. Returns the portal's state.
async fn killed_after(world: &mut World, method: &'static str) -> Result<Value> {
    let (spring, sprung) = oneshot::channel();
    let (death, dead) = watch::channel(false);
    let spring = Mutex::new(Some(spring));
    world.portal.watch(move |moment| {
        let here = moment.phase == Phase::CarriedOut && moment.method.eq_ignore_ascii_case(method);
        let spring = here.then(|| spring.lock().ok()?.take()).flatten();
        let mut dead = dead.clone();
        async move {
            let Some(spring) = spring else { return Then::GoOn };
            let _ = spring.send(());
            let _ = dead.wait_for(|dead| *dead).await;
            Then::Cut
        }
    });
    let call = world.pbx.cue(&trace("a")?, Playback { speed: SPEED, ..Playback::default() });
    let playing = tokio::spawn(call.play());
    let sprung = tokio::time::timeout(PATIENCE, sprung).await;
    sprung.with_context(|| format!("there was no {method}; {}", world.account()))??;
    world.pbx.hold(true);
    world.kill().await?;
    world.portal.watch_no_more();
    death.send_replace(true);
    world.relaunch().await?;
    world.pbx.hold(false);
    playing.await?;
    world.portal_shows("the call finished", |state| finished(state) == 1 && cards_shown(state) == 0).await?;
    world.work_done().await?;
    ensure!(world.stop().await? == 0, "{}", world.log());
    let state = world.portal.state();
    let count = verdict::faultless(&state).with_context(|| world.account())?;
    ensure!((count.calls, count.leads) == (1, 1), "{count:?}; {}", world.account());
    Ok(state)
}

/// The requests of a method, in order.
fn requests<'a>(state: &'a Value, method: &'a str) -> Vec<&'a Value> {
    list(state, "journal").filter(|request| request["method"] == method).collect()
}

/// Fails unless `write` was sent once, and the first `look` after it found what is wanted.
fn looked_and_did_not_repeat(state: &Value, write: &str, look: &str, found: impl Fn(&Value) -> bool) -> Result<()> {
    let writes = requests(state, write);
    ensure!(writes.len() == 1, "{write} was sent {} times: {writes:?}", writes.len());
    let mut after = list(state, "journal").skip_while(|request| request["method"] != write);
    let look = after.find(|request| request["method"] == look).with_context(|| format!("no {look} after {write}"))?;
    ensure!(found(look), "the look was in vain: {look}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_made_is_found_by_its_origin() -> Result<()> {
    for (kind, plural) in [("lead", "leads"), ("contact", "contacts")] {
        let mut world = World::start(lagging(&format!(", create-as = \"{kind}\""))).await?;
        let state = killed_after(&mut world, if kind == "lead" { "crm.lead.add" } else { "crm.contact.add" }).await?;
        let record = list(&state, plural).next().context("no record")?;
        let (add, list) = (format!("crm.{kind}.add"), format!("crm.{kind}.list"));
        let found = |look: &Value| {
            let filter = &look["params"]["filter"];
            filter["ORIGINATOR_ID"] == record["ORIGINATOR_ID"]
                && record["ORIGIN_ID"]
                    .as_str()
                    .is_some_and(|origin| !origin.is_empty() && filter["ORIGIN_ID"] == *origin)
                && look["answer"]["result"][0]["ID"] == record["ID"]
        };
        looked_and_did_not_repeat(&state, &add, &list, found).with_context(|| world.account())?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_finished_is_found_in_the_statistics() -> Result<()> {
    let mut world = World::start(lagging("")).await?;
    let state = killed_after(&mut world, "telephony.externalcall.finish").await?;
    let call = &state["calls"][0]["CALL_ID"];
    let found =
        |look: &Value| look["params"]["FILTER"]["CALL_ID"] == *call && look["answer"]["result"][0]["CALL_ID"] == *call;
    looked_and_did_not_repeat(&state, "telephony.externalcall.finish", "voximplant.statistic.get", found)
        .with_context(|| world.account())?;
    // The statistics name the activity, so the text is where it belongs and no comment was needed.
    ensure!(list(&state, "activities").count() == 1, "{}", state["activities"]);
    ensure!(state["activities"][0]["DESCRIPTION"].as_str().is_some_and(|text| !text.is_empty()), "{}", world.account());
    ensure!(state["comments"] == json!([]), "{}", state["comments"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_was_made_is_found_on_the_timeline() -> Result<()> {
    let mut world = World::start(lagging("")).await?;
    // The answer to the finish is lost, and the webhook's user may not see the statistics: nothing names the activity.
    let (code, description) = ("ACCESS_DENIED".to_owned(), "Access denied!".to_owned());
    world
        .portal
        .inject(Fault::on("voximplant.statistic.get", Effect::Refuse { status: 403, code, description }).always());
    world.portal.inject(Fault::on("telephony.externalcall.finish", Effect::CloseAfter).times(1));
    let state = killed_after(&mut world, "crm.timeline.comment.add").await?;
    ensure!(list(&state, "comments").count() == 1, "{}", state["comments"]);
    let comment = &state["comments"][0];
    let found = |look: &Value| {
        look["params"]["filter"]["ENTITY_ID"] == comment["owner"]["id"]
            && list(&look["answer"], "result").any(|listed| listed["COMMENT"] == comment["COMMENT"])
    };
    looked_and_did_not_repeat(&state, "crm.timeline.comment.add", "crm.timeline.comment.list", found)
        .with_context(|| world.account())
}
