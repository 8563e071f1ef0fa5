//! What a CRM refused for good is kept, explained, and done or left as somebody decides.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault};
use serde_json::Value;
use system_tests::{PATIENCE, Setup, World, verdict};
use tokio::time::{Instant, sleep};

/// A world in which the portal has refused the journal entry of each trace in `names`.
async fn refused(names: &[&str]) -> Result<World> {
    let world = World::start(Setup::default()).await?;
    let refusal =
        Effect::Refuse { status: 400, code: "ERROR_CORE".into(), description: "the portal says no, for good".into() };
    world.portal.inject(Fault::on("telephony.externalcall.finish", refusal).always());
    for name in names {
        world.play(name, 0.0).await?;
    }
    let deadline = Instant::now() + PATIENCE;
    while parked(&world).await?.len() < names.len() {
        ensure!(Instant::now() < deadline, "nothing is parked: {}", world.account());
        sleep(Duration::from_millis(20)).await;
    }
    Ok(world)
}

async fn parked(world: &World) -> Result<Vec<String>> {
    let jobs = world.json(&["jobs", "list", "--state", "parked"]).await?;
    Ok(jobs.iter().map(|job| job["job"].to_string()).collect())
}

async fn only_parked(world: &World) -> Result<String> {
    let parked = parked(world).await?;
    ensure!(parked.len() == 1, "{parked:?}");
    parked.into_iter().next().context("one")
}

