//! Admins see how their phone systems are, what they can do, and that one is strangely silent.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{PATIENCE, Setup, World};
use tokio::time::{Instant, sleep};

async fn office(world: &World, code: i32) -> Result<Value> {
    let (out, _) = world.run(&["--json", "pbx", "status", "office"], code).await?;
    let all: Value = serde_json::from_str(&out).with_context(|| out.clone())?;
    Ok(all[0].clone())
}

/// Waits until `office` is in a state; with it the exit code is 1 if something is wrong.
async fn until(world: &World, state: &str) -> Result<Value> {
    let deadline = Instant::now() + PATIENCE;
    let code = i32::from(!matches!(state, "connected" | "waiting"));
    loop {
        if let Ok(office) = office(world, code).await
            && office["state"] == state
        {
            return Ok(office);
        }
        ensure!(Instant::now() < deadline, "the office does not become {state}: {}", world.log());
        sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_tells_what_answers_and_what_works() -> Result<()> {
    let world = World::prepare(Setup::default()).await?;
    let (out, _) = world.run(&["pbx", "test", "office"], 0).await?;
    for part in ["ok", "Asterisk 22.", "FEATURE", "ring-stopped", "transcripts", "no: "] {
        ensure!(out.contains(part), "{part:?} is missing in\n{out}");
    }
    let (out, _) = world.run(&["--json", "pbx", "test", "office"], 0).await?;
    let told: Value = serde_json::from_str(&out)?;
    ensure!(told["error"].is_null() && told["features"]["answered"] == "yes", "{told}");
    world.pbx.refuse_connections().await;
    let (out, _) = world.run(&["pbx", "test", "office"], 1).await?;
    ensure!(out.contains("FAILED") && out.contains("cannot connect"), "{out}");
    let (_, err) = world.run(&["pbx", "test", "offise"], 1).await?;
    ensure!(err.contains("[pbx.offise]"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_is_told_with_its_reason_and_counts_again_when_it_is_back() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    until(&world, "connected").await?;
    world.play("a", 0.0).await?;
    let deadline = Instant::now() + PATIENCE;
    while office(&world, 0).await?["heard"].is_null() {
        ensure!(Instant::now() < deadline, "a call is not heard");
        sleep(std::time::Duration::from_millis(20)).await;
    }
    world.pbx.refuse_connections().await;
    world.pbx.drop_connections();
    let lost = until(&world, "disconnected").await?;
    ensure!(lost["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{lost}");
    let (out, _) = world.run(&["status"], 1).await?;
    ensure!(out.contains("NOT CONNECTED"), "{out}");
    world.pbx.accept_connections().await;
    until(&world, "connected").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_in_working_hours_is_an_alarm_and_ends_with_the_next_call() -> Result<()> {
    let watch = "[pbx.office.watch]\nsilence = \"2s\"\nfrom = \"00:00\"\nto = \"23:59:59\"\n\
                 days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\n";
    let world = World::start(Setup { more: watch.to_owned(), ..Setup::default() }).await?;
    until(&world, "silent").await?;
    ensure!(world.log().contains("says nothing in working hours"), "{}", world.log());
    world.play("a", 0.0).await?;
    world.until_log("event=\"ended\"").await?;
    until(&world, "connected").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_alarmed_outside_of_working_hours() -> Result<()> {
    // A day that is not today in any time zone.
    let off = (jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).weekday().to_monday_zero_offset() + 3) % 7;
    let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][usize::try_from(off)?];
    let watch =
        format!("[pbx.office.watch]\nsilence = \"100ms\"\nfrom = \"00:00\"\nto = \"23:59:59\"\ndays = [\"{day}\"]\n");
    let world = World::start(Setup { more: watch, ..Setup::default() }).await?;
    let before = until(&world, "connected").await?;
    // The watch looks every 50 ms.
    sleep(std::time::Duration::from_secs(1)).await;
    ensure!(office(&world, 0).await? == before && !world.log().contains("working hours"), "{}", world.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_configuration_are_shown_where_they_are() -> Result<()> {
    for (more, parts) in [
        ("[pbx.b]\nkind = \"asterix\"\n", ["there is no kind `asterix`", "did you mean `asterisk`?"]),
        ("[pbx.b]\naddress = \"x\"\n", ["missing field `kind`", "kinds are: asterisk"]),
        (
            "[pbx.office.watch]\nsilence = \"1h\"\nfrom = \"18:00\"\nto = \"09:00\"\n",
            ["end before they begin", "from = "],
        ),
        ("[[pbx.office.route]]\nfrom = \"+49*\"\n", ["neither where a caller goes", "`to`, `name`"]),
        ("[[pbx.office.lime]]\nnumber = \"1\"\n", ["unknown field `lime`", "did you mean `line`?"]),
    ] {
        let world = World::prepare(Setup { more: more.to_owned(), ..Setup::default() }).await?;
        let (_, err) = world.run(&["check", "--offline"], 1).await?;
        for part in parts {
            ensure!(err.contains(part), "{part:?} is missing in\n{err}");
        }
    }
    Ok(())
}
