use serde_json::{Value, json};

use crate::client::Site;

#[tokio::test]
async fn lines_are_added_changed_listed_and_deleted() {
    let site = Site::new().await;
    assert_eq!(site.call("telephony.externalLine.get", json!({})).await.result(), &json!([]));
    let added = site.call("telephony.externalLine.add", json!({"NUMBER": "+15550199", "NAME": "Main"})).await;
    let changed =
        site.call("telephony.externalLine.update", json!({"NUMBER": "+15550199", "CRM_AUTO_CREATE": "N"})).await;
    assert_eq!(added.result(), changed.result());
    let listed = site.call("telephony.externalLine.get", json!({})).await;
    assert_eq!(listed.result(), &json!([{"NUMBER": "+15550199", "NAME": "Main", "CRM_AUTO_CREATE": "N"}]));
    let deleted = site.call("telephony.externalLine.delete", json!({"NUMBER": "+15550199"})).await;
    assert_eq!(deleted.result(), &json!([]));
}

#[tokio::test]
async fn wrong_lines_are_refused() {
    let site = Site::new().await;
    site.call("telephony.externalLine.add", json!({"NUMBER": "1"})).await.result();
    let cases: [(&str, Value, &str); 5] = [
        ("add", json!({"NUMBER": ""}), "NUMBER should not be empty"),
        ("add", json!({"NUMBER": "1"}), "Line already exists"),
        ("update", json!({"NUMBER": "1"}), "There are no fields to update"),
        ("update", json!({"NUMBER": "2", "NAME": "x"}), "Could not find line with number 2"),
        ("delete", json!({"NUMBER": "2"}), "Could not find line with number 2"),
    ];
    for (method, params, description) in cases {
        let answer = site.call(&format!("telephony.externalline.{method}"), params).await;
        assert_eq!(answer.refusal(), (400, "ERROR_CORE", description));
    }
}

#[tokio::test]
async fn an_unknown_line_is_made_when_a_call_comes_over_it() {
    let site = Site::new().await;
    let mut call = crate::client::incoming("1");
    call["LINE_NUMBER"] = json!("+15550199");
    site.call("telephony.externalcall.register", call).await.result();
    assert_eq!(site.portal.state()["lines"][0]["NUMBER"], "+15550199");
}
