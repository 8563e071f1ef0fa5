//! Browsers of agents, without a browser: what a door believes, what it never does, and how an admin ends it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    PATIENCE, Setup, World,
    http::{Answer, free_port, post_form, send},
};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NUMBER: &str = "+494066969303";
const OURS: &str = "sec-fetch-site: same-origin";

fn doors(key: &str, links: &str) -> String {
    format!("[pbx.office.dial]\ncontext = \"click2call\"\n[dial.desk]\nkey = \"{key}\"\n[dial.desk.links]\n{links}\n")
}

/// A world, and the address of its door.
async fn world(links: &str) -> Result<(World, String)> {
    let port = free_port()?;
    let server = format!("listen = \"127.0.0.1:{port}\"\npublic-url = \"http://127.0.0.1:{port}/calls\"");
    let world = World::start(Setup { server, more: doors(KEY, links), ..Setup::default() }).await?;
    Ok((world, format!("http://127.0.0.1:{port}/calls/tel/desk")))
}

fn orders(world: &World) -> usize {
    world.pbx.actions().iter().filter(|action| action.name() == "Originate").count()
}

/// The token of a fresh personal address.
async fn address(world: &World, extension: &str) -> Result<String> {
    let made = world.json(&["dial-link", "--from", extension]).await?;
    let url = made[0]["url"].as_str().context("an address")?;
    Ok(url.split_once('#').context("a token")?.1.to_owned())
}

/// The cookie of a browser that was set up.
async fn set_up(world: &World, door: &str, extension: &str) -> Result<String> {
    let token = address(world, extension).await?;
    let answer = post_form(&format!("{door}/browser"), &[OURS], &format!("token={token}")).await?;
    ensure!(answer.status == 303 && answer.head.contains("location: /calls/tel/desk\r\n"), "{answer:?}");
    let line = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("a cookie")?;
    for part in ["path=/calls/tel/desk;", "max-age=31536000", "httponly", "samesite=lax"] {
        ensure!(line.contains(part), "no {part}: {line}");
    }
    Ok(format!("cookie: {}", line.split(';').next().unwrap_or_default()))
}

