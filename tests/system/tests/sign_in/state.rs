//! What comes back from a browser is believed once, in time, and only where it was asked for.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fake_oauth::{Fault, Profile};
use system_tests::{
    Time,
    http::{Answer, send},
    office::Setup,
    provided::{Provided, credential},
};

use crate::setup;

/// What every page of this server must have, whatever it says.
const HEADERS: [&str; 6] = [
    "content-type: text/html; charset=utf-8",
    "content-security-policy: default-src 'none'; style-src 'sha256-",
    "script-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cache-control: no-store",
];

/// What its pages are made of: nothing that runs, loads or leads anywhere.
const TAGS: [&str; 12] =
    ["!doctype", "html", "head", "meta", "title", "style", "body", "main", "h1", "p", "pre", "code"];

/// A page that refuses, for people, and of which nothing can be learned or run.
fn refuses(page: &Answer, why: &str) -> Result<()> {
    ensure!(page.status == 400 && page.body.contains(why), "not {why}: {page:?}");
    ensure!(page.body.contains("<code>hookswitch auth login "), "no cure: {page:?}");
    is_a_page(page)
}

fn is_a_page(page: &Answer) -> Result<()> {
    for header in HEADERS {
        ensure!(page.head.contains(header), "{header} is not in {}", page.head);
    }
    ensure!(!page.head.contains("location:") && !page.head.contains("set-cookie"), "{}", page.head);
    let mut tags = page.body.split('<').skip(1);
    let is_plain =
        |tag: &str| TAGS.iter().any(|plain| tag.strip_prefix(plain).is_some_and(|rest| rest.starts_with(['>', ' '])));
    ensure!(tags.all(|tag| is_plain(tag.trim_start_matches('/'))), "{}", page.body);
    Ok(())
}

async fn get(url: &str) -> Result<Answer> {
    send("GET", url, &[], "").await
}

/// The query of an address.
fn part<'a>(url: &'a str, name: &str) -> Result<&'a str> {
    let query = url.split_once('?').context("a query")?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).with_context(|| url.to_owned())
}

