use std::time::{Duration, Instant};

use fake_bitrix24::{Effect, Fault};
use serde_json::{Value, json};

use crate::client::{Site, incoming};

const REGISTER: &str = "telephony.externalcall.register";

fn calls(site: &Site) -> usize {
    site.portal.state()["calls"].as_array().unwrap().len()
}

#[tokio::test]
async fn refusals_to_order_carry_the_portals_own_words_and_do_nothing() {
    let site = Site::new().await;
    let refuse = Effect::Refuse { status: 503, code: "OVERLOAD_LIMIT".into(), description: "x".into() };
    let cases = [
        (Effect::QueryLimit, 503, "QUERY_LIMIT_EXCEEDED"),
        (Effect::OperationLimit(60), 429, "OPERATION_TIME_LIMIT"),
        (Effect::ServerError, 500, "INTERNAL_SERVER_ERROR"),
        (Effect::ExpiredToken, 401, "expired_token"),
        (Effect::InvalidToken, 401, "invalid_token"),
        (Effect::NoAuth, 401, "NO_AUTH_FOUND"),
        (Effect::InvalidCredentials, 403, "INVALID_CREDENTIALS"),
        (refuse, 503, "OVERLOAD_LIMIT"),
    ];
    for (effect, status, code) in cases {
        site.portal.inject(Fault::on(REGISTER, effect));
        let answer = site.call(REGISTER, incoming("1")).await;
        assert_eq!((answer.status, answer.refusal().1), (status, code));
    }
    assert_eq!(calls(&site), 0);
    site.call(REGISTER, incoming("1")).await.result();
}

#[tokio::test]
async fn pages_of_html_come_with_200_or_500_and_nothing_is_done() {
    let site = Site::new().await;
    for (effect, status) in [(Effect::Html200, 200), (Effect::Html500, 500)] {
        site.portal.inject(Fault::on(REGISTER, effect));
        let answer = site.call(REGISTER, incoming("1")).await;
        assert_eq!((answer.status, answer.text.contains("<html>")), (status, true));
    }
    assert_eq!(calls(&site), 0);
}

#[tokio::test]
async fn a_connection_closed_before_or_after_the_work_leaves_the_difference_in_the_state() {
    let site = Site::new().await;
    for (effect, left_behind) in [(Effect::Close, 0), (Effect::CloseAfter, 1)] {
        site.portal.inject(Fault::on(REGISTER, effect));
        site.try_call(REGISTER, incoming("1")).await.expect_err("no answer comes");
        assert_eq!(calls(&site), left_behind);
        assert_eq!(site.portal.state()["journal"].as_array().unwrap().last().unwrap()["status"], Value::Null);
    }
}

#[tokio::test]
async fn half_an_answer_breaks_off_after_the_work() {
    let site = Site::new().await;
    site.portal.inject(Fault::on(REGISTER, Effect::HalfAnswer));
    site.try_call(REGISTER, incoming("1")).await.expect_err("the body is cut");
    assert_eq!(calls(&site), 1);
}

#[tokio::test]
async fn an_answer_may_be_no_json_after_the_work() {
    let site = Site::new().await;
    site.portal.inject(Fault::on(REGISTER, Effect::NotJson));
    let answer = site.call(REGISTER, incoming("1")).await;
    assert_eq!((answer.status, &answer.body), (200, &Value::Null));
    assert_eq!(calls(&site), 1);
}

#[tokio::test]
async fn a_delay_holds_the_work_back_even_when_the_client_has_gone() {
    let site = Site::new().await;
    site.portal.inject(Fault::on(REGISTER, Effect::Delay(300)));
    let start = Instant::now();
    let hasty = tokio::time::timeout(Duration::from_millis(100), site.call(REGISTER, incoming("1"))).await;
    assert!(hasty.is_err());
    assert_eq!(calls(&site), 0);
    site.portal.wait_until(|state| state["calls"][0].is_object(), Duration::from_secs(5)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_fault_strikes_the_requests_it_was_ordered_for() {
    let site = Site::new().await;
    site.portal.inject(Fault::on("profile", Effect::QueryLimit).after(1).times(2));
    let mut got = Vec::new();
    for _ in 0..5 {
        site.call("user.current", json!({})).await.result();
        got.push(site.call("profile", json!({})).await.status);
    }
    assert_eq!(got, [200, 503, 503, 200, 200]);
}

#[tokio::test]
async fn a_lasting_fault_on_everything_ends_when_it_is_cleared() {
    let site = Site::new().await;
    site.portal.inject(Fault::on("*", Effect::ServerError).always());
    for method in ["profile", "user.current", "profile"] {
        assert_eq!(site.call(method, json!({})).await.status, 500);
    }
    site.portal.clear_faults();
    site.call("profile", json!({})).await.result();
}
