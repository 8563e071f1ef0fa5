use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{ALICE, Site};

#[tokio::test]
async fn waiting_ends_when_the_state_is_as_wanted() {
    let site = Site::new().await;
    let wanted = |state: &Value| state["users"].as_array().unwrap().iter().any(|user| user["cards"] != json!([]));
    let (state, _) = tokio::join!(site.portal.wait_until(wanted, Duration::from_secs(5)), site.ringing("1"));
    assert_eq!(state.unwrap()["calls"][0]["visible"], json!([ALICE]));
}

#[tokio::test]
async fn waiting_in_vain_ends_with_what_was_seen() {
    let site = Site::new().await;
    site.ringing("1").await;
    let error = site.portal.wait_until(|_| false, Duration::from_millis(50)).await.unwrap_err();
    assert!(error.to_string().contains("1 calls and had 1 requests"), "{error}");
    assert_eq!(error.state["calls"][0]["registered_by"], ALICE);
}

#[tokio::test]
async fn ignored_parameters_are_noted() {
    let site = Site::new().await;
    site.call("profile", json!({"Show": 1})).await.result();
    assert_eq!(site.portal.state()["journal"][0]["notes"], json!(["parameter Show was ignored"]));
}

#[tokio::test]
async fn a_seed_with_an_unknown_name_is_refused_whole() {
    let site = Site::new().await;
    let before = site.portal.state()["users"].clone();
    for seed in [
        json!({"users": [{"ID": 30, "NAME": "x"}], "people": []}),
        json!({"users": [{"ID": 30, "EXTENSION": "1"}]}),
        json!({"users": [{"ID": 30}], "contacts": [{"FIRST_NAME": "x"}]}),
        json!({"users": [{"ID": 30}], "contacts": [{"ID": "x"}]}),
    ] {
        site.portal.seed(&seed).expect_err(&seed.to_string());
        assert_eq!(site.portal.state()["users"], before);
    }
}

#[tokio::test]
async fn a_reset_brings_back_the_start_and_keeps_the_address() {
    let site = Site::new().await;
    let (before, url) = (site.portal.state(), site.portal.base_url());
    site.finished("1").await;
    site.portal.expire_webhook();
    site.portal.reset().unwrap();
    let after = site.portal.state();
    for name in ["users", "calls", "activities", "journal", "happenings"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert_eq!(site.portal.base_url(), url);
    site.call("profile", json!({})).await.result();
}

#[tokio::test]
async fn the_snapshot_holds_no_secret_and_no_file() {
    let site = Site::with(|options| options.secret = Some("s3cr3t-of-the-webhook".to_owned())).await;
    let id = site.finished("1").await;
    let content = "QUJD".repeat(2_000);
    let params = json!({"CALL_ID": id, "FILENAME": "a.mp3", "FILE_CONTENT": content});
    site.call("telephony.externalcall.attachRecord", params).await.result();
    let text = site.portal.state().to_string();
    assert!(!text.contains("s3cr3t-of-the-webhook") && !text.contains(&content));
}
