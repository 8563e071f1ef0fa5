use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{ALICE, Site};

fn many() -> Value {
    let user = |index: u64| json!({"ID": 1000 + index, "NAME": format!("N{index}"), "UF_PHONE_INNER": (200 + index).to_string()});
    json!({"users": (0..120).map(user).collect::<Vec<_>>()})
}

#[tokio::test]
async fn users_come_in_pages_of_fifty_and_the_last_has_no_next() {
    let site = Site::new().await;
    site.portal.seed(&many()).unwrap();
    let (mut start, mut ids, mut pages) = (json!(0), BTreeSet::new(), Vec::new());
    loop {
        let page = site.call("user.get", json!({"FILTER": {"ACTIVE": true}, "start": start})).await;
        let users = page.result().as_array().unwrap();
        pages.push(users.len());
        ids.extend(users.iter().map(|user| user["ID"].as_str().unwrap().to_owned()));
        assert_eq!(page.body["total"], 123);
        match page.body.get("next") {
            Some(next) => start = next.clone(),
            None => break,
        }
    }
    assert_eq!(pages, [50, 50, 23]);
    assert_eq!(ids.len(), 123);
}

#[tokio::test]
async fn a_start_of_minus_one_switches_counting_off() {
    let site = Site::new().await;
    site.portal.seed(&many()).unwrap();
    let answer = site.call("user.get", json!({"start": -1})).await;
    assert_eq!(answer.result().as_array().unwrap().len(), 50);
    assert!(answer.body.get("total").is_none() && answer.body.get("next").is_none(), "{}", answer.text);
}

#[tokio::test]
async fn users_are_filtered_by_extension_and_activity() {
    let site = Site::new().await;
    let by_extension = site.call("user.get", json!({"FILTER": {"UF_PHONE_INNER": "101"}})).await;
    assert_eq!(by_extension.result()[0]["ID"], ALICE.to_string());
    assert_eq!(by_extension.result()[0]["ACTIVE"], true);
    let none = site.form("user.get", "FILTER[ACTIVE]=1&FILTER[UF_PHONE_INNER]=103").await;
    assert_eq!(none.result(), &json!([]));
    let left = site.form("user.get", "FILTER[ACTIVE]=0").await;
    assert_eq!(left.result()[0]["UF_PHONE_INNER"], "103");
    let both = site.call("user.get", json!({"FILTER": {"@UF_PHONE_INNER": ["101", "102"]}})).await;
    assert_eq!(both.result().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_brief_scope_hides_extensions() {
    let scopes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    for (scope, visible) in [("user_brief", false), ("user_basic", true), ("user", true)] {
        let site = Site::with(|options| options.scopes = scopes(&[scope])).await;
        let answer = site.call("user.get", json!({"FILTER": {"ID": ALICE}})).await;
        assert_eq!(answer.result()[0].get("UF_PHONE_INNER").is_some(), visible, "{scope}");
    }
}

#[tokio::test]
async fn the_webhooks_owner_is_the_current_user() {
    let site = Site::new().await;
    assert_eq!(site.call("user.current", json!({})).await.result()["ID"], "7");
    assert_eq!(site.call("profile", json!({})).await.result()["ID"], "7");
}
