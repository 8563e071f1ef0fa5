//! A phone system that gives nothing out and says nothing of it, beside one that is well.

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use system_tests::{Setup, http::send, spool::recorded};
use tokio::net::TcpListener;

use crate::scene::{Scene, Special};

/// Files that the silent one has: as many as one message tells of, and as are looked at at once.
const FILES: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_system_that_hangs_holds_up_no_other() -> Result<()> {
    // Whoever connects is never answered.
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", silent.local_addr()?);
    let more = format!(
        "[pbx.hooks]\nkind = \"webhook\"\nproof = [{{ kind = \"basic\", user = \"pbx\", secret = \"word\" }}]\n\
         secrets.word = \"open-sesame-0815\"\nrecordings = {{ from = [\"{origin}\"] }}\n"
    );
    let special = Special { recordings: "fetches = 1", more: &more, ..Special::default() };
    let scene = Scene::open_with(special, Setup::default()).await?;
    let word = format!("authorization: Basic {}", STANDARD.encode("pbx:open-sesame-0815"));
    let url = format!("http://127.0.0.1:{}/pbx/hooks", scene.port);
    let files: Vec<_> = (0..FILES).map(|file| json!({ "url": format!("{origin}/{file}.mp3") })).collect();
    let told = [
        ("call.new", json!({ "direction": "inbound", "external": { "number": "+4930901820" } })),
        ("call.answered", json!({ "ext": "201" })),
        ("call.ended", json!({ "reason": "normal", "side": "external" })),
        ("recording.available", json!({ "files": files })),
    ];
    for (at, (kind, data)) in told.into_iter().enumerate() {
        let now = jiff::Timestamp::now().to_string();
        let body = json!({ "v": 1, "kind": kind, "chain": "2", "seq": at + 1, "at": now, "data": data }).to_string();
        let answer = send("POST", &url, &["content-type: application/json", &word], &body).await?;
        ensure!(answer.status == 200, "{answer:?}");
    }
    silent.accept().await?;
    std::fs::write(scene.file(), recorded()?)?;
    scene.call().await?;
    let ready = |all: &[serde_json::Value]| all.iter().any(|one| one["state"] == "ready" && one["pbx"] == "office");
    scene.recordings("the other one's", ready).await?;
    let all = scene.world.json(&["recordings", "list", "--limit", "1000"]).await?;
    ensure!(all.len() > FILES, "{} recordings", all.len());

    // A number that is a recording and a call is neither.
    let (_, refused) = scene.world.run(&["recordings", "erase", "2"], 1).await?;
    ensure!(refused.contains("`hooks/2`"), "{refused}");
    let (told, _) = scene.world.run(&["recordings", "erase", "hooks/2"], 0).await?;
    ensure!(told.contains(&format!("{FILES} recordings")), "{told}");
    Ok(())
}
