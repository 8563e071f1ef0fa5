use std::{collections::BTreeSet, time::Duration};

use fake_bitrix24::{Bucket, Operating};
use serde_json::json;

use crate::client::Site;

#[tokio::test]
async fn requests_beyond_the_bucket_are_refused_until_it_has_drained() {
    let site = Site::with(|options| options.bucket = Some(Bucket { capacity: 3.0, drain: 0.5 })).await;
    for _ in 0..3 {
        site.call("profile", json!({})).await.result();
    }
    let refused = site.call("profile", json!({})).await;
    assert_eq!(refused.refusal(), (503, "QUERY_LIMIT_EXCEEDED", "Too many requests"));
    site.portal.advance(Duration::from_secs(2));
    site.call("profile", json!({})).await.result();
    assert_eq!(site.call("profile", json!({})).await.status, 503);
}

#[tokio::test]
async fn a_method_that_used_up_its_time_is_blocked_alone_until_the_time_it_tells() {
    let second = Duration::from_secs(1);
    let site = Site::with(|options| {
        options.operating = Some(Operating { limit: second * 2, window: second * 600, cost: second });
    })
    .await;
    for operating in [1.0, 2.0] {
        let answer = site.call("profile", json!({})).await;
        answer.result();
        assert_eq!(answer.body["time"]["operating"], operating);
    }
    let refused = site.call("profile", json!({})).await;
    assert_eq!((refused.status, refused.refusal().1), (429, "OPERATION_TIME_LIMIT"));
    let now = site.portal.state()["now"].as_i64().unwrap() / 1000;
    let wait = refused.body["time"]["operating_reset_at"].as_i64().unwrap() - now;
    assert!((598..=600).contains(&wait), "{wait}");
    site.call("user.current", json!({})).await.result();
    site.portal.advance(Duration::from_secs(601));
    site.call("profile", json!({})).await.result();
}

#[tokio::test]
async fn methods_outside_the_webhooks_scope_are_refused() {
    let site = Site::with(|options| options.scopes = BTreeSet::from(["telephony".to_owned()])).await;
    for (method, granted) in [("crm.contact.get", false), ("user.get", false), ("telephony.externalline.get", true)] {
        let answer = site.call(method, json!({"id": 88})).await;
        if granted {
            answer.result();
        } else {
            assert_eq!((answer.status, answer.refusal().1), (403, "insufficient_scope"), "{method}");
        }
    }
}