/// Two plugins at one CRM.
async fn two() -> Result<Provided> {
    let mut world = Provided::prepare(Profile::rotating(), setup()).await?;
    let credential = credential(&world.provider);
    let Setup { allow, more, settings, .. } = world.office.setup();
    let origins = allow.join("\", \"");
    *more = format!(
        "[plugin.second]\ncomponent = \"scripted.wasm\"\nsettings = {{ {settings} }}\n\
         allow = {{ http = [\"CRM\", \"{origins}\"], network = [\"127.0.0.0/8\"] }}\n\
         credentials.crm = {{ kind = \"base-url\", file = \"address\" }}\n{credential}"
    );
    world.office.launch().await?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_good_once_for_the_plugin_that_it_was_made_for() -> Result<()> {
    let world = two().await?;
    let login = world.login().await?;
    let back = world.provider.approve(&login.url)?;
    let (code, state) = (part(&back, "code")?, part(&back, "state")?);
    let here = |plugin: &str, query: &str| world.office.url(&format!("/oauth/{plugin}/oauth?{query}"));
    let unknown = "was not begun here, or it has been used";

    // Others know the code, or the state, or send our browser somewhere else.
    let iss = part(&back, "iss")?;
    for query in [
        format!("code={code}&iss={iss}"),
        format!("code={code}&state=&iss={iss}"),
        format!("code={code}&state={}A&iss={iss}", &state[1..]),
        format!("code={code}&state={state}A&iss={iss}"),
        format!("code={code}&state=%3Cscript%3Ealert(1)%3C/script%3E&iss={iss}"),
        format!("error=access_denied&error_description=%3Cimg%20src=x%3E&state=guessed&iss={iss}"),
        String::new(),
    ] {
        refuses(&get(&here("crm", &query)).await?, unknown)?;
    }
    refuses(&get(&here("crm", &format!("code={code}&state={state}&state={state}"))).await?, "cannot be read")?;
    refuses(&get(&back.replace("/oauth/crm/", "/oauth/second/")).await?, unknown)?;
    for path in ["/oauth/crm/key", "/oauth/crm/other", "/oauth/other/oauth", "/oauth/crm"] {
        let page = get(&world.office.url(&format!("{path}?code={code}&state={state}"))).await?;
        ensure!(page.status == 404, "{path}: {page:?}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        ensure!(send(method, &back, &[], "").await?.status == 405, "{method}");
    }
    let verdict = world.provider.verdict();
    ensure!(verdict.token_calls == 0, "somebody else's word reached the provider: {verdict:?}");
    ensure!(world.status().await?["state"] == "signed-out", "{}", world.status().await?);

    // All that has not ended the sign-in of the one who began it.
    let page = get(&back).await?;
    ensure!(page.status == 200 && page.body.contains("Signed in"), "{page:?}");
    is_a_page(&page)?;
    ensure!(!world.provider.gave_away(&page.body) && !page.body.contains(state), "{page:?}");
    ensure!(login.end().await?.0, "the command does not notice");
    refuses(&get(&back).await?, unknown)?;
    ensure!(world.provider.verdict().token_calls == 1, "{:?}", world.provider.verdict());
    ensure!(world.post("x").await?.status == 200, "{}", world.office.log());
    for secret in [code, state] {
        ensure!(!world.office.log().contains(secret), "{secret} is in the log:\n{}", world.office.log());
    }
    world.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_may_take_ten_minutes() -> Result<()> {
    let mut world = Provided::open(Profile::rotating(), Setup { time: Time::Simulated, ..setup() }).await?;
    let (first, second) = (world.login().await?, world.login().await?);
    let backs = [world.provider.approve(&first.url)?, world.provider.approve(&second.url)?];
    world.office.skip(Duration::from_secs(9 * 60 + 50)).await?;
    ensure!(get(&backs[0]).await?.status == 200, "in time");
    ensure!(first.end().await?.0, "in time");
    world.office.skip(Duration::from_secs(15)).await?;
    refuses(&get(&backs[1]).await?, "longer than ten minutes")?;
    let (good, told) = second.end().await?;
    ensure!(!good && told.contains("longer than ten minutes"), "{told}");
    ensure!(world.provider.verdict().exchanges == 1, "{:?}", world.provider.verdict());
    ensure!(world.status().await?["state"] == "signed-in", "the good one stays");
    world.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_instead_of_a_token_is_shown_without_being_believed() -> Result<()> {
    let world = Provided::open(Profile::rotating(), setup()).await?;
    // Somebody clicks on "No".
    let login = world.login().await?;
    let page = get(&world.provider.deny(&login.url)?).await?;
    refuses(&page, "access_denied: \\u{1b}[31mNo!")?;
    let (good, told) = login.end().await?;
    ensure!(!good && told.contains("access_denied") && !told.contains('\u{1b}'), "{told}");

    // A provider, or somebody in its name, that would like to be read as HTML.
    let login = world.login().await?;
    let (state, iss) = (part(&login.url, "state")?, world.provider.origin().replace(':', "%3A").replace('/', "%2F"));
    let evil = "%3Cscript%3Ealert()%3C/script%3E+%26lt%3B%22%27%3Cimg+src%3Dx%3E";
    let query = format!("error={evil}&error_description={evil}&state={state}&iss={iss}");
    let page = get(&format!("{}?{query}", login.redirect_uri)).await?;
    refuses(&page, "&lt;script&gt;")?;
    ensure!(!login.end().await?.0);

    // Another provider's answer, mixed up by an attacker (RFC 9207).
    let login = world.login().await?;
    let back = world.provider.approve(&login.url)?;
    refuses(&get(&back.replace(part(&back, "iss")?, "https%3A%2F%2Fevil.example")).await?, "evil.example")?;
    ensure!(!login.end().await?.0);
    ensure!(world.provider.verdict().token_calls == 0, "{:?}", world.provider.verdict());

    // A good answer, and a provider that is down, or full, just then.
    for (fault, why) in [(Fault::ServerError, "500"), (Fault::TooManyRequests, "429"), (Fault::Page, "no JSON")] {
        let login = world.login().await?;
        world.provider.inject(fault);
        refuses(&get(&world.provider.approve(&login.url)?).await?, why)?;
        let (good, told) = login.end().await?;
        ensure!(!good && told.contains(why), "{told}");
    }
    ensure!(world.status().await?["state"] == "signed-out");
    world.verdict()
}

/// Somebody who has seen a code in a browser's history uses it for a sign-in of his own.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_used_is_refused_by_the_provider_and_nothing_changes_here() -> Result<()> {
    let world = Provided::open(Profile::rotating(), setup()).await?;
    let (first, second) = (world.login().await?, world.login().await?);
    let back = world.provider.approve(&first.url)?;
    ensure!(get(&back).await?.status == 200 && first.end().await?.0);
    let again = back.replace(part(&back, "state")?, part(&second.url, "state")?);
    let page = get(&again).await?;
    refuses(&page, "invalid_grant")?;
    ensure!(!world.provider.gave_away(&page.body), "{page:?}");
    ensure!(!second.end().await?.0);
    let verdict = world.provider.verdict();
    ensure!(
        (verdict.exchanges, verdict.complaints.as_slice()) == (1, &["a code was used twice".to_owned()]),
        "{verdict:?}"
    );
    ensure!(!world.provider.gave_away(&world.office.log()), "{}", world.office.log());
    Ok(())
}
