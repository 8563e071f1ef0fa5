use fake_bitrix24::{Effect, Fault};
use serde_json::{Value, json};

use crate::client::{ALICE, ANA, ANA_PHONE, Site};

const LEADS: &str = "crm.lead.list";
const COMMENTS: &str = "crm.timeline.comment.list";
const STATISTICS: &str = "voximplant.statistic.get";

async fn lead(site: &Site, origin: &str) -> u64 {
    let fields = json!({"TITLE": origin, "ORIGINATOR_ID": "pbx", "ORIGIN_ID": origin, "PHONE": [{"VALUE": ANA_PHONE}]});
    site.call("crm.lead.add", json!({"fields": fields})).await.result().as_u64().unwrap()
}

fn last_notes(site: &Site) -> Value {
    site.portal.state()["journal"].as_array().unwrap().last().unwrap()["notes"].clone()
}

#[tokio::test]
async fn a_record_is_found_by_where_it_came_from() {
    let site = Site::new().await;
    let (first, _) = (lead(&site, "job-1").await, lead(&site, "job-2").await);
    let of = |origin: &str| json!({"filter": {"ORIGINATOR_ID": "pbx", "ORIGIN_ID": origin}, "select": ["ID", "ORIGIN_ID"], "start": -1});
    let found = site.call(LEADS, of("job-1")).await;
    assert_eq!(found.result(), &json!([{"ID": first.to_string(), "ORIGIN_ID": "job-1"}]));
    assert!(found.body.get("total").is_none() && found.body.get("next").is_none(), "{}", found.text);
    assert_eq!(site.call(LEADS, of("job-3")).await.result(), &json!([]));
    let other_system = json!({"filter": {"ORIGINATOR_ID": "other", "ORIGIN_ID": "job-1"}});
    assert_eq!(site.call(LEADS, other_system).await.result(), &json!([]));
    let contacts = site.call("crm.contact.list", json!({"filter": {"ORIGIN_ID": ""}, "select": ["ID"]})).await;
    assert_eq!(contacts.result(), &json!([{"ID": ANA.to_string()}]));
    let form = "filter[ORIGIN_ID]=job-1&select[]=ID";
    assert_eq!(site.form(LEADS, form).await.result(), &json!([{"ID": first.to_string()}]));
}

#[tokio::test]
async fn numbers_are_listed_only_when_they_are_selected_by_name() {
    let site = Site::new().await;
    lead(&site, "job-1").await;
    for (select, title, phone) in [
        (json!([]), true, false),
        (json!(["*"]), true, false),
        (json!(["*", "PHONE"]), true, true),
        (json!(["PHONE"]), false, true),
    ] {
        let found = site.call(LEADS, json!({"filter": {"PHONE": ANA_PHONE}, "select": select})).await;
        let row = &found.result()[0];
        assert_eq!((row.get("TITLE").is_some(), row.get("PHONE").is_some()), (title, phone), "{select}: {row}");
    }
}

#[tokio::test]
async fn a_filter_by_a_field_that_does_not_exist_lets_everything_through() {
    let site = Site::new().await;
    lead(&site, "job-1").await;
    lead(&site, "job-2").await;
    let found = site.call(LEADS, json!({"filter": {"ORIGIN": "job-1"}, "select": ["ID"]})).await;
    assert_eq!(found.result().as_array().unwrap().len(), 2);
    assert_eq!(last_notes(&site), json!(["the filter by ORIGIN was ignored"]));
    let wrong = site.call(LEADS, json!({"filter": "ORIGIN_ID=job-1"})).await;
    assert_eq!(wrong.refusal(), (400, "ERROR_ARGUMENT", "filter should be an array of field and value"));
}

#[tokio::test]
async fn records_come_in_the_order_asked_for_and_in_pages() {
    let site = Site::new().await;
    let leads: Vec<Value> = (0..60).map(|index| json!({"ID": 1000 + index, "TITLE": "x"})).collect();
    site.portal.seed(&json!({"leads": leads})).unwrap();
    let ask = |start: u64| json!({"order": {"ID": "desc"}, "select": ["ID"], "start": start});
    let first = site.call(LEADS, ask(0)).await;
    assert_eq!(first.result()[0]["ID"], "1059");
    assert_eq!((first.result().as_array().unwrap().len(), &first.body["next"]), (50, &json!(50)));
    let second = site.call(LEADS, ask(50)).await;
    assert_eq!((second.result().as_array().unwrap().len(), &second.body["total"]), (10, &json!(60)));
    assert!(second.body.get("next").is_none());
}