async fn state_of(world: &World, job: &str) -> Result<String> {
    let shown = world.json(&["jobs", "show", job]).await?;
    Ok(shown[0]["job"]["state"].as_str().context("a state")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_the_portal_refused_is_listed_explained_and_pointed_at() -> Result<()> {
    let world = refused(&["a"]).await?;
    let job = only_parked(&world).await?;
    let (list, err) = world.run(&["jobs", "list"], 0).await?;
    for part in ["parked", "bitrix24", "write", "the portal says no", "bitrix24: 1 parked"] {
        ensure!(list.contains(part), "{part:?} is missing in\n{list}");
    }
    ensure!(err.contains("jobs show"), "{err}");
    let (show, _) = world.run(&["jobs", "show", &job], 0).await?;
    for part in [
        "journal.write",
        "telephony.externalcall.finish",
        "400",
        "the portal says no",
        "+494066969101",
        &format!("hookswitch jobs retry {job}"),
        &format!("hookswitch jobs skip {job}"),
    ] {
        ensure!(show.contains(part), "{part:?} is missing in\n{show}");
    }
    let shown = world.json(&["jobs", "show", &job]).await?;
    let sent = verdict::list(&shown[0]["runs"][0], "requests").find(|request| request["kind"] == "http");
    ensure!(sent.is_some_and(|request| request["status"] == 400), "{shown:?}");
    let call = shown[0]["job"]["call"].as_str().context("a call")?;
    let (trace, _) = world.run(&["trace", call], 0).await?;
    ensure!(trace.contains(&format!("hookswitch jobs show {job}")), "{trace}");
    let (_, err) = world.run(&["calls"], 0).await?;
    ensure!(err.contains("jobs list --state parked"), "{err}");

    let count = async |arguments: &[&str]| Ok::<_, anyhow::Error>(world.json(arguments).await?.len());
    ensure!(count(&["jobs", "list", "--state", "done"]).await? == 2, "contact and begin");
    ensure!(count(&["jobs", "list", "--kind", "write"]).await? == 1);
    ensure!(count(&["jobs", "list", "--kind", "begin"]).await? == 0, "it is done");
    ensure!(count(&["jobs", "list", "--plugin", "bitrix24", "--pbx", "office"]).await? == 1);
    ensure!(count(&["jobs", "list", "--pbx", "branch"]).await? == 0);
    ensure!(count(&["jobs", "list", "--state", "done", "--state", "parked", "--limit", "2"]).await? == 2);
    let (_, err) = world.run(&["jobs", "list", "--plugin", "bitrix"], 0).await?;
    ensure!(err.contains("did you mean `bitrix24`"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_job_is_retried_while_the_service_runs() -> Result<()> {
    let world = refused(&["a"]).await?;
    let job = only_parked(&world).await?;
    world.portal.clear_faults();
    let retried = world.json(&["jobs", "retry", &job]).await?;
    ensure!(
        retried.len() == 1 && retried[0]["job"].as_i64() == job.parse().ok() && retried[0]["state"] == "waiting",
        "{retried:?}"
    );
    let state = world.portal_shows("the call finished", |state| verdict::finished(state) == 1).await?;
    world.work_done().await?;
    verdict::faultless(&state)?;
    ensure!(state_of(&world, &job).await? == "done");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_job_is_retried_while_the_service_is_stopped() -> Result<()> {
    let mut world = refused(&["a"]).await?;
    let job = only_parked(&world).await?;
    world.kill().await?;
    world.portal.clear_faults();
    let (out, _) = world.run(&["jobs", "retry", &job], 0).await?;
    ensure!(out.contains("when the service is started"), "{out}");
    ensure!(state_of(&world, &job).await? == "waiting");
    world.launch().await?;
    let state = world.portal_shows("the call finished", |state| verdict::finished(state) == 1).await?;
    verdict::faultless(&state)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_skipped_is_not_done_and_says_why() -> Result<()> {
    for runs in [true, false] {
        let mut world = refused(&["a"]).await?;
        let job = only_parked(&world).await?;
        if !runs {
            world.kill().await?;
        }
        world.portal.clear_faults();
        world.run(&["jobs", "skip", &job, "--reason", "a test call"], 0).await?;
        let (show, _) = world.run(&["jobs", "show", &job], 0).await?;
        ensure!(show.contains("skipped") && show.contains("a test call"), "{show}");
        let (_, err) = world.run(&["jobs", "retry", &job], 1).await?;
        ensure!(err.contains("skipped"), "{err}");
        ensure!(world.json(&["jobs", "list"]).await?.is_empty());
        let (_, err) = world.run(&["jobs", "list"], 0).await?;
        ensure!(err.contains("all work is done"), "{err}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decided_changes_nothing() -> Result<()> {
    let mut world = refused(&["a"]).await?;
    let job = only_parked(&world).await?;
    let done = world.json(&["jobs", "list", "--state", "done"]).await?[0]["job"].to_string();
    for runs in [true, false] {
        if !runs {
            world.kill().await?;
        }
        let cases: [(&[&str], &str); 5] = [
            (&["jobs", "retry", &job, &done], "is done"),
            (&["jobs", "retry", &job, "4711"], "there is no job 4711"),
            (&["jobs", "skip", &done, &job], "is done"),
            (&["jobs", "skip", "4711", &job], "there is no job 4711"),
            (&["jobs", "show", "4711"], "there is no job 4711"),
        ];
        for (command, hint) in cases {
            let (out, err) = world.run(command, 1).await?;
            ensure!(out.is_empty() && err.contains(hint), "{command:?}: {out}\n{err}");
            ensure!(state_of(&world, &job).await? == "parked", "{command:?}");
        }
    }
    world.run(&["jobs", "retry"], 2).await?;
    world.run(&["jobs", "retry", "all"], 2).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_parked_jobs_are_retried_with_one_command() -> Result<()> {
    for runs in [true, false] {
        let mut world = refused(&["a", "d"]).await?;
        if !runs {
            world.kill().await?;
        }
        world.portal.clear_faults();
        let (out, _) = world.run(&["jobs", "retry-all", "--dry-run"], 0).await?;
        ensure!(out.contains("bitrix24: 2 write would be tried again"), "{out}");
        let (_, err) = world.run(&["jobs", "retry-all", "--kind", "contact"], 0).await?;
        ensure!(err.contains("nothing is parked"), "{err}");
        ensure!(parked(&world).await?.len() == 2, "nothing was changed");
        let counts = world.json(&["jobs", "retry-all", "--plugin", "bitrix24"]).await?;
        ensure!(counts.len() == 1 && counts[0]["jobs"] == 2 && counts[0]["done"] == true, "{counts:?}");
        if !runs {
            world.launch().await?;
        }
        let state = world.portal_shows("both calls finished", |state| verdict::finished(state) == 2).await?;
        world.work_done().await?;
        verdict::faultless(&state)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_plugin_that_is_gone_are_named_and_left_alone() -> Result<()> {
    let mut world = refused(&["a"]).await?;
    let job = only_parked(&world).await?;
    world.kill().await?;
    let config = world.folder().join("hookswitch.toml");
    let text = std::fs::read_to_string(&config)?;
    std::fs::write(&config, text.replace("plugin.bitrix24", "plugin.other"))?;
    let (_, err) = world.run(&["jobs", "retry", &job], 1).await?;
    ensure!(err.contains("`bitrix24`") && err.contains("not in the configuration"), "{err}");
    let (_, err) = world.run(&["jobs", "retry-all"], 0).await?;
    ensure!(err.contains("left alone: 1"), "{err}");
    let (list, _) = world.run(&["jobs", "list"], 0).await?;
    ensure!(list.contains("bitrix24: 1 parked (not in the configuration)"), "{list}");
    ensure!(state_of(&world, &job).await? == "parked");
    world.run(&["jobs", "skip", &job], 0).await?;
    ensure!(state_of(&world, &job).await? == "skipped");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_run_there_is_nothing_to_decide_and_nothing_is_made() -> Result<()> {
    let world = World::prepare(Setup::default()).await?;
    for command in [&["jobs", "list"][..], &["jobs", "show", "1"], &["jobs", "skip", "1"], &["jobs", "retry-all"]] {
        let (_, err) = world.run(command, 1).await?;
        ensure!(err.contains("hookswitch run"), "{command:?}: {err}");
    }
    ensure!(!world.data().exists(), "a command made a journal");
    let errors: Value = serde_json::from_str(&world.run(&["jobs", "list", "--json"], 1).await?.1)?;
    ensure!(errors["error"].is_string(), "{errors}");
    Ok(())
}
