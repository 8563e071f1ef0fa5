//! Links: for a CRM that fetches a recording, and for its player that seeks.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fake_bitrix24::Options;
use system_tests::{Setup, Time, http::send, spool::recorded, users};

use crate::{
    others,
    scene::{Scene, Special},
};

/// The path and the rest of a link.
fn answer_of(scene: &Scene, link: &str) -> Result<String> {
    ensure!(link.starts_with(&format!("http://127.0.0.1:{}/recording/", scene.port)), "{link}");
    Ok(link.trim().to_owned())
}

async fn with_recording(time: Time) -> Result<(Scene, String)> {
    let scene = Scene::open_with(Special::default(), Setup { time, ..Setup::default() }).await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    let id = scene.stands("ready").await?["id"].to_string();
    Ok((scene, id))
}

async fn link(scene: &Scene, id: &str, more: &[&str]) -> Result<String> {
    let arguments = [&["recordings", "link", id], more].concat();
    answer_of(scene, &scene.world.run(&arguments, 0).await?.0)
}

#[tokio::test]
async fn a_link_gives_the_whole_or_a_part_to_whoever_has_it() -> Result<()> {
    let (scene, id) = with_recording(Time::Real).await?;
    let whole = recorded()?;
    let url = link(&scene, &id, &[]).await?;
    let got = send("GET", &url, &[], "").await?;
    ensure!(got.status == 200 && got.bytes == whole, "{}", got.head);
    for wanted in ["content-type: audio/wav", "accept-ranges: bytes", "x-content-type-options: nosniff", ".wav\""] {
        ensure!(got.head.contains(wanted), "{wanted} is not in {}", got.head);
    }
    let tag = got.head.lines().find_map(|line| line.strip_prefix("etag: ").map(str::to_owned));
    let tag = tag.context("no etag")?;
    let part = send("GET", &url, &["range: bytes=44-143"], "").await?;
    ensure!(part.status == 206 && part.bytes == whole[44..144], "{}", part.head);
    let length = whole.len();
    ensure!(part.head.contains(&format!("content-range: bytes 44-143/{length}")), "{}", part.head);
    let tail = send("GET", &url, &["range: bytes=-10"], "").await?;
    ensure!(tail.status == 206 && tail.bytes == whole[length - 10..], "{}", tail.head);
    ensure!(send("GET", &url, &["range: bytes=9999999-"], "").await?.status == 416);
    ensure!(send("GET", &url, &[&format!("if-none-match: {tag}")], "").await?.status == 304);
    let head = send("HEAD", &url, &[], "").await?;
    ensure!(head.status == 200 && head.body.is_empty(), "{}", head.head);
    ensure!(head.head.contains(&format!("content-length: {length}")), "{}", head.head);
    ensure!(send("POST", &url, &[], "").await?.status == 405);
    let accesses = scene.world.json(&["recordings", "list", &id]).await?;
    let statuses: Vec<_> =
        accesses[0]["accesses"].as_array().context("accesses")?.iter().map(|one| &one["status"]).collect();
    ensure!(statuses == [200, 206, 206, 416, 304, 200], "{statuses:?}");
    Ok(())
}

#[tokio::test]
async fn a_link_reveals_no_other_and_ends() -> Result<()> {
    let (mut scene, id) = with_recording(Time::Simulated).await?;
    let url = link(&scene, &id, &["--for", "1d"]).await?;
    let token = url.split('/').nth(4).context("token")?;
    for other in ["2", "1", "17"].into_iter().filter(|other| *other != id) {
        let changed = url.replace(&format!("/{id}-"), &format!("/{other}-"));
        ensure!(send("GET", &changed, &[], "").await?.status == 404, "{changed}");
    }
    ensure!(send("GET", &url.replace(token, &token[..token.len() - 1]), &[], "").await?.status == 404);
    let once = link(&scene, &id, &["--once"]).await?;
    ensure!(once != url && send("HEAD", &once, &[], "").await?.status == 200);
    // A file that is lost uses no link up.
    let (file, lost) = (scene.archive().remove(0), scene.world.folder().join("lost"));
    std::fs::rename(&file, &lost)?;
    ensure!(send("GET", &once, &[], "").await?.status == 410);
    std::fs::rename(&lost, &file)?;
    ensure!(send("GET", &once, &[], "").await?.status == 200);
    ensure!(send("GET", &once, &[], "").await?.status == 410, "it worked twice");
    let short = link(&scene, &id, &["--for", "1h"]).await?;
    scene.world.pass(Duration::from_secs(3600), Duration::from_secs(600)).await?;
    ensure!(send("GET", &short, &[], "").await?.status == 410 && send("GET", &url, &[], "").await?.status == 200);
    scene.world.run(&["recordings", "erase", &id], 0).await?;
    ensure!(send("GET", &url, &[], "").await?.status == 410);
    Ok(())
}

#[tokio::test]
async fn a_portal_may_get_a_link_and_fetch_it() -> Result<()> {
    let options = Options { seed: users(), bucket: None, downloads: Some(String::new()), ..Options::default() };
    let setup = Setup { portal: options, ..Setup::default() };
    let special = Special { plugin: "recordings = { deliver = \"link\", link-for = \"1h\" }", ..Special::default() };
    let scene = Scene::open_with(special, setup).await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    let call = scene.attached(1).await?;
    ensure!(scene.uploaded(&call["records"][0])? == recorded()?, "{call}");
    let known = scene.stands("ready").await?;
    ensure!(known["accesses"].as_array().is_some_and(|accesses| accesses.len() == 1), "{known}");
    Ok(())
}

#[tokio::test]
async fn a_plugin_is_told_of_recordings_of_its_own_calls_alone() -> Result<()> {
    // The portal wants no calls of extension 201, and so no recording of one, whatever it asks for.
    let (receiver, folder) = (others::receiver().await?, tempfile::tempdir()?);
    let more = others::of_receiver(&receiver, folder.path(), "")?;
    let plugin = "calls = { extensions = [\"203\"] }";
    let scene = Scene::open(Special { plugin, more: &more, ..Special::default() }).await?;
    // Somebody else wants it: then both have been told of it, or not.
    others::posted(&receiver, &scene).await?;
    ensure!(crate::scene::records(&scene.world.portal.state()).count() == 0, "{}", scene.world.account());
    Ok(())
}