#[tokio::test]
async fn only_a_finished_call_is_in_the_statistics() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    site.finished("2").await;
    let of = |id: &str| json!({"FILTER": {"CALL_ID": id}, "start": 0});
    assert_eq!(site.call(STATISTICS, of(&id)).await.result(), &json!([]));
    let end = json!({"CALL_ID": id, "USER_ID": ALICE, "DURATION": 42, "ADD_TO_CHAT": 0});
    let finished = site.call("telephony.externalcall.finish", end).await;
    let rows = site.call(STATISTICS, of(&id)).await;
    assert_eq!(rows.body["total"], 1);
    let (row, finished) = (&rows.result()[0], finished.result());
    for name in ["ID", "CRM_ACTIVITY_ID", "CRM_ENTITY_ID", "CALL_DURATION", "PORTAL_USER_ID"] {
        assert_eq!(row[name], finished[name].to_string(), "{name}: numbers are texts here");
    }
    assert_eq!((&row["CALL_TYPE"], &row["CRM_ENTITY_TYPE"]), (&json!("2"), &json!("CONTACT")));
}

#[tokio::test]
async fn the_filter_of_the_statistics_is_written_in_upper_case() {
    let site = Site::new().await;
    site.finished("1").await;
    site.finished("2").await;
    let found = site.call(STATISTICS, json!({"filter": {"CALL_ID": "x"}})).await;
    assert_eq!(found.result().as_array().unwrap().len(), 2);
    assert_eq!(last_notes(&site), json!(["parameter filter was ignored"]));
    let sorted = site.call(STATISTICS, json!({"SORT": "ID", "ORDER": "DESC"})).await;
    assert_eq!(sorted.result()[0]["EXTERNAL_CALL_ID"], "2");
}

#[tokio::test]
async fn statistics_can_be_denied_to_the_webhooks_user() {
    let site = Site::new().await;
    let (code, description) = ("ACCESS_DENIED".to_owned(), "Access denied!".to_owned());
    site.portal.inject(Fault::on(STATISTICS, Effect::Refuse { status: 403, code, description }));
    assert_eq!(site.call(STATISTICS, json!({})).await.refusal(), (403, "ACCESS_DENIED", "Access denied!"));
}

#[tokio::test]
async fn comments_are_listed_for_one_record() {
    let site = Site::new().await;
    let lead = lead(&site, "job-1").await;
    for (kind, id, text) in [("lead", lead, "one"), ("lead", lead, "two"), ("contact", ANA, "three")] {
        let fields = json!({"ENTITY_ID": id, "ENTITY_TYPE": kind, "COMMENT": text});
        site.call("crm.timeline.comment.add", json!({"fields": fields})).await.result();
    }
    let filter = json!({"ENTITY_ID": lead, "ENTITY_TYPE": "lead", ">=CREATED": "2099-01-01T00:00:00+00:00"});
    let found = site.call(COMMENTS, json!({"filter": filter, "order": {"ID": "DESC"}, "select": ["COMMENT"]})).await;
    assert_eq!(found.result(), &json!([{"COMMENT": "two"}, {"COMMENT": "one"}]));
    assert_eq!(last_notes(&site), json!(["the filter by >=CREATED was ignored"]));
    let whole = site.call(COMMENTS, json!({"filter": {"ENTITY_ID": ANA, "ENTITY_TYPE": "contact"}})).await;
    let row = &whole.result()[0];
    assert_eq!((&row["ENTITY_ID"], &row["AUTHOR_ID"]), (&json!(ANA.to_string()), &json!("7")));
}

#[tokio::test]
async fn comments_without_their_record_are_refused() {
    let site = Site::new().await;
    for filter in [json!({}), json!({"ENTITY_ID": ANA}), json!({"ENTITY_TYPE": "contact"})] {
        assert_eq!(site.call(COMMENTS, json!({"filter": filter})).await.status, 400, "{filter}");
    }
    for filter in
        [json!({"ENTITY_ID": 99_999, "ENTITY_TYPE": "lead"}), json!({"ENTITY_ID": ANA, "ENTITY_TYPE": "CONTACT"})]
    {
        let answer = site.call(COMMENTS, json!({"filter": filter})).await;
        assert_eq!(answer.refusal(), (400, "", "Access denied."), "{filter}");
    }
}
