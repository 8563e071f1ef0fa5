use hyper::Request;
use serde_json::{Value, json};

use crate::client::{ANA, Site};

#[tokio::test]
async fn a_wrong_secret_or_user_is_refused() {
    let site = Site::with(|options| options.secret = Some("right".to_owned())).await;
    for path in ["/rest/7/wrong/profile", "/rest/8/right/profile", "/rest/profile"] {
        let answer = site.send(Request::get(path).body(Default::default()).unwrap()).await.unwrap();
        assert_eq!(answer.refusal(), (401, "NO_AUTH_FOUND", "Wrong authorization data"), "{path}");
    }
    site.send(Request::get("/rest/7/right/profile").body(Default::default()).unwrap()).await.unwrap().result();
}

#[tokio::test]
async fn an_expired_webhook_is_refused() {
    let site = Site::new().await;
    site.call("profile", json!({})).await.result();
    site.portal.expire_webhook();
    let answer = site.call("profile", json!({})).await;
    assert_eq!(answer.refusal(), (403, "INVALID_CREDENTIALS", "Invalid request credentials"));
}

#[tokio::test]
async fn the_webhook_of_a_user_who_has_left_is_refused() {
    let site = Site::new().await;
    site.portal.seed(&json!({"users": [{"ID": 7, "ACTIVE": false}]})).unwrap();
    assert_eq!(site.call("profile", json!({})).await.status, 403);
}

#[tokio::test]
async fn an_unknown_method_is_not_found() {
    let site = Site::new().await;
    let answer = site.call("telephony.externalcall.hideForAll", json!({})).await;
    assert_eq!(answer.refusal(), (404, "ERROR_METHOD_NOT_FOUND", "Method not found!"));
}

#[tokio::test]
async fn parameters_come_by_query_form_or_json_and_the_method_may_end_in_json() {
    let site = Site::new().await;
    let path = format!("{}?id={ANA}", site.path("crm.contact.get.json"));
    let get = site.send(Request::get(path).body(Default::default()).unwrap()).await.unwrap();
    let form = site.form("crm.contact.get", &format!("id={ANA}")).await;
    let json = site.call("CRM.Contact.Get", json!({"id": ANA})).await;
    assert_eq!(get.result(), form.result());
    assert_eq!(get.result(), json.result());
    let ways: Vec<Value> =
        site.portal.state()["journal"].as_array().unwrap().iter().map(|entry| entry["via"].clone()).collect();
    assert_eq!(ways, ["GET", "form", "json"]);
}

#[tokio::test]
async fn a_body_that_is_neither_json_nor_form_is_refused() {
    let site = Site::new().await;
    for (content_type, body) in [("application/json", "{"), ("application/json", "[1]"), ("text/plain", "id=1")] {
        let request = Request::post(site.path("profile")).header("content-type", content_type);
        let answer = site.send(request.body(body.into()).unwrap()).await.unwrap();
        assert_eq!((answer.status, answer.refusal().1), (400, "INVALID_REQUEST"), "{content_type} {body}");
    }
    let put = Request::put(site.path("profile")).body(Default::default()).unwrap();
    assert_eq!(site.send(put).await.unwrap().status, 400);
}

#[tokio::test]
async fn every_success_tells_its_time() {
    let site = Site::new().await;
    let answer = site.call("profile", json!({})).await;
    let time = &answer.body["time"];
    for name in ["start", "finish", "duration", "processing", "operating"] {
        assert!(time[name].is_number(), "{name}: {time}");
    }
    assert!(time["operating_reset_at"].as_i64().unwrap() > 1_700_000_000);
    assert!(time["date_start"].as_str().unwrap().ends_with("+00:00"), "{time}");
}

#[tokio::test]
async fn the_certificate_is_good_for_localhost_and_there_is_plain_http_by_choice() {
    let tls = Site::new().await;
    assert!(tls.portal.base_url().starts_with("https://localhost:"));
    tls.call("profile", json!({})).await.result();
    let plain = Site::with(|options| options.tls = false).await;
    assert!(plain.portal.base_url().starts_with("http://localhost:"));
    assert!(plain.portal.ca_pem().is_none());
    plain.call("profile", json!({})).await.result();
}

#[tokio::test]
async fn pages_outside_the_rest_interface_are_html() {
    let site = Site::new().await;
    let answer = site.send(Request::get("/crm/contact/details/88/").body(Default::default()).unwrap()).await.unwrap();
    assert_eq!((answer.status, answer.text.starts_with("<html>")), (404, true));
}
