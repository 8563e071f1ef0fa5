use fake_bitrix24::Mode;
use serde_json::{Value, json};

use crate::client::{ALICE, ANA, ANA_PHONE, GONE, Site};

#[tokio::test]
async fn duplicates_are_an_object_when_found_and_a_list_when_not() {
    let site = Site::new().await;
    let search = |value: &str| json!({"type": "PHONE", "values": [value], "entity_type": "CONTACT"});
    let found = site.call("crm.duplicate.findbycomm", search("1 (555) 0100")).await;
    assert_eq!(found.result(), &json!({"CONTACT": [ANA]}));
    let nothing = site.call("crm.duplicate.findbycomm", search("5550100")).await;
    assert_eq!(nothing.result(), &json!([]));
}

#[tokio::test]
async fn wrong_duplicate_searches_are_refused() {
    let site = Site::new().await;
    let many: Vec<String> = (0..21).map(|index| format!("+1555{index}")).collect();
    let cases: [(Value, &str); 5] = [
        (json!({"values": ["1"]}), "Communication type is not defined"),
        (json!({"type": "FAX", "values": ["1"]}), "Communication type 'FAX' is not supported in current context"),
        (json!({"type": "PHONE"}), "Communication values is not defined"),
        (json!({"type": "PHONE", "values": []}), "Communication values is not defined"),
        (json!({"type": "PHONE", "values": many}), "Communication values count exceeds 20"),
    ];
    for (params, description) in cases {
        assert_eq!(site.call("crm.duplicate.findbycomm", params).await.refusal(), (400, "", description));
    }
}

#[tokio::test]
async fn many_hits_of_one_kind_crowd_the_others_out() {
    let site = Site::new().await;
    let lead = json!({"TITLE": "x", "PHONE": [ANA_PHONE]});
    site.portal.seed(&json!({"leads": vec![lead; 20]})).unwrap();
    let found = site.call("crm.duplicate.findbycomm", json!({"type": "PHONE", "values": [ANA_PHONE]})).await;
    assert_eq!(found.result()["LEAD"].as_array().unwrap().len(), 20);
    assert!(found.result().get("CONTACT").is_none());
}

#[tokio::test]
async fn a_caller_search_names_the_contact_and_who_is_responsible() {
    let site = Site::new().await;
    let found = site.call("telephony.externalCall.searchCrmEntities", json!({"PHONE_NUMBER": ANA_PHONE})).await;
    let wanted = json!([{
        "CRM_ENTITY_TYPE": "CONTACT", "CRM_ENTITY_ID": ANA, "ASSIGNED_BY_ID": ALICE, "NAME": "Ana Lima",
        "ASSIGNED_BY": {"ID": ALICE.to_string(), "TIMEMAN_STATUS": "OPENED", "USER_PHONE_INNER": "101",
            "WORK_PHONE": "", "PERSONAL_PHONE": "", "PERSONAL_MOBILE": "+15550111"},
    }]);
    assert_eq!(found.result(), &wanted);
    let unknown = site.call("telephony.externalCall.searchCrmEntities", json!({"PHONE_NUMBER": "+1"})).await;
    assert_eq!(unknown.result(), &json!([]));
    let empty = site.call("telephony.externalCall.searchCrmEntities", json!({})).await;
    assert_eq!(empty.refusal(), (400, "ERROR_CORE", "PHONE_NUMBER is empty"));
}

#[tokio::test]
async fn records_have_string_ids_and_items_have_numbers() {
    let site = Site::new().await;
    let contact = site.call("crm.contact.get", json!({"id": ANA})).await;
    assert_eq!(contact.result()["ID"], ANA.to_string());
    assert_eq!(contact.result()["ASSIGNED_BY_ID"], ALICE.to_string());
    assert_eq!(contact.result()["PHONE"][0]["VALUE"], ANA_PHONE);
    let item = site.call("crm.item.get", json!({"entityTypeId": 3, "id": ANA})).await;
    assert_eq!(item.result()["item"]["id"], ANA);
    assert_eq!(item.result()["item"]["assignedById"], ALICE);
    assert_eq!(item.result()["item"]["lastName"], "Lima");
}

#[tokio::test]
async fn records_that_do_not_exist_are_refused() {
    let site = Site::new().await;
    for kind in ["contact", "lead", "company", "deal"] {
        let method = format!("crm.{kind}.get");
        assert_eq!(site.call(&method, json!({"id": 99_999})).await.refusal(), (400, "", "Not found"), "{kind}");
        let without = site.call(&method, json!({})).await;
        assert_eq!(without.refusal(), (400, "", "ID is not defined or invalid."), "{kind}");
    }
    let item = site.call("crm.item.get", json!({"entityTypeId": 3, "id": 99_999})).await;
    assert_eq!(item.refusal().1, "NOT_FOUND");
    let kind = site.call("crm.item.get", json!({"entityTypeId": 77, "id": ANA})).await;
    assert_eq!(kind.refusal().1, "NOT_FOUND");
}

#[tokio::test]
async fn an_old_boxed_portal_has_no_items() {
    let site = Site::with(|options| options.mode = Mode::BoxedOld).await;
    let answer = site.call("crm.item.get", json!({"entityTypeId": 3, "id": ANA})).await;
    assert_eq!(answer.refusal(), (404, "ERROR_METHOD_NOT_FOUND", "Method not found!"));
    site.call("crm.contact.get", json!({"id": ANA})).await.result();
}

