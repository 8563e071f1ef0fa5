//! The habits of the providers of the sheet, as an admin writes them down.

use anyhow::{Result, ensure};
use fake_oauth::{ClientAuth, Profile};
use serde_json::json;
use system_tests::{
    office::{Office, Setup},
    provided::Provided,
};

use crate::setup;

/// A request goes to where the provider says that the API is.
fn below_the_base() -> Setup {
    Setup::new(json!({"commands.receive": [[
        {"send": {"method": "POST", "url": "posts", "credential": "oauth", "body": "<body>"}},
        {"reply": {"status": 200, "body": "<answer>"}},
    ]]}))
}

/// Signs in, works, is refused and renews, works again, signs out.
async fn round(name: &str, profile: Profile) -> Result<()> {
    let setup = if profile.base.is_some() { below_the_base() } else { setup() };
    let world = Provided::open(profile, setup).await?;
    let told = |world: &Provided| format!("{name}: {:?}\n{}", world.provider.verdict(), world.office.log());
    ensure!(world.sign_in().await.inspect_err(|error| println!("{error}")).is_ok(), "{}", told(&world));
    let knows_its_end = !world.status().await?["expires"].is_null();
    ensure!(knows_its_end == (name != "salesforce"), "{}", told(&world));
    ensure!(world.post("first").await?.status == 200, "{}", told(&world));
    world.provider.end_access();
    ensure!(world.post("second").await?.status == 200, "{}", told(&world));
    ensure!(world.provider.taken("posts") == ["first", "second"], "{}", told(&world));
    world.office.run(&["auth", "logout", "crm"]).await?;
    let verdict = world.provider.verdict();
    let found = (verdict.exchanges, verdict.refreshes, verdict.revocations, verdict.token_calls);
    ensure!(found == (1, 1, 1, 2), "{}", told(&world));
    world.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_providers_habits_can_be_written_down() -> Result<()> {
    round("bitrix24", Profile::bitrix24()).await?;
    round("hubspot", Profile::hubspot()).await?;
    round("zoho", Profile::zoho()).await?;
    round("salesforce", Profile::salesforce()).await?;
    round("pipedrive", Profile::pipedrive()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_can_stand_in_the_query_of_the_token_address() -> Result<()> {
    let token_query = [("tenant", "7"), ("api-version", "2.0")].as_slice();
    let by_form = Profile { token_query, ..Profile::rotating() };
    round("a form beside a query", by_form.clone()).await?;
    round("Basic beside a query", Profile { client_auth: ClientAuth::Basic, ..by_form.clone() }).await?;
    round("the client in the query", Profile { client_auth: ClientAuth::Query, ..by_form }).await?;
    round("all in the query", Profile { token_query, ..Profile::bitrix24() }).await
}

/// The plugin asks for its CRM alone. Where the provider is, the admin says, and grants.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_which_only_the_admin_knows_is_reached() -> Result<()> {
    let mut world = Provided::prepare(Profile::rotating(), setup()).await?;
    std::fs::write(world.office.folder().join("address"), world.office.crm.base_url())?;
    world.office.launch().await?;
    world.sign_in().await?;
    world.verdict()
}

/// A portal that names an address that the admin has not granted gets no request, and no token.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_not_granted_gets_no_token() -> Result<()> {
    let mut world = Provided::prepare(Profile::salesforce(), below_the_base()).await?;
    let elsewhere = Office::prepare(setup()).await?;
    world.provider.name_base(&elsewhere.crm.base_url());
    world.office.launch().await?;
    world.sign_in().await?;
    let answer = world.post("x").await?;
    ensure!(answer.status == 422, "{answer:?}\n{}", world.office.log());
    ensure!(elsewhere.crm.requests().is_empty(), "{:?}", elsewhere.crm.requests());
    world.verdict()
}
