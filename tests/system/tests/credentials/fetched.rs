//! Tokens that the host fetches with the client's own id and secret. The program lives in simulated time.

use std::time::Duration;

use anyhow::{Result, ensure};
use fake_oauth::{By, ClientAuth, Fault, Life, Profile};
use serde_json::json;
use system_tests::{PATIENCE, Time, office::Setup, provided::Provided};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Opens an office whose plugin posts with a token that is fetched; `more` are further lines of the credential.
async fn open(profile: Profile, more: &str) -> Result<Provided> {
    let script = json!({"commands.receive": [[
        {"send": {"method": "POST", "url": "{api}/posts", "credential": "token", "body": "<body>"}},
        {"reply": {"status": 200, "body": "<answer>"}},
    ]]});
    let setup = Setup { time: Time::Simulated, ..Setup::new(script) };
    let mut world = Provided::prepare(profile, setup).await?;
    world.office.setup().plugin.push_str(more);
    world.office.launch().await?;
    Ok(world)
}

/// Has the plugin post; the CRM must take it.
async fn post(world: &Provided) -> Result<()> {
    let answer = world.post("x").await?;
    ensure!(answer.status == 200 && answer.body.contains("Alice"), "{answer:?}\n{}", world.office.log());
    Ok(())
}

/// Waits until so many tokens have been fetched, and are here; more are too many.
async fn fetched(world: &Provided, count: usize) -> Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while world.office.log().matches("token fetched").count() < count && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let verdict = world.provider.verdict();
    ensure!(verdict.for_clients == count, "not {count}: {verdict:?}\n{}", world.office.log());
    world.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_when_it_is_needed_and_renewed_after_25_minutes() -> Result<()> {
    let long = Profile { life: Life::Number(36_000), ..Profile::client_credentials() };
    let mut world = open(long, "").await?;
    ensure!(world.provider.verdict().token_calls == 0, "nobody needs one yet");
    post(&world).await?;
    world.office.skip(24 * MINUTE).await?;
    post(&world).await?;
    fetched(&world, 1).await?;
    world.office.skip(2 * MINUTE).await?;
    post(&world).await?;
    fetched(&world, 2).await?;
    // It is kept over a restart, with its age.
    world.office.kill().await?;
    world.office.launch().await?;
    world.office.skip(20 * MINUTE).await?;
    post(&world).await?;
    fetched(&world, 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_as_the_answer_says_where_that_is_configured() -> Result<()> {
    let profile = Profile {
        life: Life::Text(600),
        by: By::Form,
        client_auth: ClientAuth::Basic,
        ..Profile::client_credentials()
    };
    let mut world = open(profile, "credentials.token.provider.interval = \"expires-in\"\n").await?;
    post(&world).await?;
    world.office.skip(8 * MINUTE).await?;
    post(&world).await?;
    fetched(&world, 1).await?;
    world.office.skip(MINUTE + MINUTE / 4).await?;
    post(&world).await?;
    fetched(&world, 2).await?;
    // One that has run out is not tried at all.
    world.office.skip(HOUR).await?;
    world.provider.end_access();
    post(&world).await?;
    ensure!(world.provider.verdict().api_refused == 0, "{:?}", world.provider.verdict());
    fetched(&world, 3).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_never_renewed_is_used_until_a_text_in_an_answer_refuses_it() -> Result<()> {
    let forever = Profile { life: Life::Untold(1 << 30), ..Profile::client_credentials() };
    let mut world = open(forever, "credentials.token.provider.interval = 0\n").await?;
    for _ in 0..3 {
        post(&world).await?;
        world.office.skip(100 * HOUR).await?;
    }
    fetched(&world, 1).await?;
    world.provider.end_access();
    // Status 200 and INVALID_TOKEN: the plugin never sees it.
    post(&world).await?;
    fetched(&world, 2).await?;
    ensure!(world.provider.verdict().api_refused == 1, "{:?}", world.provider.verdict());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_the_client_holds_the_work_until_it_takes_it() -> Result<()> {
    let mut world = open(Profile::client_credentials(), "").await?;
    world.provider.inject(Fault::Answer(401, r#"{"error":"invalid_client"}"#.to_owned()));
    ensure!(world.post("x").await?.status != 200, "there was no token");
    ensure!(world.office.log().contains("invalid_client"), "{}", world.office.log());
    // It is tried again by itself, and not before some time has passed.
    ensure!(world.post("x").await?.status != 200, "asked again at once");
    ensure!(world.provider.verdict().token_calls == 1, "{:?}", world.provider.verdict());
    world.office.skip(10 * MINUTE).await?;
    post(&world).await?;
    fetched(&world, 1).await
}
