//! The command line, as admins and programs use it.

use ami_replay::Playback;
use anyhow::{Result, ensure};
use serde_json::Value;
use system_tests::{PATIENCE, Setup, World, trace};

async fn played(names: &[&str], calls: usize) -> Result<World> {
    let world = World::start(Setup::default()).await?;
    for name in names {
        world.play(name, 0.0).await?;
    }
    let done = move |state: &Value| {
        state["calls"].as_array().into_iter().flatten().filter(|call| call["finished"].is_object()).count() == calls
    };
    world.portal_shows("every call finished", done).await?;
    world.until_log("kind=\"write\"").await?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_nothing_wrong_with_a_right_configuration() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    let (out, _) = world.run(&["check"], 0).await?;
    ensure!(
        out.contains("logged in: Asterisk") && out.contains("Bitrix24") && out.contains("201 Alice Anders"),
        "{out}"
    );
    let findings = world.json(&["check"]).await?;
    ensure!(findings.iter().all(|finding| finding["verdict"] != "failed"), "{findings:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_listed_filtered_and_exported() -> Result<()> {
    let world = played(&["a", "d", "e"], 3).await?;
    let count = async |arguments: &[&str]| Ok::<_, anyhow::Error>(world.json(arguments).await?.len());
    ensure!(count(&["calls"]).await? == 3);
    ensure!(count(&["calls", "--outcome", "missed"]).await? == 1);
    ensure!(count(&["calls", "--direction", "outbound"]).await? == 1);
    ensure!(count(&["calls", "--number", "66969202"]).await? == 1);
    ensure!(count(&["calls", "--since", "1h"]).await? == 3);
    ensure!(count(&["calls", "--until", "1h"]).await? == 0);
    ensure!(count(&["calls", "--open"]).await? == 0);
    let (csv, _) = world.run(&["calls", "--csv"], 0).await?;
    ensure!(csv.lines().count() == 4 && csv.starts_with("call,pbx,started,"), "{csv}");
    let (table, _) = world.run(&["calls"], 0).await?;
    ensure!(table.contains("+494066969101") && table.contains("missed") && table.contains("no_answer"), "{table}");
    let (_, err) = world.run(&["calls", "--since", "yesterday"], 2).await?;
    ensure!(err.contains("1h"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_tells_everything_that_happened_to_a_call() -> Result<()> {
    let world = played(&["a"], 1).await?;
    let calls = world.json(&["calls"]).await?;
    let call = calls[0]["call"].as_str().unwrap_or_default();
    let (text, _) = world.run(&["trace", call], 0).await?;
    for part in [
        "+494066969101",
        "DE",
        "ringing",
        "answered",
        "lookup.by-number",
        "contacts.create",
        "journal.begin",
        "journal.write",
        "{portal}/telephony.externalcall.register",
        "200",
        "allowed by https://localhost",
        "done",
    ] {
        ensure!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    let trace = world.json(&["trace", call]).await?;
    ensure!(trace[0]["call"]["ended"]["outcome"] == "answered", "{trace:?}");
    let (_, err) = world.run(&["trace", "no-such-call"], 1).await?;
    ensure!(err.contains("there is no call"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_run_the_commands_say_so() -> Result<()> {
    let world = World::prepare(Setup::default()).await?;
    let (_, err) = world.run(&["calls"], 1).await?;
    ensure!(err.contains("hookswitch run"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_goes_on_is_hung_up_at_its_phone_system() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    let playback = Playback { speed: 4.0, ..Playback::default() };
    let playing = tokio::spawn(world.pbx.cue(&trace("n_ami_hangup")?, playback).play());
    world.until_log("event=\"answered\"").await?;
    world.pbx.hold(true);
    let (_, err) = world.run(&["hang-up", "1795230793.999"], 1).await?;
    ensure!(err.contains("there is no such call"), "{err}");
    let (_, err) = world.run(&["hang-up", "1795230793.118", "--pbx", "branch"], 1).await?;
    ensure!(err.contains("there is no such call"), "{err}");
    ensure!(world.pbx.actions().iter().all(|action| action.name() != "Hangup"), "another call was hung up");

    let (out, _) = world.run(&["hang-up", "1795230793.118"], 0).await?;
    ensure!(out.contains("office ends the call"), "{out}");
    let order = world.pbx.wait_for_action("Hangup", 1, PATIENCE).await?;
    let channel = order.request.value("Channel");
    ensure!(channel.starts_with("PJSIP/trunk-provider-") || channel.starts_with("PJSIP/201-"), "{order:?}");
    // It ends as the recorded one did, which was hung up in the same way.
    world.pbx.hold(false);
    playing.await?;
    let calls = world.work_done().await?;
    ensure!(calls.len() == 1 && calls[0]["outcome"] == "answered", "{calls:?}");
    let (_, err) = world.run(&["hang-up", "office/1795230793.118"], 1).await?;
    ensure!(err.contains("there is no such call"), "{err}");
    Ok(())
}