#[tokio::test]
async fn a_lead_is_added_and_updated_and_its_unknown_fields_noted() {
    let site = Site::new().await;
    let fields = json!({"TITLE": "Call", "NAME": "Ana", "ASSIGNED_BY_ID": ALICE, "SOURCE_ID": "CALL", "title": "typo",
        "PHONE": [{"VALUE": "+15550177", "VALUE_TYPE": "WORK"}], "ORIGINATOR_ID": "pbx", "ORIGIN_ID": "call-1"});
    let added = site.call("crm.lead.add", json!({"fields": fields, "params": {"REGISTER_SONET_EVENT": "Y"}})).await;
    let id = added.result().as_u64().unwrap();
    let state = site.portal.state();
    assert_eq!(state["journal"][0]["notes"], json!(["field title was ignored"]));
    let update = json!({"id": id, "fields": {"TITLE": "New title"}});
    assert_eq!(site.call("crm.lead.update", update).await.result(), &json!(true));
    let lead = site.call("crm.lead.get", json!({"id": id})).await;
    assert_eq!((&lead.result()["TITLE"], &lead.result()["STATUS_ID"]), (&json!("New title"), &json!("NEW")));
}

#[tokio::test]
async fn wrong_leads_and_contacts_are_refused() {
    let site = Site::new().await;
    let cases: [(&str, Value, &str); 7] = [
        ("crm.lead.add", json!({}), "Parameter 'fields' must be array."),
        ("crm.lead.add", json!({"fields": "x"}), "Parameter 'fields' must be array."),
        (
            "crm.lead.add",
            json!({"fields": {"PHONE": "+1555"}}),
            "field PHONE should be an array of {VALUE, VALUE_TYPE}",
        ),
        (
            "crm.lead.add",
            json!({"fields": {"TITLE": "x", "ASSIGNED_BY_ID": GONE}}),
            "ASSIGNED_BY_ID: user is not found or is not active",
        ),
        ("crm.lead.add", json!({"fields": {"STATUS_ID": "OLD"}}), "STATUS_ID is not in the list of statuses"),
        ("crm.contact.add", json!({"fields": {"POST": "x"}}), "Required fields: 'First name' or 'Last name'"),
        ("crm.lead.update", json!({"id": 99_999, "fields": {}}), "Not found"),
    ];
    for (method, params, description) in cases {
        assert_eq!(site.call(method, params).await.refusal(), (400, "", description));
    }
    let state = site.portal.state();
    assert_eq!((&state["leads"], state["contacts"].as_array().unwrap().len()), (&json!([]), 1));
}

#[tokio::test]
async fn simple_crm_has_no_leads() {
    let site = Site::with(|options| options.simple_crm = true).await;
    assert_eq!(site.call("crm.settings.mode.get", json!({})).await.result(), &json!(2));
    assert_eq!(site.call("crm.lead.add", json!({"fields": {"TITLE": "x"}})).await.status, 400);
    assert_eq!(site.portal.state()["leads"], json!([]));
}

#[tokio::test]
async fn sources_are_listed() {
    let site = Site::new().await;
    let list = site.call("crm.status.list", json!({"filter": {"ENTITY_ID": "SOURCE"}})).await;
    let sources = list.result().as_array().unwrap();
    assert!(sources.iter().all(|source| source["ENTITY_ID"] == "SOURCE"));
    assert!(sources.iter().any(|source| source["STATUS_ID"] == "CALL"));
    assert_eq!(list.body["total"], sources.len());
}

#[tokio::test]
async fn activities_are_updated_and_comments_added() {
    let site = Site::new().await;
    site.finished("1").await;
    let activity = site.portal.state()["activities"][0]["ID"].clone();
    let update = json!({"id": activity, "fields": {"DESCRIPTION": "They will call again"}});
    site.call("crm.activity.update", update).await.result();
    let comment = json!({"fields": {"ENTITY_ID": ANA, "ENTITY_TYPE": "contact", "COMMENT": "Nice"}});
    assert!(site.call("crm.timeline.comment.add", comment).await.result().is_u64());
    let state = site.portal.state();
    assert_eq!(state["activities"][0]["DESCRIPTION"], "They will call again");
    assert_eq!(state["comments"][0]["COMMENT"], "Nice");
    for method in ["crm.activity.get", "crm.activity.update"] {
        let answer = site.call(method, json!({"id": 99_999, "fields": {}})).await;
        assert_eq!(answer.refusal(), (400, "", "Activity is not found"));
    }
}

#[tokio::test]
async fn wrong_comments_are_refused() {
    let site = Site::new().await;
    let cases = [
        (json!({"ENTITY_TYPE": "contact", "COMMENT": "x"}), "100"),
        (json!({"ENTITY_ID": ANA, "ENTITY_TYPE": "contact", "COMMENT": " "}), "INVALID_ARG_VALUE"),
        (json!({"ENTITY_ID": 99_999, "ENTITY_TYPE": "contact", "COMMENT": "x"}), "OWNER_NOT_FOUND"),
        (json!({"ENTITY_ID": ANA, "ENTITY_TYPE": "CONTACT", "COMMENT": "x"}), "OWNER_NOT_FOUND"),
    ];
    for (fields, code) in cases {
        assert_eq!(site.call("crm.timeline.comment.add", json!({"fields": fields})).await.refusal().1, code);
    }
}
