use std::time::Duration;

use fake_zendesk::{Account, Effect, Fault};
use serde_json::{Value, json};

use crate::client::{TICKET, account, comment, send};

const UPLOAD: &str = "POST /api/v2/uploads.json?filename=call%201.mp3";

async fn upload(account: &Account, content: &[u8]) -> (u16, Value) {
    send(account, UPLOAD, "audio/mpeg", content).await.unwrap()
}

async fn token(account: &Account, content: &[u8]) -> String {
    let (status, answer) = upload(account, content).await;
    assert_eq!(status, 201, "{answer}");
    answer["upload"]["token"].as_str().unwrap().to_owned()
}

/// Why something was refused.
fn why(answer: &Value, field: &str) -> String {
    answer["details"][field][0]["description"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_file_hangs_in_the_ticket_byte_by_byte_and_its_token_is_good_once() {
    let account = account().await;
    let sound: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let token = token(&account, &sound).await;
    assert_eq!(account.state()["uploads"][0]["ticket"], Value::Null, "nobody sees it yet");
    assert_eq!(comment(&account, "Recording", &[&token]).await.0, 200);
    let (status, answer) = comment(&account, "Recording", &[&token]).await;
    assert_eq!((status, why(&answer, "uploads").as_str()), (422, "Upload token is invalid"));

    let state = account.state();
    let upload = &state["uploads"][0];
    assert_eq!(
        (&upload["filename"], &upload["bytes"], &upload["ticket"]),
        (&json!("call 1.mp3"), &json!(100_000), &json!(TICKET))
    );
    let comments = state["tickets"][0]["comments"].as_array().unwrap();
    assert_eq!((comments.len(), &comments[0]["attachments"][0]["file_name"]), (1, &json!("call 1.mp3")));
    assert_eq!(account.file(upload["id"].as_u64().unwrap()).unwrap(), sound);
    assert_eq!(state["complaints"], json!([]));
}

#[tokio::test]
async fn a_file_that_is_none_is_refused() {
    let account = account().await;
    let (status, answer) = upload(&account, b"").await;
    assert_eq!((status, why(&answer, "base").as_str()), (422, "Attachment: cannot be empty"));
    let nameless = send(&account, "POST /api/v2/uploads.json", "audio/mpeg", b"sound").await.unwrap();
    assert_eq!(nameless.0, 400);
    let too_large = vec![0; (50 << 20) + 1];
    assert_eq!(upload(&account, &too_large).await.0, 413);
    assert_eq!(account.state()["uploads"], json!([]));
    send(&account, UPLOAD, "", b"sound").await.unwrap();
    assert_eq!(account.state()["complaints"].as_array().unwrap().len(), 1, "a file without a type");
}

#[tokio::test]
async fn a_token_that_is_unknown_or_old_takes_the_whole_comment_with_it() {
    let account = account().await;
    let good = token(&account, b"sound").await;
    assert_eq!(comment(&account, "Recording", &[&good, "stranger"]).await.0, 422);
    account.advance(Duration::from_secs(3600));
    assert_eq!(comment(&account, "Recording", &[&good]).await.0, 422);
    let state = account.state();
    assert_eq!((&state["tickets"][0]["comments"], &state["uploads"][0]["ticket"]), (&json!([]), &Value::Null));
}

#[tokio::test]
async fn answers_get_lost_at_both_steps() {
    let account = account().await;
    account.inject(Fault::on("POST uploads", Effect::CloseAfter));
    assert!(send(&account, UPLOAD, "audio/mpeg", b"sound").await.is_err());
    account.inject(Fault::on("POST uploads", Effect::TooMany(7)));
    assert_eq!(upload(&account, b"sound").await.0, 429);
    let token = token(&account, b"sound").await;
    account.inject(Fault::on("PUT tickets/#", Effect::ServerErrorAfter));
    assert_eq!(comment(&account, "Recording", &[&token]).await.0, 500);
    let state = account.state();
    assert_eq!(state["uploads"].as_array().unwrap().len(), 2, "the first one came as well");
    assert_eq!(state["tickets"][0]["comments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_comment_has_an_end() {
    let account = account().await;
    assert_eq!(comment(&account, &"ä".repeat(32_768), &[]).await.0, 422);
    assert_eq!(comment(&account, &"ä".repeat(32_767), &[]).await.0, 200);
}
