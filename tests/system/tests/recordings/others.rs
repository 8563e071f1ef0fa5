//! The other CRMs: a ticket at Zendesk, and posts to whoever listens.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use fake_receiver::{Post, Receiver};
use fake_zendesk::{Account, Effect, Fault, Options};
use serde_json::Value;
use system_tests::{
    PATIENCE, component,
    helpdesk::people,
    http::send,
    spool::{CALL, recorded},
    verdict::list,
};

use crate::scene::{Scene, Special};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw";

/// An account at Zendesk that knows our people.
pub async fn helpdesk() -> Result<Account> {
    Account::start(Options { seed: people(), ..Options::default() }).await
}

/// TOML of a plugin for it.
pub fn of_helpdesk(account: &Account, folder: &Path) -> Result<String> {
    let Options { subdomain, email, token, .. } = Options::default();
    std::fs::write(folder.join("zendesk.pem"), account.ca_pem())?;
    Ok(format!(
        "[plugin.zendesk]\ncomponent = \"{}\"\nretry = {{ first = \"50ms\", longest = \"400ms\" }}\n\
         limits = {{ rate = {{ per-second = 10000, burst = 10000 }} }}\n\
         allow = {{ http = [\"https://{subdomain}.zendesk.com\"], ca-file = \"{}\" }}\n\
         connection = {{ proxy = \"{}\" }}\nsettings = {{ subdomain = \"{subdomain}\" }}\n\
         credentials.token = {{ kind = \"basic\", user = \"{email}/token\", value = \"{token}\" }}\n",
        component("zendesk.wasm")?.display(),
        folder.join("zendesk.pem").display(),
        account.proxy(),
    ))
}

/// Somebody to whom everything is posted.
pub async fn receiver() -> Result<Receiver> {
    Receiver::start(SECRET).await
}

/// TOML of a plugin for it.
pub fn of_receiver(receiver: &Receiver, folder: &Path, settings: &str) -> Result<String> {
    std::fs::write(folder.join("receiver.pem"), &receiver.authority)?;
    let origin: String = receiver.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    Ok(format!(
        "[plugin.webhook]\ncomponent = \"{}\"\nretry = {{ first = \"50ms\", longest = \"400ms\" }}\n\
         allow = {{ http = [\"{origin}\"], network = [\"127.0.0.0/8\"], ca-file = \"{}\" }}\n\
         credentials.signing = {{ kind = \"signature\", value = \"{SECRET}\" }}\n\
         settings = {{ url = \"{}\", {settings} }}\n",
        component("webhook.wasm")?.display(),
        folder.join("receiver.pem").display(),
        receiver.url,
    ))
}

#[tokio::test]
async fn a_ticket_at_zendesk_has_the_file_once_whatever_answer_is_lost() -> Result<()> {
    for lost in [None, Some("POST uploads"), Some("PUT tickets/#")] {
        let (account, folder) = (helpdesk().await?, tempfile::tempdir()?);
        let more = of_helpdesk(&account, folder.path())?;
        let scene = Scene::open(Special { more: &more, ..Special::default() }).await?;
        if let Some(operation) = lost {
            account.inject(Fault::on(operation, Effect::CloseAfter));
        }
        std::fs::write(scene.file(), recorded()?)?;
        scene.call().await?;
        let attached = |state: &Value| uploads(state).any(|upload| upload["ticket"].is_number());
        let state = account.wait_until(attached, PATIENCE).await;
        state.map_err(|_| anyhow::anyhow!("no file in the ticket:\n{}", scene.world.log()))?;
        // What is tried again after that is seen as well.
        scene.world.work_done().await?;
        let state = account.state();
        let files: Vec<_> = uploads(&state).filter(|upload| upload["ticket"].is_number()).collect();
        ensure!(files.len() == 1, "{lost:?}: {files:?}");
        let comments = list(&state, "tickets").flat_map(|ticket| list(ticket, "comments"));
        let with_file = comments.filter(|comment| list(comment, "attachments").next().is_some()).count();
        ensure!(with_file == 1, "{lost:?}: {with_file} comments with a file: {}", state["tickets"]);
        let file = account.file(files[0]["id"].as_u64().context("id")?).context("no such file")?;
        ensure!(file == recorded()?, "{lost:?}: other bytes");
    }
    Ok(())
}

fn uploads(state: &Value) -> impl Iterator<Item = &Value> {
    list(state, "uploads")
}

/// What is posted of the one recording, with its whole post.
pub async fn posted(receiver: &Receiver, scene: &Scene) -> Result<Post> {
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    let is_recording = |post: &Post| post.body["type"] == "recording";
    let posts = receiver.until(PATIENCE, |posts| posts.iter().any(is_recording)).await;
    posts.with_context(|| scene.world.account())?;
    scene.world.work_done().await?;
    receiver.verdict()?;
    let mut posts: Vec<_> = receiver.taken().into_iter().filter(is_recording).collect();
    ensure!(posts.len() == 1 && posts[0].body.to_string().contains(CALL), "{posts:?}");
    posts.pop().context("a post")
}

#[tokio::test]
async fn a_receiver_of_posts_gets_a_link_that_works_behind_the_end_of_the_call() -> Result<()> {
    let (receiver, folder) = (receiver().await?, tempfile::tempdir()?);
    let more = of_receiver(&receiver, folder.path(), "full-info = true")?;
    let scene = Scene::open(Special { more: &more, ..Special::default() }).await?;
    let post = posted(&receiver, &scene).await?;
    let data = &post.body["data"];
    ensure!(post.file.is_none() && data["ended"]["outcome"] == "answered", "{post:?}");
    let link = data["files"][0]["url"].as_str().context("no link")?;
    let got = send("GET", link, &[], "").await?;
    ensure!(got.status == 200 && got.bytes == recorded()?, "{link}: {}", got.head);
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_wants_files_gets_the_file_and_no_link() -> Result<()> {
    let (receiver, folder) = (receiver().await?, tempfile::tempdir()?);
    let more = of_receiver(&receiver, folder.path(), "recordings = \"files\"")?;
    let scene = Scene::open(Special { more: &more, ..Special::default() }).await?;
    let post = posted(&receiver, &scene).await?;
    let file = post.file.as_ref().context("no file")?;
    ensure!(file.content == recorded()? && file.content_type == "audio/wav", "{}: other bytes", file.name);
    ensure!(file.name.ends_with(".wav") && !post.body.to_string().contains("/recording/"), "{}", post.body);
    Ok(())
}
