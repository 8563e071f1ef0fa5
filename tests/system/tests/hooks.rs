//! A CRM posts to the program: what is proven reaches the plugin, without what proved it; nothing else does.

use anyhow::{Result, ensure};
use recording_crm::Reply;
use serde_json::{Value, json};
use system_tests::{
    http::{free_port, post_form, send},
    office::{Office, Setup},
};

const WORD: &str = "hook-word-4711-abc";
const KEY: &str = "signing-key-0815-xyz";

/// An office whose plugin tells its CRM what it was told of a post.
async fn office() -> Result<Office> {
    let mut setup = Setup::new(json!({"commands.receive": [[
        {"send": {"method": "POST", "url": "told", "effect": "once",
                  "body": "<proven>|<field:data[PHONE]>|<field:auth[token]>|<header:x-hook>|<header:x-other>|<body>"}},
        {"reply": {"status": 202, "headers": {"content-type": "application/json", "x-seen": "yes", "set-cookie": "a=b"},
                   "body": "{\"ok\":true}", "actions": ["refresh-users"]}},
    ]]}));
    setup.credentials.push_str(&format!(
        "\ncredentials.word = {{ kind = \"secret\", value = \"{WORD}\" }}\
         \ncredentials.sign = {{ kind = \"signature\", value = \"{KEY}\" }}"
    ));
    setup.listens = true;
    Office::open(setup).await
}

