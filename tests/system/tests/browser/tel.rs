//! An agent sets a browser up, clicks telephone numbers in the CRM, and others try to call in the agent's name.

use anyhow::{Context, Result, ensure};

use crate::{NUMBER, browser::Browser, ordered_once, orders, site::Site, world};

const DOOR: &str =
    "[dial.desk]\nkey = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n[dial.desk.links]\nextensions = [\"201\"]\n";
const CALL: &str = "main form button";

/// A page of the CRM with telephone links.
fn contact() -> String {
    "<!doctype html><title>CRM</title><h1>Contact</h1><a id=\"alice\" href=\"tel:+49 (0)40 669-693-03\">Alice</a> \
     <a id=\"help\" href=\"tel:112\">Help</a>"
        .to_owned()
}

/// A page that posts a genuine form from another origin as soon as it is opened.
fn forger(call: &str, number: &str, ticket: &str) -> String {
    format!(
        "<!doctype html><title>Prize</title><img src=\"{call}?number=tel:{NUMBER}\" alt=\"\">\
         <form id=\"f\" method=\"post\" action=\"{call}\"><input name=\"number\" value=\"{number}\">\
         <input name=\"ticket\" value=\"{ticket}\"></form><script>onload = () => document.getElementById(\"f\").submit()</script>"
    )
}

pub(crate) async fn an_agent_calls_by_a_clicked_link(browser: &Browser) -> Result<()> {
    let (world, base) = world(DOOR).await?;
    let (door, call) = (format!("{base}/tel/desk"), format!("{base}/tel/desk/call"));
    let crm = Site::start(&[("/contact", contact())]).await?;
    let contact = format!("{}/contact", crm.elsewhere());

    // A browser that nobody has set up is told what to do.
    browser.open(&door).await?;
    browser.shows("not set up yet").await?;
    browser.open(&format!("{call}?number=tel%3A%2B4930123")).await?;
    browser.shows("hookswitch dial-link --door desk").await?;

    // An address that was tampered with, then the right one.
    let made = world.json(&["dial-link", "--from", "201"]).await?;
    let url = made[0]["url"].as_str().context("an address")?.to_owned();
    ensure!(url.starts_with(&format!("{door}#201~~")), "{url}");
    browser.open(&url.replace("#201~", "#202~")).await?;
    browser.click("#offer button").await?;
    browser.shows("Whose phone should ring?").await?;
    browser.open(&url).await?;
    browser.shows("ring the phone of extension 201").await?;
    ensure!(browser.url().await? == door, "the token stays in the address: {}", browser.url().await?);
    browser.click("#offer button").await?;
    browser.shows("This browser rings extension 201").await?;
    ensure!(browser.run("return document.cookie").await? == "", "a script can read the cookie");
    browser.accept_handlers().await?;
    browser.click("#register").await?;
    browser.shows("If your browser asks, allow it").await?;

    // A link is clicked in the CRM, and what it says is shown; nothing is dialled by looking.
    browser.open(&contact).await?;
    browser.click("#alice").await?;
    browser.shows(NUMBER).await?;
    browser.shows("extension 201, rings first").await?;
    browser.reload().await?;
    let field = |name: &str| format!("return document.querySelector('input[name={name}]').value");
    let number = browser.run(&field("number")).await?;
    let ticket = browser.run(&field("ticket")).await?;
    let (number, ticket) = (number.as_str().context("a number")?, ticket.as_str().context("a ticket")?);

    // Others hold this very form, which is more than they could know: from another site, and from next door.
    let attacker = Site::start(&[("/prize", forger(&call, number, ticket))]).await?;
    for origin in [attacker.elsewhere(), attacker.next_door()] {
        browser.open(&format!("{origin}/prize")).await?;
        browser.shows("Nothing was dialled").await?;
    }
    ensure!(orders(&world) == 0, "{} orders", orders(&world));

    // Pressed twice at once, loaded again, gone back and pressed again: one call.
    browser.open(&contact).await?;
    browser.click("#alice").await?;
    browser.double_click(CALL).await?;
    browser.shows("Your phone rings").await?;
    ordered_once(&world).await?;
    let progress = browser.url().await?;
    browser.reload().await?;
    browser.shows("Your phone rings").await?;
    browser.back().await?;
    browser.click(CALL).await?;
    browser.shows("Your phone rings").await?;
    ensure!(browser.url().await? == progress, "another call: {}", browser.url().await?);

    // What must not be dialled is refused in words.
    browser.open(&contact).await?;
    browser.click("#help").await?;
    browser.shows("This number may not be called from here").await?;

    // Forgotten, the browser calls no more.
    browser.open(&door).await?;
    browser.click("button.plain").await?;
    browser.shows("not set up yet").await?;
    browser.open(&contact).await?;
    browser.click("#alice").await?;
    browser.shows("Whose phone should ring?").await?;
    ordered_once(&world).await
}
