//! Asterisk, steered and asked: calls made by the program become one journal entry each, wherever it dies, and the dial
//! plan is told where callers go.

use std::time::Duration;

use ami_replay::{Action, Playback, Server};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    PATIENCE, Setup, World, dial_plan,
    http::{free_port, send},
    office::{self, Office},
    trace, verdict,
};
use tokio::time::timeout;

const DIAL: &str = r#"
[pbx.office.dial]
context = "click2call"
caller-id = '"CRM click to call" <{number}>'
timeout = "15s"
"#;

fn setup(more: &str) -> Setup {
    Setup { more: format!("{DIAL}{more}"), ..Setup::default() }
}

async fn ordered(pbx: &Server, count: usize) -> Result<Action> {
    pbx.wait_for_action("Originate", count, PATIENCE).await
}

/// What became of a recorded order, as what became of this one.
async fn carry_out(pbx: &Server, order: &Action, speed: f64) -> Result<()> {
    let of = |name: &str| order.request.value(name).to_owned();
    let trace = trace("i")?.renumbered("1795230659.73", &of("ChannelId"))?.renumbered("act-1", &of("ActionID"))?;
    pbx.play(&trace, Playback { speed, ..Playback::default() }).await;
    Ok(())
}

fn has_one_entry(state: &Value) -> Result<()> {
    let count = verdict::faultless(state)?;
    ensure!((count.calls, count.finishes) == (1, 1), "{count:?}: {state}");
    let call = verdict::list(state, "calls").next().context("a call")?;
    ensure!(call["finished"]["user"].as_u64() == Some(11), "it is Alice's: {call}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dialled_becomes_one_journal_entry() -> Result<()> {
    let world = World::start(setup("")).await?;
    let dial = ["dial", "+494066969303", "--from", "201"];
    let (dialled, carried) = tokio::join!(world.json(&dial), async {
        let order = ordered(&world.pbx, 1).await?;
        ensure!(order.request.value("Channel") == "PJSIP/201" && order.request.value("Async") == "true", "{order:?}");
        ensure!(order.request.value("CallerID") == "\"CRM click to call\" <+494066969303>", "{order:?}");
        carry_out(&world.pbx, &order, 0.0).await?;
        Ok(order)
    });
    let (dialled, order) = (dialled?, carried?);
    ensure!(dialled[0]["call"] == order.request.value("ChannelId"), "{dialled:?}");
    let state = world.portal_shows("the call finished", |state| verdict::finished(state) == 1).await?;
    has_one_entry(&state)?;
    let calls = world.work_done().await?;
    ensure!(calls.len() == 1 && calls[0]["direction"] == "outbound" && calls[0]["outcome"] == "answered", "{calls:?}");
    let (status, _) = world.run(&["pbx", "status", "office"], 0).await?;
    ensure!(status.contains("201") && status.contains("connected"), "{status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_phone_system_refuses_is_told() -> Result<()> {
    let world = World::start(setup("")).await?;
    for (number, from, told) in [("030", "201&PJSIP/202", "no extension"), ("030", "201\r\nExten: 1", "no extension")] {
        let (_, err) = world.run(&["dial", number, "--from", from], 1).await?;
        ensure!(err.contains(told), "{err}");
    }
    ensure!(world.pbx.actions().iter().all(|action| action.name() != "Originate"), "nothing was sent");
    world.pbx.refuse_connections().await;
    world.pbx.drop_connections();
    world.until_log("connection lost").await?;
    let (_, err) = world.run(&["dial", "030", "--from", "201"], 1).await?;
    ensure!(err.contains("is not connected"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_dies_while_it_dials_and_while_the_call_goes_on_dials_once_and_writes_once() -> Result<()> {
    let mut world = World::start(setup("")).await?;
    world.pbx.silence(true);
    let arguments = ["dial", "+494066969303", "--from", "201"];
    let (told, order) = tokio::join!(timeout(PATIENCE, world.run(&arguments, 1)), async {
        let order = ordered(&world.pbx, 1).await?;
        // The connection goes together with the answer.
        world.pbx.drop_connections();
        anyhow::Ok(order)
    });
    let (order, (_, err)) = (order?, told??);
    ensure!(err.contains("it may do it all the same"), "{err}");
    world.kill().await?;
    world.pbx.silence(false);
    world.launch().await?;
    let pbx = world.pbx.clone();
    let playing = tokio::spawn(async move { carry_out(&pbx, &order, 1.0).await });
    world.portal_shows("the call", |state| verdict::list(state, "calls").count() == 1).await?;
    world.kill().await?;
    world.launch().await?;
    playing.await??;
    let state = world.portal_shows("the call finished", |state| verdict::finished(state) == 1).await?;
    has_one_entry(&state)?;
    ensure!(world.work_done().await?.len() == 1, "{}", world.account());
    let orders = world.pbx.actions().iter().filter(|action| action.name() == "Originate").count();
    ensure!(orders == 1, "{orders} orders");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dial_plan_is_told_where_callers_go_within_its_budget() -> Result<()> {
    let port = free_port()?;
    let more = format!(
        "[pbx.office.routing]\nagi = \"127.0.0.1:{port}\"\nwithin = \"500ms\"\n\
         [[pbx.office.route]]\nfrom = \"+494066969101\"\nto = \"203\"\nname = \"Ann Example\"\n"
    );
    let world = World::start(setup(&more)).await?;
    world.until_log("the dial plan may ask by FastAGI").await?;
    // As the trunk spells it, which is not as the table does.
    let (told, _) = timeout(PATIENCE, dial_plan::ask(port, "04066969101")).await??;
    ensure!(
        told == [
            "SET VARIABLE HOOKSWITCH_TARGET \"203\"",
            "SET VARIABLE HOOKSWITCH_NAME \"Ann Example\"",
            "SET VARIABLE CALLERID(name) \"Ann Example\""
        ],
        "{told:?}"
    );
    let (told, _) = timeout(PATIENCE, dial_plan::ask(port, "+494066969102")).await??;
    ensure!(told == ["SET VARIABLE HOOKSWITCH_TARGET \"\"", "SET VARIABLE HOOKSWITCH_NAME \"\""], "{told:?}");
    // While calls come and go: none takes longer than the budget.
    let mut times = Vec::new();
    let (played, asked) = tokio::join!(world.play("m", 0.0), async {
        for _ in 0..200 {
            times.push(timeout(PATIENCE, dial_plan::ask(port, "+494066969101")).await??.1);
        }
        anyhow::Ok(())
    });
    played?;
    asked?;
    times.sort();
    println!("200 questions: median {:?}, p99 {:?}", times[100], times[198]);
    ensure!(times[199] < Duration::from_secs(2), "{:?}", times[199]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_plan_without_agi_asks_by_http() -> Result<()> {
    let mut setup = office::Setup::new(json!({}));
    setup.listens = true;
    setup.more = "[pbx.office.routing]\nsecret = \"sesame-4711\"\n\
                  [[pbx.office.route]]\nfrom = \"+4940*\"\nto = \"203\"\nname = \"Müller & Söhne\"\n"
        .to_owned();
    let office = Office::open(setup).await?;
    let url = office.url("/pbx/office/route");
    let form = ["content-type: application/x-www-form-urlencoded"];
    let answer = send("POST", &url, &form, "secret=sesame-4711&caller=%2B494066969101&line=%2B493023125400").await?;
    ensure!(answer.status == 200 && answer.body == "target=203&name=M%C3%BCller+%26+S%C3%B6hne", "{answer:?}");
    let answer = send("POST", &url, &form, "secret=sesame&caller=%2B494066969101").await?;
    ensure!(answer.status == 403 && !answer.body.contains("203"), "{answer:?}");
    ensure!(!office.log().contains("sesame-4711"), "{}", office.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_fetched_from_the_folder_that_is_mounted_here_and_from_nowhere_else() -> Result<()> {
    let recordings = "[pbx.office.recordings]\nfolder = \"/var/spool/asterisk/monitor\"\nmounted = \"mounted\"\n";
    let more = format!("{recordings}settle = \"200ms\"\n");
    let world = World::prepare(Setup { more, ..Setup::default() }).await?;
    let (mounted, output) = (world.folder().join("mounted"), world.folder().join("call.wav"));
    let output = output.to_str().context("a path")?;
    let fetch = async |name: &str, code: i32| {
        let (out, err) = world.run(&["pbx", "recording", "office", name, "--output", output, "--json"], code).await?;
        anyhow::Ok(format!("{out}{err}"))
    };
    let said = fetch("2026/in.gsm", 1).await?;
    ensure!(said.contains("recordings.mounted = "), "{said}");
    std::fs::create_dir_all(mounted.join("2026"))?;
    let said = fetch("2026/in.gsm", 1).await?;
    ensure!(said.contains("not yet or not any more"), "{said}");
    std::fs::write(mounted.join("2026/in.gsm"), [0xd5; 5000])?;
    std::os::unix::fs::symlink(world.folder().join("hookswitch.toml"), mounted.join("way-out.gsm"))?;
    let said = fetch("way-out.gsm", 1).await?;
    ensure!(said.contains("leads out of"), "{said}");
    fetch("/var/spool/asterisk/monitor/2026/in.gsm", 0).await?;
    ensure!(std::fs::read(output)? == [0xd5; 5000], "the recording differs");
    Ok(())
}
