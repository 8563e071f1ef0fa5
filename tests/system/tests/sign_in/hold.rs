//! A CRM that takes the access back: its plugin's work waits, everybody is told, and after a new sign-in nothing is missing.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use fake_oauth::Profile;
use system_tests::{
    PATIENCE,
    http::{free_port, send},
    provided::Provided,
};

use crate::{JOBS, setup};

/// A call of each kind that makes no job wait for another one of the same caller.
const CALLS: [&str; 4] = ["a_anonymous", "a", "c", "a_anonymous"];

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_holds_the_queue_says_so_everywhere_and_the_next_one_lets_it_go_on() -> Result<()> {
    let mut world = Provided::prepare(Profile::rotating(), setup()).await?;
    let port = free_port()?;
    world.office.setup().server.push_str(&format!("\nadmin = {{ listen = \"127.0.0.1:{port}\" }}"));
    world.office.launch().await?;
    let figures =
        async || Ok::<_, anyhow::Error>(send("GET", &format!("http://127.0.0.1:{port}/metrics"), &[], "").await?.body);
    world.sign_in().await?;
    world.office.call("a_anonymous").await?;
    world.office.wait_for_jobs("done", JOBS).await?;
    let well = ["hookswitch_signed_in{plugin=\"crm\",credential=\"oauth\"} 1", "state=\"signed-out\"} 0"];
    let text = figures().await?;
    ensure!(well.iter().all(|line| text.contains(line)), "{text}");

    world.provider.end_sign_ins();
    for name in CALLS {
        world.office.call(name).await?;
    }
    let status = world.until("refused").await?;
    ensure!(status["reason"].as_str().is_some_and(|reason| reason.contains("invalid_grant")), "{status}");
    world.office.wait_for_jobs("waiting", JOBS * CALLS.len()).await?;
    ensure!(world.office.jobs("parked").await?.is_empty(), "a job was given up");
    for (command, words) in [
        (["status"].as_slice(), ["hookswitch auth login crm", "invalid_grant"]),
        (&["check"], ["hookswitch auth login crm", "invalid_grant"]),
        (&["auth", "status"], ["refused", "invalid_grant"]),
    ] {
        let text = world.office.run_to(command, 1).await?;
        ensure!(words.iter().all(|words| text.contains(words)), "{command:?}: {text}");
    }
    let text = figures().await?;
    for line in [
        "hookswitch_signed_in{plugin=\"crm\",credential=\"oauth\"} 0",
        "hookswitch_crm{plugin=\"crm\",state=\"signed-out\"} 1",
        "hookswitch_jobs{plugin=\"crm\",state=\"waiting\"} 8",
    ] {
        ensure!(text.contains(line), "{line} is not in\n{text}");
    }
    let log = world.office.log();
    ensure!(log.lines().any(|line| line.contains("ERROR") && line.contains("hookswitch auth login crm")), "{log}");
    // The one request that found out, its repetition of the refresh, and nothing since.
    let verdict = world.provider.verdict();
    ensure!(verdict.refused_refreshes == 1 && verdict.api_refused <= CALLS.len(), "{verdict:?}");

    // It is no matter of this process.
    world.office.kill().await?;
    world.office.launch().await?;
    ensure!(world.status().await?["state"] == "refused");
    ensure!(world.office.jobs("waiting").await?.len() == JOBS * CALLS.len());
    ensure!(world.provider.verdict().token_calls == verdict.token_calls, "{:?}", world.provider.verdict());

    world.sign_in().await?;
    world.office.wait_for_jobs("done", JOBS * (1 + CALLS.len())).await?;
    for what in ["begun", "entries"] {
        let taken = world.provider.taken(what);
        let once: BTreeSet<_> = taken.iter().collect();
        ensure!((taken.len(), once.len()) == (1 + CALLS.len(), 1 + CALLS.len()), "{what}: {taken:?}");
    }
    let text = figures().await?;
    ensure!(well.iter().all(|line| text.contains(line)), "{text}");
    ensure!(world.office.run(&["status"]).await?.contains("signed in"));
    world.verdict()
}

/// Some providers refuse with status 200 and a word of their own (Zoho); that counts as configured.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_in_the_providers_own_words_holds_the_queue_as_well() -> Result<()> {
    let profile = Profile { unknown: (200, "invalid_code"), ..Profile::rotating() };
    let world = Provided::open(profile, setup()).await?;
    world.sign_in().await?;
    world.provider.end_sign_ins();
    world.office.call("a").await?;
    let status = world.until("refused").await?;
    ensure!(status["reason"].as_str().is_some_and(|reason| reason.contains("200 invalid_code")), "{status}");
    world.office.wait_for_jobs("waiting", JOBS).await?;
    world.sign_in().await?;
    world.office.wait_for_jobs("done", JOBS).await?;
    ensure!(world.provider.taken("entries").len() == 1, "{:?}", world.provider.verdict());
    world.verdict()
}

/// Signing out is a hold that the admin wants.
#[tokio::test(flavor = "multi_thread")]
async fn signing_out_holds_the_queue_and_signing_in_again_lets_it_go_on() -> Result<()> {
    let world = Provided::open(Profile::rotating(), setup()).await?;
    world.sign_in().await?;
    world.office.run(&["auth", "logout", "crm"]).await?;
    for name in CALLS {
        world.office.call(name).await?;
    }
    world.office.wait_for_jobs("waiting", JOBS * CALLS.len()).await?;
    let verdict = world.provider.verdict();
    ensure!((verdict.api_good, verdict.api_refused, verdict.token_calls) == (0, 0, 1), "{verdict:?}");
    world.sign_in().await?;
    world.office.wait_for_jobs("done", JOBS * CALLS.len()).await?;
    ensure!(world.provider.taken("entries").len() == CALLS.len(), "{:?}", world.provider.verdict());
    world.verdict()
}

async fn until_status(world: &Provided, words: &str) -> Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE / 2;
    loop {
        let told = String::from_utf8(world.office.command(&["status"])?.output().await?.stdout)?;
        if told.contains(words) {
            return Ok(());
        }
        ensure!(tokio::time::Instant::now() < deadline, "never {words:?}: {told}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// A plugin that cannot be prepared goes on trying; that must not make the host deaf for what becomes of its sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_cannot_be_prepared_is_held_and_let_go_all_the_same() -> Result<()> {
    let mut setup = setup();
    setup.settings =
        setup.settings.replacen("{", "{\\\"plugin.prepare\\\":[[{\\\"fail\\\":{\\\"temporary\\\":1}}]],", 1);
    let world = Provided::open(Profile::rotating(), setup).await?;
    world.sign_in().await?;
    until_status(&world, "well").await?;
    world.office.run(&["auth", "logout", "crm"]).await?;
    until_status(&world, "nobody is signed in").await?;
    world.sign_in().await?;
    world.office.call("a").await?;
    world.office.wait_for_jobs("done", JOBS).await?;
    world.verdict()
}
