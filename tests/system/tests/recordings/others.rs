//! The other CRMs: a ticket at Zendesk, and posts to whoever listens.

use anyhow::{Context, Result, ensure};
use fake_receiver::Receiver;
use fake_zendesk::{Account, Effect, Fault, Options};
use serde_json::Value;
use system_tests::{PATIENCE, component, helpdesk::people, http::send};

use crate::scene::{CALL, Scene, Special, recorded};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw";

#[tokio::test]
async fn a_ticket_at_zendesk_has_the_file_once_whatever_answer_is_lost() -> Result<()> {
    for lost in [None, Some("POST uploads"), Some("PUT tickets/#")] {
        let options = Options { seed: people(), ..Options::default() };
        let (subdomain, email, token) = (options.subdomain.clone(), options.email.clone(), options.token.clone());
        let account = Account::start(options).await?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("ca.pem"), account.ca_pem())?;
        let more = format!(
            "[plugin.zendesk]\ncomponent = \"{}\"\nretry = {{ first = \"50ms\", longest = \"400ms\" }}\n\
             limits = {{ rate = {{ per-second = 10000, burst = 10000 }} }}\n\
             allow = {{ http = [\"https://{subdomain}.zendesk.com\"], ca-file = \"{}\" }}\n\
             connection = {{ proxy = \"{}\" }}\nsettings = {{ subdomain = \"{subdomain}\" }}\n\
             credentials.token = {{ kind = \"basic\", user = \"{email}/token\", value = \"{token}\" }}\n",
            component("zendesk.wasm")?.display(),
            folder.path().join("ca.pem").display(),
            account.proxy(),
        );
        let scene = Scene::open(Special { more: &more, ..Special::default() }).await?;
        if let Some(operation) = lost {
            account.inject(Fault::on(operation, Effect::CloseAfter));
        }
        std::fs::write(scene.file(), recorded()?)?;
        scene.call().await?;
        let attached = |state: &Value| uploads(state).any(|upload| upload["ticket"].is_number());
        let state = account.wait_until(attached, PATIENCE).await;
        let state = state.map_err(|_| anyhow::anyhow!("no file in the ticket:\n{}", scene.world.log()))?;
        scene.world.work_done().await?;
        let files: Vec<_> = uploads(&state).filter(|upload| upload["ticket"].is_number()).collect();
        ensure!(files.len() == 1, "{lost:?}: {files:?}");
        let file = account.file(files[0]["id"].as_u64().context("id")?).context("no such file")?;
        ensure!(file == recorded()?, "{lost:?}: other bytes");
    }
    Ok(())
}

fn uploads(state: &Value) -> impl Iterator<Item = &Value> {
    state["uploads"].as_array().into_iter().flatten()
}

#[tokio::test]
async fn a_receiver_of_posts_gets_a_link_that_works_behind_the_end_of_the_call() -> Result<()> {
    let receiver = Receiver::start(SECRET).await?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("ca.pem"), &receiver.authority)?;
    let origin: String = receiver.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let more = format!(
        "[plugin.webhook]\ncomponent = \"{}\"\nretry = {{ first = \"50ms\", longest = \"400ms\" }}\n\
         allow = {{ http = [\"{origin}\"], network = [\"127.0.0.0/8\"], ca-file = \"{}\" }}\n\
         credentials.signing = {{ kind = \"signature\", value = \"{SECRET}\" }}\n\
         settings = {{ url = \"{}\", full-info = true }}\n",
        component("webhook.wasm")?.display(),
        folder.path().join("ca.pem").display(),
        receiver.url,
    );
    let scene = Scene::open(Special { more: &more, ..Special::default() }).await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    let is_recording = |body: &Value| body["type"] == "recording";
    let posts = receiver.until(PATIENCE, |posts| posts.iter().any(|post| is_recording(&post.body))).await;
    let posts = posts.with_context(|| scene.world.account())?;
    receiver.verdict()?;
    let recordings: Vec<_> = posts.iter().filter(|post| is_recording(&post.body)).collect();
    ensure!(recordings.len() == 1, "{recordings:?}");
    let body = &recordings[0].body;
    let text = body.to_string();
    let start = text.find("http://127.0.0.1:").with_context(|| format!("no link in {text}"))?;
    let link: String = text[start..].chars().take_while(|char| *char != '"').collect();
    let got = send("GET", &link, &[], "").await?;
    ensure!(got.status == 200 && got.bytes == recorded()?, "{link}: {}", got.head);
    ensure!(text.contains(CALL), "{text}");
    Ok(())
}
