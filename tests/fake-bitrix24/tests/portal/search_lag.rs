use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{ANA_PHONE, Site, but, incoming};

const LAG: Duration = Duration::from_secs(120);
const STRANGER: &str = "+4930901820";

async fn lagging() -> Site {
    Site::with(|options| options.search_lag = LAG).await
}

/// What each of the portal's searches finds under a number.
async fn found(site: &Site, number: &str) -> [bool; 3] {
    let duplicates = site.call("crm.duplicate.findbycomm", json!({"type": "PHONE", "values": [number]})).await;
    let entities = site.call("telephony.externalCall.searchCrmEntities", json!({"PHONE_NUMBER": number})).await;
    let register = but(incoming(&format!("{number} {}", duplicates.text.len())), "PHONE_NUMBER", json!(number));
    let registered = site.call("telephony.externalcall.register", register).await;
    [
        duplicates.result() != &json!([]),
        entities.result() != &json!([]),
        registered.result()["CRM_ENTITY_ID"] != Value::Null,
    ]
}

#[tokio::test]
async fn a_new_record_is_listed_and_read_at_once_and_searched_for_in_vain_until_the_lag_is_over() {
    let site = lagging().await;
    let fields = json!({"TITLE": "x", "ORIGIN_ID": "job-1", "PHONE": [{"VALUE": STRANGER, "VALUE_TYPE": "WORK"}]});
    let id = site.call("crm.lead.add", json!({"fields": fields})).await.result().clone();
    assert_eq!(found(&site, STRANGER).await, [false; 3]);
    let listed = site.call("crm.lead.list", json!({"filter": {"ORIGIN_ID": "job-1"}})).await;
    assert_eq!(listed.result()[0]["ID"], id.to_string());
    assert_eq!(site.call("crm.lead.get", json!({"id": id})).await.result()["ID"], id.to_string());
    site.portal.advance(LAG);
    assert_eq!(found(&site, STRANGER).await, [true; 3]);
}

#[tokio::test]
async fn what_the_portal_knew_before_is_found_at_once() {
    assert_eq!(found(&lagging().await, ANA_PHONE).await, [true; 3]);
}

#[tokio::test]
async fn the_portal_makes_a_second_lead_while_its_own_search_lags_unless_it_is_told_of_the_first() {
    let site = lagging().await;
    let stranger = |id: &str| but(but(incoming(id), "PHONE_NUMBER", json!(STRANGER)), "CRM_CREATE", json!(1));
    let first = site.call("telephony.externalcall.register", stranger("1")).await.result()["CRM_ENTITY_ID"].clone();
    let told = but(but(stranger("2"), "CRM_ENTITY_TYPE", json!("LEAD")), "CRM_ENTITY_ID", first.clone());
    assert_eq!(site.call("telephony.externalcall.register", told).await.result()["CRM_ENTITY_ID"], first);
    assert_eq!(site.portal.state()["leads"].as_array().unwrap().len(), 1);
    let second = site.call("telephony.externalcall.register", stranger("3")).await;
    assert_ne!(second.result()["CRM_ENTITY_ID"], first);
    assert_eq!(site.portal.state()["leads"].as_array().unwrap().len(), 2);
}
