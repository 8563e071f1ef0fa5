use std::time::Duration;

use fake_bitrix24::{Effect, Fault};
use serde_json::{Value, json};

use crate::client::{ALICE, ANA, ANA_PHONE, BOB, GONE, Site, but, incoming};

const REGISTER: &str = "telephony.externalcall.register";

fn stranger(external_id: &str) -> Value {
    but(but(incoming(external_id), "PHONE_NUMBER", json!("+4930901820")), "CRM_CREATE", json!(1))
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_refused_in_the_portals_words() {
    let site = Site::new().await;
    let cases = [
        ("USER_ID", Value::Null, "ERROR_CORE", "USER_ID or USER_PHONE_INNER should be set"),
        ("USER_ID", json!(GONE), "ERROR_CORE", "User is not found or is not active"),
        ("USER_ID", json!(999), "ERROR_CORE", "User is not found or is not active"),
        ("USER_ID", json!("Alice"), "ERROR_CORE", "User is not found or is not active"),
        ("PHONE_NUMBER", Value::Null, "ERROR_CORE", "Unsupported phone number format"),
        ("PHONE_NUMBER", json!("anonymous"), "ERROR_CORE", "Unsupported phone number format"),
        ("PHONE_NUMBER", json!(""), "ERROR_CORE", "Unsupported phone number format"),
        ("TYPE", Value::Null, "ERROR_CORE", "Unknown TYPE"),
        ("TYPE", json!(6), "ERROR_CORE", "Unknown TYPE"),
        ("TYPE", json!("inbound"), "ERROR_CORE", "Unknown TYPE"),
        (
            "CALL_START_DATE",
            json!("2026-01-01 09:30"),
            "ERROR_CORE",
            "CALL_START_DATE should be in the ISO-8601 format",
        ),
        ("SHOW", json!(true), "ERROR_ARGUMENT", "SHOW should be a string"),
        ("SHOW", json!(2), "ERROR_ARGUMENT", "SHOW should be 0 or 1"),
        ("PHONE_NUMBER", json!({"a": 1}), "ERROR_ARGUMENT", "PHONE_NUMBER should be a string"),
        ("CRM_ENTITY_TYPE", json!("PERSON"), "ERROR_ARGUMENT", "CRM_ENTITY_TYPE should be CONTACT, COMPANY or LEAD"),
        ("LINE_NUMBER", json!("1".repeat(51)), "ERROR_CORE", "LINE_NUMBER should not be longer than 50 characters"),
    ];
    for (name, value, code, description) in cases {
        let answer = site.call(REGISTER, but(incoming("x"), name, value.clone())).await;
        assert_eq!(answer.refusal(), (400, code, description), "{name} = {value}");
    }
    assert_eq!(site.portal.state()["calls"], json!([]));
}

#[tokio::test]
async fn a_user_is_found_by_extension_and_an_unmapped_extension_is_refused() {
    let site = Site::new().await;
    let by_extension = but(but(incoming("x"), "USER_ID", Value::Null), "USER_PHONE_INNER", json!("102"));
    site.call(REGISTER, by_extension.clone()).await.result();
    assert_eq!(site.portal.state()["calls"][0]["registered_by"], BOB);
    for extension in ["103", "999"] {
        let answer = site.call(REGISTER, but(by_extension.clone(), "USER_PHONE_INNER", json!(extension))).await;
        assert_eq!(answer.refusal(), (400, "ERROR_CORE", "User is not found or is not active"), "{extension}");
    }
}

#[tokio::test]
async fn the_user_id_wins_over_the_extension() {
    let site = Site::new().await;
    site.call(REGISTER, but(incoming("x"), "USER_PHONE_INNER", json!("102"))).await.result();
    assert_eq!(site.portal.state()["calls"][0]["registered_by"], ALICE);
}

#[tokio::test]
async fn parameter_names_are_case_sensitive_and_method_names_are_not() {
    let site = Site::new().await;
    let answer = site.call("Telephony.ExternalCall.REGISTER", incoming("x")).await;
    answer.result();
    let lower = json!({"user_id": ALICE, "phone_number": ANA_PHONE, "type": 2});
    let answer = site.call(REGISTER, lower).await;
    assert_eq!(answer.refusal(), (400, "ERROR_CORE", "USER_ID or USER_PHONE_INNER should be set"));
}

#[tokio::test]
async fn a_known_caller_is_named_and_nothing_is_created() {
    let site = Site::new().await;
    let answer = site.call(REGISTER, but(incoming("x"), "CRM_CREATE", json!(1))).await;
    let result = answer.result();
    assert_eq!(result["CRM_ENTITY_TYPE"], "CONTACT");
    assert_eq!(result["CRM_ENTITY_ID"], ANA);
    assert_eq!(result["CRM_CREATED_LEAD"], Value::Null);
    assert_eq!(result["CRM_CREATED_ENTITIES"], json!([]));
    assert_eq!(site.portal.state()["leads"], json!([]));
}

#[tokio::test]
async fn an_unknown_caller_becomes_a_lead_only_when_asked() {
    let site = Site::new().await;
    let without = site.call(REGISTER, but(stranger("1"), "CRM_CREATE", json!(0))).await;
    assert_eq!(without.result()["CRM_ENTITY_TYPE"], "");
    assert_eq!(site.portal.state()["leads"], json!([]));

    let answer = site.call(REGISTER, stranger("2")).await;
    let lead = answer.result()["CRM_CREATED_LEAD"].as_u64().unwrap();
    assert_eq!(answer.result()["CRM_CREATED_ENTITIES"], json!([{"ENTITY_TYPE": "LEAD", "ENTITY_ID": lead}]));
    let state = site.portal.state();
    assert_eq!(state["leads"][0]["ID"], lead.to_string(), "ids are strings in records");
    assert_eq!(state["leads"][0]["ASSIGNED_BY_ID"], ALICE.to_string());
    assert_eq!(state["leads"][0]["made_by"], REGISTER);
}

#[tokio::test]
async fn in_simple_crm_an_unknown_caller_becomes_a_contact_and_a_deal() {
    let site = Site::with(|options| options.simple_crm = true).await;
    let answer = site.call(REGISTER, stranger("1")).await;
    assert_eq!(answer.result()["CRM_CREATED_LEAD"], Value::Null);
    assert_eq!(answer.result()["CRM_ENTITY_TYPE"], "CONTACT");
    let state = site.portal.state();
    assert_eq!(state["leads"], json!([]));
    assert_eq!(state["deals"].as_array().unwrap().len(), 1);
    assert_eq!(state["contacts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_same_call_registered_twice_within_half_an_hour_is_one_call() {
    let site = Site::new().await;
    let first = site.ringing("pbx-1").await;
    site.portal.advance(Duration::from_secs(29 * 60));
    assert_eq!(site.ringing("pbx-1").await, first);
    let state = site.portal.state();
    assert_eq!(state["calls"].as_array().unwrap().len(), 1);
    assert_eq!(state["calls"][0]["registrations"], 2);
    site.portal.advance(Duration::from_secs(60));
    assert_ne!(site.ringing("pbx-1").await, first);
}

#[tokio::test]
async fn every_part_of_the_key_makes_another_call() {
    let site = Site::new().await;
    let base = but(incoming("a"), "LINE_NUMBER", json!("+15550199"));
    let mut ids = vec![site.call(REGISTER, base.clone()).await.result()["CALL_ID"].clone()];
    for (name, value) in [
        ("EXTERNAL_CALL_ID", json!("b")),
        ("USER_ID", json!(BOB)),
        ("PHONE_NUMBER", json!("+15550101")),
        ("TYPE", json!(1)),
        ("LINE_NUMBER", json!("+15550198")),
    ] {
        let id = site.call(REGISTER, but(base.clone(), name, value)).await.result()["CALL_ID"].clone();
        assert!(!ids.contains(&id), "{name} is in the key");
        ids.push(id);
    }
    let other_date = but(base, "CALL_START_DATE", json!("2026-01-01T09:30:00+01:00"));
    assert_eq!(site.call(REGISTER, other_date).await.result()["CALL_ID"], ids[0], "the date is not in the key");
}

#[tokio::test]
async fn two_calls_of_one_caller_without_external_id_collapse_and_the_second_finish_fails() {
    let site = Site::new().await;
    let anonymous = but(incoming("x"), "EXTERNAL_CALL_ID", Value::Null);
    let first = site.call(REGISTER, anonymous.clone()).await.result()["CALL_ID"].clone();
    let second = site.call(REGISTER, anonymous).await.result()["CALL_ID"].clone();
    assert_eq!(first, second);
    let finish = json!({"CALL_ID": first, "USER_ID": ALICE, "ADD_TO_CHAT": 0});
    site.call("telephony.externalcall.finish", finish.clone()).await.result();
    assert_eq!(site.call("telephony.externalcall.finish", finish).await.status, 400);
    let notes = site.portal.state()["journal"][0]["notes"].to_string();
    assert!(notes.contains("EXTERNAL_CALL_ID is missing"), "{notes}");
}

#[tokio::test]
async fn a_colleague_who_calls_gets_no_lead() {
    let site = Site::new().await;
    site.call(REGISTER, but(stranger("x"), "PHONE_NUMBER", json!("102"))).await.result();
    let state = site.portal.state();
    assert_eq!(state["calls"][0]["internal"], true);
    assert_eq!(state["leads"], json!([]));
}

#[tokio::test]
async fn a_lead_that_cannot_be_made_is_told_and_the_call_registered_all_the_same() {
    let site = Site::new().await;
    let text = "Lead creation is disabled for local users";
    site.portal.inject(Fault::on(REGISTER, Effect::LeadCreationError(text.to_owned())));
    let answer = site.call(REGISTER, stranger("1")).await;
    assert_eq!(answer.result()["LEAD_CREATION_ERROR"], text);
    assert_eq!(answer.result()["CRM_CREATED_LEAD"], Value::Null);
    let state = site.portal.state();
    assert_eq!(state["leads"], json!([]));
    assert_eq!(state["calls"][0]["visible"], json!([ALICE]));
}

#[tokio::test]
async fn the_card_is_shown_at_registration_unless_told_otherwise() {
    let site = Site::new().await;
    let shown = site.ringing("1").await;
    assert_eq!(site.visible(&shown), json!([ALICE]));
    let answer = site.call(REGISTER, but(incoming("2"), "SHOW", json!(0))).await;
    assert_eq!(site.visible(answer.result()["CALL_ID"].as_str().unwrap()), json!([]));
}

#[tokio::test]
async fn a_line_that_makes_no_leads_stops_them_on_outgoing_calls_only() {
    let site = Site::new().await;
    let line = json!({"NUMBER": "+15550199", "CRM_AUTO_CREATE": "N"});
    site.call("telephony.externalLine.add", line).await.result();
    let incoming = but(stranger("1"), "LINE_NUMBER", json!("+15550199"));
    let outgoing = but(but(incoming.clone(), "TYPE", json!(1)), "PHONE_NUMBER", json!("+4930901821"));
    assert_eq!(site.call(REGISTER, outgoing).await.result()["CRM_CREATED_LEAD"], Value::Null);
    assert_ne!(site.call(REGISTER, incoming).await.result()["CRM_CREATED_LEAD"], Value::Null);
}
