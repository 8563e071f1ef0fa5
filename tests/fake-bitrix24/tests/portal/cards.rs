use fake_bitrix24::Mode;
use serde_json::{Value, json};

use crate::client::{ALICE, BOB, GONE, Site};

const SHOW: &str = "telephony.externalcall.show";
const HIDE: &str = "telephony.externalcall.hide";

#[tokio::test]
async fn an_unknown_call_is_answered_false_and_not_with_an_error() {
    let site = Site::new().await;
    for method in [SHOW, HIDE] {
        let answer = site.call(method, json!({"CALL_ID": "externalCall.none", "USER_ID": ALICE})).await;
        assert_eq!(answer.result(), &json!(false), "{method}");
    }
}

#[tokio::test]
async fn cards_are_shown_and_hidden_for_one_user_or_a_list() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    assert_eq!(site.call(SHOW, json!({"CALL_ID": id, "USER_ID": [ALICE, BOB]})).await.result(), &json!(true));
    assert_eq!(site.visible(&id), json!([ALICE, BOB]));
    assert_eq!(site.call(HIDE, json!({"CALL_ID": id, "USER_ID": BOB})).await.result(), &json!(true));
    assert_eq!(site.visible(&id), json!([ALICE]));
    site.call(SHOW, json!({"CALL_ID": id, "USER_ID": BOB})).await.result();
    site.call(HIDE, json!({"CALL_ID": id, "USER_ID": [ALICE, BOB]})).await.result();
    assert_eq!(site.visible(&id), json!([]));
}

#[tokio::test]
async fn a_list_may_come_as_a_form_too() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    site.form(SHOW, &format!("CALL_ID={id}&USER_ID[]={ALICE}&USER_ID[]={BOB}")).await.result();
    assert_eq!(site.visible(&id), json!([ALICE, BOB]));
    site.form(HIDE, &format!("CALL_ID={id}&USER_ID={ALICE}")).await.result();
    assert_eq!(site.visible(&id), json!([BOB]));
}

#[tokio::test]
async fn hide_without_a_user_reaches_only_the_user_of_the_registration() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    site.call(SHOW, json!({"CALL_ID": id, "USER_ID": [BOB]})).await.result();
    site.call(HIDE, json!({"CALL_ID": id})).await.result();
    assert_eq!(site.visible(&id), json!([BOB]));
}

#[tokio::test]
async fn the_history_of_a_card_names_users_and_times() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    site.call(SHOW, json!({"CALL_ID": id, "USER_ID": [ALICE, BOB]})).await.result();
    site.call(HIDE, json!({"CALL_ID": id, "USER_ID": [ALICE]})).await.result();
    let state = site.portal.state();
    let history = state["calls"][0]["history"].as_array().unwrap();
    let told: Vec<Value> =
        history.iter().map(|entry| json!([entry["action"], entry["users"], entry["changed"]])).collect();
    let wanted =
        [json!(["show", [ALICE], [ALICE]]), json!(["show", [ALICE, BOB], [BOB]]), json!(["hide", [ALICE], [ALICE]])];
    assert_eq!(told, wanted);
    assert!(history.iter().all(|entry| entry["at"].as_i64().unwrap() > 1_700_000_000_000));
}

#[tokio::test]
async fn wrong_users_and_a_missing_call_are_refused() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    let cases = [
        (json!({"USER_ID": ALICE}), "CALL_ID should be set"),
        (json!({"CALL_ID": id, "USER_ID": "Alice"}), "USER_ID should be an integer or an array of integers"),
        (json!({"CALL_ID": id, "USER_ID": [ALICE, "x"]}), "USER_ID should be an integer or an array of integers"),
        (json!({"CALL_ID": id, "USER_ID": []}), "USER_ID should be an integer or an array of integers"),
    ];
    for (params, description) in cases {
        for method in [SHOW, HIDE] {
            let answer = site.call(method, params.clone()).await;
            assert_eq!((answer.status, answer.refusal().2), (400, description), "{method} {params}");
        }
    }
}

#[tokio::test]
async fn a_user_who_has_left_sees_nothing() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    assert_eq!(site.call(SHOW, json!({"CALL_ID": id, "USER_ID": [GONE, 999]})).await.result(), &json!(true));
    assert_eq!(site.visible(&id), json!([ALICE]));
}

#[tokio::test]
async fn an_old_boxed_portal_takes_one_user_only() {
    let site = Site::with(|options| options.mode = Mode::BoxedOld).await;
    let id = site.ringing("1").await;
    for method in [SHOW, HIDE] {
        let answer = site.call(method, json!({"CALL_ID": id, "USER_ID": [BOB]})).await;
        assert_eq!(answer.refusal(), (400, "ERROR_CORE", "USER_ID should be an integer"), "{method}");
    }
    assert_eq!(site.visible(&id), json!([ALICE]));
    site.call(SHOW, json!({"CALL_ID": id, "USER_ID": BOB})).await.result();
    assert_eq!(site.visible(&id), json!([ALICE, BOB]));
}

#[tokio::test]
async fn after_finish_a_forgotten_card_can_no_longer_be_hidden() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    site.call(SHOW, json!({"CALL_ID": id, "USER_ID": [BOB]})).await.result();
    site.call("telephony.externalcall.finish", json!({"CALL_ID": id, "USER_ID": ALICE, "ADD_TO_CHAT": 0}))
        .await
        .result();
    assert_eq!(site.visible(&id), json!([BOB]), "finish hides the card of its user only");
    assert_eq!(site.call(HIDE, json!({"CALL_ID": id, "USER_ID": [BOB]})).await.result(), &json!(false));
    assert_eq!(site.visible(&id), json!([BOB]));
}
