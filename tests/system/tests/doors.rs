//! Who else has calls made: programs that sign what they say, and visitors of a web site.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    PATIENCE, Setup, World,
    http::{Answer, free_port, send, send_signed},
};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SITE: &str = "https://www.example.com";
const NUMBER: &str = "+494066969303";

async fn world(more: &str) -> Result<(World, String)> {
    let port = free_port()?;
    let more = format!(
        "[pbx.office.dial]\ncontext = \"click2call\"\n[dial.app]\nkey = \"{KEY}\"\nplugin = \"bitrix24\"\n{more}\n"
    );
    let server = format!("listen = \"127.0.0.1:{port}\"\npublic-url = \"http://127.0.0.1:{port}\"");
    let world = World::start(Setup { server, more, ..Setup::default() }).await?;
    Ok((world, format!("http://127.0.0.1:{port}")))
}

async fn signed(method: &str, url: &str, id: &str, body: &str) -> Result<Answer> {
    send_signed(method, url, KEY, id, body).await
}

fn orders(world: &World) -> usize {
    world.pbx.actions().iter().filter(|action| action.name() == "Originate").count()
}

fn read(answer: &Answer) -> Result<Value> {
    serde_json::from_str(&answer.body).with_context(|| format!("{answer:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_has_calls_made_and_asks_how_they_stand() -> Result<()> {
    let (world, base) = world("").await?;
    let url = format!("{base}/dial/app");
    let wish = json!({ "number": "040 66969303", "user": "11", "id": "order-7" }).to_string();
    ensure!(send("POST", &url, &["content-type: application/json"], &wish).await?.status == 403, "unsigned");
    for (at, repeated) in [("m-1", false), ("m-2", true)] {
        let answer = signed("POST", &url, at, &wish).await?;
        ensure!(answer.status == 202 && read(&answer)?["repeated"] == repeated, "{answer:?}");
    }
    let replayed = signed("POST", &url, "m-2", &wish).await?;
    ensure!(replayed.status == 403, "{replayed:?}");
    let order = world.pbx.wait_for_action("Originate", 1, PATIENCE).await?;
    ensure!(order.request.value("Exten") == NUMBER && order.request.value("Channel") == "PJSIP/201", "{order:?}");
    let standing = read(&signed("GET", &format!("{url}/order-7"), "m-3", "").await?)?;
    let state = standing["standing"]["state"].as_str().unwrap_or_default();
    ensure!(["given", "dialling", "in-doubt", "became"].contains(&state), "{standing}");
    for (id, wish, status, error) in [
        ("r-1", json!({ "number": "112", "extension": "201" }), 422, "barred"),
        ("r-2", json!({ "number": "+493012345", "user": "7" }), 422, "nobody"),
        ("r-3", json!({ "number": "+493012345" }), 400, "bad-request"),
        ("r-4", json!({ "number": "+493012345", "extension": "201", "pbx": "home" }), 422, "no-phone-system"),
        ("r-5", json!({ "nummer": "+493012345" }), 400, "bad-request"),
    ] {
        let answer = signed("POST", &url, id, &wish.to_string()).await?;
        ensure!(answer.status == status && read(&answer)?["error"] == error, "{wish}: {answer:?}");
    }
    let unknown = signed("GET", &format!("{url}/order-8"), "m-4", "").await?;
    ensure!(unknown.status == 404, "{unknown:?}");
    ensure!(orders(&world) == 1, "{} orders", orders(&world));
    Ok(())
}

/// A visitor's page.
async fn page(method: &str, url: &str, origin: &str, body: &str) -> Result<Answer> {
    send(method, url, &["content-type: application/json", &format!("origin: {origin}")], body).await
}

async fn leave(url: &str, number: &str) -> Result<Answer> {
    let ticket = read(&page("GET", url, SITE, "").await?)?["ticket"].clone();
    // People need longer to type a number.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    page("POST", url, SITE, &json!({ "number": number, "ticket": ticket }).to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_is_called_once_and_programs_are_not() -> Result<()> {
    let (world, base) = world(
        "[callback.site]\norigins = [\"https://www.example.com\"]\nfrom = \"201\"\ncountries = [\"DE\"]\n\
         limits = { per-address = 2 }",
    )
    .await?;
    let url = format!("{base}/callback/site");
    let snippet = send("GET", &format!("{url}/snippet.js"), &[], "").await?;
    ensure!(
        snippet.status == 200 && snippet.body.contains(&url) && !snippet.body.contains("__SETTINGS__"),
        "{snippet:?}"
    );
    let foreign = page("GET", &url, "https://evil.example", "").await?;
    ensure!(foreign.status == 403 && !foreign.head.contains("access-control"), "{foreign:?}");
    let asked = page("OPTIONS", &url, SITE, "").await?;
    ensure!(
        asked.status == 204 && asked.head.contains("access-control-allow-origin: https://www.example.com"),
        "{asked:?}"
    );
    let opening = read(&page("GET", &url, SITE, "").await?)?;
    ensure!(opening["open"] == true, "{opening}");
    // At once, with a ticket of nobody's, and with what only programs fill in.
    let hasty = json!({ "number": NUMBER, "ticket": opening["ticket"] }).to_string();
    ensure!(page("POST", &url, SITE, &hasty).await?.status == 403, "hasty");
    let forged = json!({ "number": NUMBER, "ticket": "1795320913000.0000000000000000.00" }).to_string();
    ensure!(page("POST", &url, SITE, &forged).await?.status == 403, "forged");
    ensure!(leave(&url, "+442079460018").await?.status == 422, "another country");
    ensure!(leave(&url, "112").await?.status == 422, "help");
    let taken = leave(&url, "040 66969303").await?;
    ensure!(taken.status == 202, "{taken:?}");
    let id = read(&taken)?["id"].as_str().context("an id")?.to_owned();
    let order = world.pbx.wait_for_action("Originate", 1, PATIENCE).await?;
    ensure!(order.request.value("Exten") == NUMBER && order.request.value("Channel") == "PJSIP/201", "{order:?}");
    let state = read(&page("GET", &format!("{url}/{id}"), SITE, "").await?)?;
    ensure!(state["state"] == "calling", "{state}");
    ensure!(page("GET", &format!("{url}/{}", "0".repeat(32)), SITE, "").await?.status == 404, "a guess");
    let again = leave(&url, NUMBER).await?;
    ensure!(again.status == 409 && read(&again)?["error"] == "already", "{again:?}");
    ensure!(leave(&url, "+494066969304").await?.status == 202, "another visitor");
    let third = leave(&url, "+494066969305").await?;
    ensure!(third.status == 429 && third.head.contains("retry-after"), "{third:?}");
    ensure!(orders(&world) <= 2, "{} orders", orders(&world));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_when_it_is_closed() -> Result<()> {
    // A minute of a day that is never this one: the day after tomorrow.
    let day = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::get("Europe/Berlin")?);
    let day = day.checked_add(jiff::Span::new().days(2))?.strftime("%a").to_string().to_lowercase();
    let (world, base) = world(&format!(
        "[callback.site]\norigins = [\"{SITE}\"]\nfrom = \"201\"\ncountries = [\"DE\"]\n\
         hours = [{{ days = [\"{day}\"], from = \"09:00\", to = \"09:01\" }}]"
    ))
    .await?;
    let url = format!("{base}/callback/site");
    let opening = read(&page("GET", &url, SITE, "").await?)?;
    ensure!(opening["open"] == false && opening["opens"].as_str().is_some_and(|at| at.contains("T09:00")), "{opening}");
    ensure!(leave(&url, NUMBER).await?.status == 409);
    ensure!(orders(&world) == 0);
    Ok(())
}