fn told(office: &Office) -> Vec<String> {
    office.crm.requests_to("told").into_iter().map(|request| request.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proven_post_reaches_the_plugin_without_what_proved_it() -> Result<()> {
    let office = office().await?;
    let answer = post_form(
        &office.url("/hook/crm/form"),
        &["x-other: seen"],
        &format!("data%5BPHONE%5D=%2B4930123&auth%5Btoken%5D={WORD}"),
    )
    .await?;
    ensure!(answer.status == 202 && answer.body == "{\"ok\":true}", "{answer:?}");
    ensure!(answer.head.contains("x-seen: yes") && !answer.head.contains("cookie"), "{answer:?}");
    let told = told(&office);
    ensure!(told.len() == 1 && told[0].starts_with("token|+4930123||"), "{told:?}");
    ensure!(told[0].contains("|seen|") && !told[0].contains(WORD), "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_proof_holds_and_nothing_unproven_is_heard() -> Result<()> {
    let office = office().await?;
    let url = |name: &str| office.url(&format!("/hook/crm/{name}"));
    let json = "content-type: application/json";
    let token = format!("x-hook: Token {WORD}");
    let good = json!({"auth": {"token": WORD}, "n": 1}).to_string();
    let proven = [
        send("POST", &url("json"), &[json], &good).await?,
        send("POST", &url("header"), &[json, &token], "{}").await?,
        send("POST", &url(&format!("query?token={WORD}")), &[json], "{}").await?,
        // crm:hook-word-4711-abc
        send("POST", &url("basic"), &[json, "authorization: Basic Y3JtOmhvb2std29yZC00NzExLWFiYw=="], "{}").await?,
        send("POST", &url("near"), &[json], "{}").await?,
    ];
    ensure!(proven.iter().all(|answer| answer.status == 202), "{proven:#?}");
    let heard = told(&office);
    ensure!(heard.len() == proven.len(), "{heard:#?}");
    ensure!(heard.iter().all(|text| !text.contains(WORD)), "{heard:#?}");

    let wrong = json!({"auth": {"token": "hook-word-4711-abd"}}).to_string();
    let unproven = [
        send("POST", &url("json"), &[json], &wrong).await?,
        send("POST", &url("json"), &[json], "{}").await?,
        send("POST", &url("json"), &[json], "not json").await?,
        send("POST", &url("header"), &[json, "x-hook: hook-word-4711-abc"], "{}").await?,
        send("POST", &url("query"), &[json], "{}").await?,
        send("POST", &url("basic"), &[json, "authorization: Basic AAAA"], "{}").await?,
        send("POST", &url("signed"), &[json, "x-signature: sha256=00"], "{}").await?,
        post_form(&url("form"), &[], "auth%5Btoken%5D=").await?,
        post_form(&url("form"), &[], "").await?,
    ];
    ensure!(unproven.iter().all(|answer| answer.status == 403 && answer.body.trim() == "not proven"), "{unproven:#?}");
    let nowhere = [
        send("POST", &url("unknown"), &[json], &good).await?,
        send("POST", &office.url("/hook/other/json"), &[json], &good).await?,
        send("POST", &office.url("/"), &[json], &good).await?,
        send("GET", &office.url("/metrics"), &[], "").await?,
        send("GET", &office.url("/status"), &[], "").await?,
    ];
    ensure!(nowhere.iter().all(|answer| answer.status == 404), "{nowhere:#?}");
    ensure!(send("GET", &url("json"), &[], "").await?.status == 405, "hooks are posted");
    ensure!(told(&office).len() == proven.len(), "{:#?}", told(&office));
    let log = office.log();
    ensure!(!log.contains(WORD) && log.contains("a post is not proven"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_cannot_now_is_asked_again_later_and_one_that_refuses_is_not() -> Result<()> {
    let mut setup = Setup::new(json!({"commands.receive": [[
        {"send": {"url": "state", "on": {"404": [{"fail": {"rejected": "not this one"}}]}}},
    ]]}));
    setup.credentials.push_str(&format!("\ncredentials.word = {{ kind = \"secret\", value = \"{WORD}\" }}"));
    setup.listens = true;
    let office = Office::open(setup).await?;
    let post = async || post_form(&office.url("/hook/crm/form"), &[], &format!("auth%5Btoken%5D={WORD}")).await;
    office.crm.answer_once("state", Reply::new(503, "busy").header("retry-after", "7"));
    let answer = post().await?;
    ensure!(answer.status == 503 && answer.head.contains("retry-after: 7"), "{answer:?}");
    office.crm.answer_once("state", Reply::new(404, "no"));
    ensure!(post().await?.status == 422, "refused");
    ensure!(post().await?.status == 200, "taken in");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_reads_figures_with_the_token_and_nobody_without() -> Result<()> {
    let mut setup = Setup::new(json!({}));
    let port = free_port()?;
    setup
        .server
        .push_str(&format!("\nadmin = {{ listen = \"127.0.0.1:{port}\", token = {{ file = \"admin-token\" }} }}"));
    let office = Office::prepare(setup).await?;
    std::fs::write(office.folder().join("admin-token"), "admin-token-1234567\n")?;
    let mut office = office;
    office.launch().await?;
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    for path in ["/health", "/metrics", "/status", "/other"] {
        ensure!(send("GET", &url(path), &[], "").await?.status == 401, "{path}");
        ensure!(send("GET", &url(path), &["authorization: Bearer admin-token-1234568"], "").await?.status == 401);
    }
    let token = ["authorization: Bearer admin-token-1234567"];
    ensure!(send("GET", &url("/health"), &token, "").await?.status == 200);
    office.call("a").await?;
    office.wait_for_jobs("done", 2).await?;
    let figures = send("GET", &url("/metrics"), &token, "").await?.body;
    for line in [
        "hookswitch_crm{plugin=\"crm\",state=\"well\"} 1",
        "hookswitch_jobs{plugin=\"crm\",state=\"parked\"} 0",
        "hookswitch_jobs_total{plugin=\"crm\",outcome=\"done\"} 2",
    ] {
        ensure!(figures.contains(line), "{line} is not in\n{figures}");
    }
    let events = figures.lines().find(|line| line.starts_with("hookswitch_events_total{pbx=\"office\"}"));
    ensure!(events.is_some_and(|line| !line.ends_with(" 0")), "{figures}");
    let status: Value = serde_json::from_str(&send("GET", &url("/status"), &token, "").await?.body)?;
    ensure!(status["plugins"][0]["crm"] == "well", "{status}");
    ensure!(office.run(&["status"]).await?.contains("well"), "hookswitch status");
    Ok(())
}