/// What the page of a number holds: the form as a browser would post it.
async fn form(door: &str, cookie: &str, number: &str) -> Result<String> {
    let page = send("GET", &format!("{door}/call?number=tel:{number}"), &[cookie], "").await?;
    ensure!(page.status == 200, "{page:?}");
    for safe in ["cache-control: no-store", "referrer-policy: no-referrer", "default-src 'none'", "script-src 'none'"] {
        ensure!(page.head.contains(safe), "no {safe}: {page:?}");
    }
    let ticket = page.body.split_once("name=\"ticket\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    Ok(format!("number={number}&ticket={}", ticket.context("a ticket")?.0))
}

async fn post(door: &str, cookie: &str, headers: &[&str], form: &str) -> Result<Answer> {
    post_form(&format!("{door}/call"), &[&[cookie], headers].concat(), form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_button_of_our_own_page_dials_and_once() -> Result<()> {
    let (world, door) = world("extensions = [\"20?\"]\nper-minute = 3").await?;
    let origin = door.split("/calls").next().context("an origin")?.to_owned();
    let cookie = set_up(&world, &door, "201").await?;
    let wish = form(&door, &cookie, "040-66969303").await?;
    let elsewhere = ["sec-fetch-site: same-site", "sec-fetch-site: cross-site", "sec-fetch-site: none", "origin: null"];
    for headers in elsewhere.map(|header| vec![header]).into_iter().chain([
        vec![],
        vec!["origin: https://evil.example"],
        vec!["sec-fetch-site: cross-site", &format!("origin: {origin}")],
    ]) {
        let answer = post(&door, &cookie, &headers, &wish).await?;
        ensure!(answer.status == 403 && answer.body.contains("Nothing was dialled"), "{headers:?}: {answer:?}");
    }
    // Another number than was shown, another browser, no browser, no form.
    let other = set_up(&world, &door, "202").await?;
    for (cookie, wish) in [
        (&cookie, wish.replace("040", "030")),
        (&other, wish.clone()),
        (&"cookie: a=b".to_owned(), wish.clone()),
        (&cookie, format!("{wish}&ticket=1")),
        (&cookie, String::new()),
    ] {
        let answer = post(&door, cookie, &[OURS], &wish).await?;
        ensure!(answer.status == 403, "{wish}: {answer:?}");
    }
    ensure!(orders(&world) == 0, "{} orders", orders(&world));
    // All at once: one call, and all are shown the same one.
    let own = format!("origin: {origin}");
    let own = [own.as_str()];
    let (one, two, three) = tokio::join!(
        post(&door, &cookie, &[OURS], &wish),
        post(&door, &cookie, &[OURS], &wish),
        post(&door, &cookie, &own, &wish)
    );
    let (one, two, three) = (one?, two?, three?);
    ensure!([&one, &two, &three].iter().all(|answer| answer.status == 303), "{one:?} {two:?} {three:?}");
    let call = one.head.lines().find_map(|line| line.strip_prefix("location: ")).context("a location")?.to_owned();
    ensure!(call.starts_with("/calls/tel/desk/call/") && three.head.contains(&call), "{one:?} {three:?}");
    let order = world.pbx.wait_for_action("Originate", 1, PATIENCE).await?;
    ensure!(order.request.value("Exten") == NUMBER && order.request.value("Channel") == "PJSIP/201", "{order:?}");
    let page = send("GET", &format!("{origin}{call}"), &[&cookie], "").await?;
    ensure!(page.status == 200 && page.body.contains("phone"), "{page:?}");
    ensure!(send("GET", &format!("{origin}{call}"), &[], "").await?.status == 403, "whoever knows the id reads it");
    // The same after a restart; and then others, until there are too many.
    let mut world = world;
    world.kill().await?;
    world.launch().await?;
    ensure!(post(&door, &cookie, &[OURS], &wish).await?.status == 303);
    let mut refused = 0;
    for _ in 0..4 {
        let wish = form(&door, &other, "040-66969304").await?;
        refused += usize::from(post(&door, &other, &[OURS], &wish).await?.status == 429);
    }
    ensure!(refused == 1, "{refused} of 4 refused");
    world.pbx.wait_for_action("Originate", 4, PATIENCE).await?;
    ensure!(orders(&world) == 4, "{} orders", orders(&world));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_ends_one_browser_by_the_list_and_all_by_another_key() -> Result<()> {
    let (world, door) = world("extensions = [\"201\", \"202\"]").await?;
    let (alice, bernd) = (set_up(&world, &door, "201").await?, set_up(&world, &door, "202").await?);
    let old = address(&world, "202").await?;
    let shows = async |cookie: &str, text: &str| {
        let page = send("GET", &format!("{door}/call?number=tel:{NUMBER}"), &[cookie], "").await?;
        ensure!(page.body.contains(text), "no {text:?}: {page:?}");
        Ok(())
    };
    shows(&bernd, "Call this number?").await?;
    world.configure(&Setup::default().plugin, &doors(KEY, "extensions = [\"201\"]"))?;
    world.run(&["reload"], 0).await?;
    shows(&bernd, "Extension 202 may not call from here").await?;
    shows(&alice, "Call this number?").await?;
    let late = post_form(&format!("{door}/browser"), &[OURS], &format!("token={old}")).await?;
    ensure!(late.status == 403 && !late.head.contains("set-cookie"), "{late:?}");
    world.configure(&Setup::default().plugin, &doors(&KEY.replace("MfKQ", "AAAA"), "extensions = [\"201\"]"))?;
    world.run(&["reload"], 0).await?;
    shows(&alice, "Whose phone should ring?").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_made_only_where_the_configuration_says_so() -> Result<()> {
    let port = free_port()?;
    let server = format!("listen = \"127.0.0.1:{port}\"\npublic-url = \"http://127.0.0.1:{port}\"");
    let mut more = doors(KEY, "extensions = [\"2??\"]");
    more += "[dial.app]\nkey = \"k\"\n[dial.home]\nkey = { env = \"NO_SUCH_KEY\" }\npbx = [\"office\", \"branch-2\"]\n\
             links = { extensions = [\"3*\"] }\n";
    let world = World::prepare(Setup { server, more, branches: 1, ..Setup::default() }).await?;
    for (arguments, told) in [
        (vec!["--from", "201"], "name one with --door: desk, home"),
        (vec!["--door", "app", "--from", "201"], "there is no [dial.app.links]"),
        (vec!["--door", "desk", "--from", "301"], "is not for extension 301"),
        (vec!["--door", "desk", "--from", "201", "--pbx", "attic"], "makes no calls at attic"),
        (vec!["--door", "desk", "--from", "2~1"], "cannot be in an address"),
        (vec!["--door", "desk", "--from", "201", "--valid-for", "0s"], "--valid-for"),
        (vec!["--door", "home", "--from", "301"], "has several phone systems"),
        (vec!["--door", "home", "--from", "301", "--pbx", "office"], "NO_SUCH_KEY"),
    ] {
        let (_, err) = world.run(&[&["dial-link"], arguments.as_slice()].concat(), 1).await?;
        ensure!(err.contains(told), "{arguments:?}: {err}");
    }
    let made = world.json(&["dial-link", "--door", "desk", "--from", "201", "--pbx", "branch-2"]).await?;
    let made: &Value = made.first().context("an address")?;
    ensure!(made["extension"] == "201" && made["pbx"] == "branch-2", "{made}");
    ensure!(made["url"].as_str().is_some_and(|url| url.contains("/tel/desk#201~branch-2~")), "{made}");
    Ok(())
}
