//! A person signs in and out.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use fake_oauth::Profile;
use system_tests::{PATIENCE, http::send, provided::Provided};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::setup;

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_who_is_signed_in_and_the_plugin_works_with_the_token_as_long_as_somebody_is() -> Result<()>
{
    let world = Provided::open(Profile::rotating(), setup()).await?;
    let office = &world.office;
    let mut said = Vec::new();
    for (command, words) in [
        (["auth", "status"].as_slice(), "signed-out"),
        (&["status"], "hookswitch auth login crm"),
        (&["check"], "hookswitch auth login crm"),
    ] {
        let text = office.run_to(command, 1).await?;
        ensure!(text.contains(words), "{command:?}: {text}");
        said.push(text);
    }
    let answer = world.post("x").await?;
    ensure!(answer.status == 503 && answer.head.contains("retry-after"), "{answer:?}");

    world.sign_in().await?;
    for (command, words) in [
        (["auth", "status"].as_slice(), "signed-in"),
        (&["status"], "signed in, token until 20"),
        (&["check"], "signed in, token until 20"),
        (&["check"], "the CRM knows us"),
    ] {
        let text = office.run(command).await?;
        ensure!(text.contains(words), "{command:?}: {text}");
        said.push(text);
    }
    let answer = world.post("hello").await?;
    ensure!(answer.status == 200 && answer.body == r#"{"me":"Alice"}"#, "{answer:?}\n{}", office.log());
    ensure!(world.provider.taken("posts") == ["hello"], "{:?}", world.provider.verdict());

    let told = office.run(&["auth", "logout", "crm"]).await?;
    ensure!(told.contains("the CRM has taken the access back"), "{told}");
    ensure!(office.run_to(&["auth", "status"], 1).await?.contains("signed-out"));
    ensure!(world.post("too late").await?.status == 503);
    let verdict = world.provider.verdict();
    ensure!(
        (verdict.exchanges, verdict.revocations, verdict.refreshes, verdict.api_refused) == (1, 1, 0, 0),
        "{verdict:?}"
    );
    ensure!(world.provider.taken("posts").len() == 1, "{verdict:?}");
    said.push(told);
    for text in said {
        ensure!(!world.provider.gave_away(&text), "a token is in {text}");
    }
    world.verdict()
}

/// Behind a reverse proxy that leaves a prefix on, with an app that is registered only now.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_that_is_shown_is_the_one_to_register_to_the_letter() -> Result<()> {
    let mut world = Provided::prepare(Profile::rotating(), setup()).await?;
    let here = world.office.url("");
    let setup = world.office.setup();
    setup.listens = false;
    setup.server.push_str(&format!(
        "\nlisten = \"{}\"\npublic-url = \"https://calls.example.com/phone/\"",
        here.trim_start_matches("http://")
    ));
    world.office.launch().await?;
    let mut command = world.office.command(&["auth", "login", "crm"])?;
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
    let mut told = Vec::new();
    while told.last().is_none_or(|line: &String| !line.contains("waiting for 10 minutes")) {
        told.push(timeout(PATIENCE, lines.next_line()).await??.context("it ends")?);
    }
    let alone = |begin: &str| told.iter().map(|line| line.trim()).find(|line| line.starts_with(begin));
    let url = alone(&world.provider.authorize_url()).context(told.join("\n"))?;
    let redirect_uri = alone("https://calls.example.com/").context(told.join("\n"))?;
    ensure!(redirect_uri == "https://calls.example.com/phone/oauth/crm/oauth", "{redirect_uri}");
    ensure!(world.provider.approve(url).is_err(), "another address is registered");
    world.provider.register(redirect_uri);
    let back = world.provider.approve(url)?;
    let page = send("GET", &back.replace("https://calls.example.com", &here), &[], "").await?;
    ensure!(page.status == 200 && page.body.contains("<h1>Signed in</h1>"), "{page:?}");
    let last = timeout(PATIENCE, lines.next_line()).await??;
    ensure!(last.as_deref() == Some("signed in") && child.wait().await?.success(), "{last:?}");
    // The one of the first try.
    ensure!(world.provider.verdict().complaints.len() == 1, "{:?}", world.provider.verdict());
    Ok(())
}
