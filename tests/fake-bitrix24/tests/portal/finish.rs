use fake_bitrix24::Mode;
use serde_json::{Value, json};

use crate::client::{ALICE, ANA, BOB, GONE, Site, but, incoming};

const FINISH: &str = "telephony.externalcall.finish";
const NOT_FOUND: (u16, &str, &str) = (400, "", "Call is not found (call should be registered prior to finishing");

fn ended(id: &str) -> Value {
    json!({"CALL_ID": id, "USER_ID": ALICE, "DURATION": 42, "STATUS_CODE": "200", "ADD_TO_CHAT": 0})
}

#[tokio::test]
async fn an_unknown_call_cannot_be_finished() {
    let site = Site::new().await;
    assert_eq!(site.call(FINISH, ended("externalCall.none")).await.refusal(), NOT_FOUND);
}

#[tokio::test]
async fn a_call_can_be_finished_once() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    site.call(FINISH, ended(&id)).await.result();
    assert_eq!(site.call(FINISH, ended(&id)).await.refusal(), NOT_FOUND, "the code is empty");
    assert_eq!(site.portal.state()["activities"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn missing_and_wrong_parameters_are_refused() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    let cases = [
        ("CALL_ID", Value::Null, "INVALID_ARGUMENT", "CALL_ID must be a string"),
        ("CALL_ID", json!(5), "INVALID_ARGUMENT", "CALL_ID must be a string"),
        ("USER_ID", Value::Null, "ERROR_CORE", "USER_ID or USER_PHONE_INNER should be set"),
        ("USER_ID", json!(GONE), "ERROR_CORE", "User is not found or is not active"),
        ("DURATION", json!("long"), "ERROR_ARGUMENT", "DURATION should be an integer"),
        ("DURATION", json!(-1), "ERROR_ARGUMENT", "DURATION should not be negative"),
        ("STATUS_CODE", json!("999"), "ERROR_ARGUMENT", "unknown STATUS_CODE 999"),
        ("VOTE", json!(6), "ERROR_ARGUMENT", "VOTE should be from 1 to 5"),
        ("COST", json!("dear"), "ERROR_ARGUMENT", "COST should be a number"),
    ];
    for (name, value, code, description) in cases {
        let answer = site.call(FINISH, but(ended(&id), name, value.clone())).await;
        assert_eq!(answer.refusal(), (400, code, description), "{name} = {value}");
    }
    assert_eq!(site.portal.state()["calls"][0]["finished"], Value::Null);
}

#[tokio::test]
async fn the_status_follows_from_the_duration_when_it_is_not_given() {
    let site = Site::new().await;
    for (external_id, duration, code, status) in [("1", 5, "200", 1), ("2", 0, "304", 0)] {
        let id = site.ringing(external_id).await;
        let params = json!({"CALL_ID": id, "USER_ID": ALICE, "DURATION": duration, "ADD_TO_CHAT": 0});
        let answer = site.call(FINISH, params).await;
        assert_eq!(answer.result()["CALL_FAILED_CODE"], code);
        assert_eq!(answer.result()["CALL_STATUS"], status);
        assert_eq!(answer.result()["INCOMING"], "2");
    }
}

#[tokio::test]
async fn the_call_enters_the_timeline_of_its_record() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    let answer = site.call(FINISH, ended(&id)).await;
    let activity = answer.result()["CRM_ACTIVITY_ID"].as_u64().unwrap();
    let state = site.portal.state();
    assert_eq!(state["activities"][0]["owner"], json!({"type": "CONTACT", "id": ANA}));
    let fetched = site.call("crm.activity.get", json!({"id": activity})).await;
    assert_eq!(fetched.result()["OWNER_ID"], ANA.to_string());
    assert_eq!(fetched.result()["COMPLETED"], "Y");
}

#[tokio::test]
async fn a_lead_of_this_call_goes_to_the_agent_who_is_credited_and_a_known_contact_stays() {
    let site = Site::new().await;
    let stranger = but(but(incoming("1"), "PHONE_NUMBER", json!("+4930901820")), "CRM_CREATE", json!(1));
    let answer = site.call("telephony.externalcall.register", stranger).await;
    let id = answer.result()["CALL_ID"].as_str().unwrap().to_owned();
    site.call(FINISH, but(ended(&id), "USER_ID", json!(BOB))).await.result();
    let known = site.ringing("2").await;
    site.call(FINISH, but(ended(&known), "USER_ID", json!(BOB))).await.result();
    let state = site.portal.state();
    assert_eq!(state["leads"][0]["ASSIGNED_BY_ID"], BOB.to_string());
    assert_eq!(state["contacts"][0]["ASSIGNED_BY_ID"], ALICE.to_string());
}

#[tokio::test]
async fn an_old_boxed_portal_answers_with_ids_as_strings() {
    for (mode, user) in [(Mode::BoxedOld, json!(ALICE.to_string())), (Mode::Cloud, json!(ALICE))] {
        let site = Site::with(|options| options.mode = mode).await;
        let id = site.ringing("1").await;
        assert_eq!(site.call(FINISH, ended(&id)).await.result()["PORTAL_USER_ID"], user, "{mode:?}");
    }
}

#[tokio::test]
async fn a_missing_add_to_chat_is_noted_because_its_default_is_uncertain() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    site.call(FINISH, but(ended(&id), "ADD_TO_CHAT", Value::Null)).await.result();
    let notes = site.portal.state()["journal"][1]["notes"].to_string();
    assert!(notes.contains("ADD_TO_CHAT is missing"), "{notes}");
}
