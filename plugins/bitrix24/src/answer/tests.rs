use super::*;
use crate::refusal::Reason;
use hookswitch_sdk::http::Effect;
use serde_json::json;

fn read_at(now_ms: u64, status: u16, headers: &[(&str, &str)], body: &str) -> Result<Envelope, Refusal> {
    read_of(Effect::Read, now_ms, status, headers, body)
}

fn read_of(
    effect: Effect,
    now_ms: u64,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Envelope, Refusal> {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let timing = Timing { now_ms: &|| now_ms, jitter_ms: &|| 250 };
    read("user.get", &Answer { effect, status, headers, text: body.into() }, timing)
}

fn failure_of(status: u16, body: &str) -> Failure {
    read_at(0, status, &[], body).unwrap_err().into()
}

fn wait_of(failure: &Failure) -> Option<u64> {
    match failure {
        Failure::Temporary(delay) => delay.after_ms,
        other => panic!("not temporary: {other:?}"),
    }
}

#[test]
fn a_result_is_given_with_its_place_in_the_list() {
    let body = r#"{"result":[1,2],"next":50,"total":120,"time":{"start":1.5,"operating_reset_at":1767226200}}"#;
    let expected = Envelope { result: json!([1, 2]), next: Some(50), total: Some(120) };
    assert_eq!(read_at(0, 200, &[], body), Ok(expected));
    let with_mark = format!("\u{feff}{}", r#"{"result":true}"#);
    assert_eq!(read_at(0, 200, &[], &with_mark).unwrap().result, json!(true));
}

#[test]
fn sign_in_errors_hold_the_plugin_whatever_case_the_code_has() {
    for (status, code) in [
        (401, "expired_token"),
        (401, "NO_AUTH_FOUND"),
        (401, "invalid_token"),
        (403, "INVALID_CREDENTIALS"),
        (403, "insufficient_scope"),
        (403, "user_access_error"),
        (403, "ACCESS_DENIED"),
        (403, "WRONG_AUTH_TYPE"),
        (500, "PORTAL_DELETED"),
        (403, "something_new"),
        (401, ""),
    ] {
        let body = json!({"error": code, "error_description": "no"}).to_string();
        assert!(matches!(failure_of(status, &body), Failure::Unauthorised(_)), "{status} {code}");
    }
}

#[test]
fn limits_are_waited_for() {
    let limited = |status, headers: &[(&str, &str)], code: &str, time: Value| {
        let body = json!({"error": code, "error_description": "", "time": time}).to_string();
        wait_of(&read_at(1_767_226_000_000, status, headers, &body).unwrap_err().into())
    };
    assert_eq!(limited(503, &[], "QUERY_LIMIT_EXCEEDED", json!({})), Some(1_250));
    assert_eq!(limited(503, &[("retry-after", "7")], "QUERY_LIMIT_EXCEEDED", json!({})), Some(7_250));
    assert_eq!(limited(503, &[], "OVERLOAD_LIMIT", json!({})), Some(1_250));
    assert_eq!(limited(429, &[], "OPERATION_TIME_LIMIT", json!({"operating_reset_at": 1_767_226_200})), Some(200_000));
    assert_eq!(limited(429, &[], "OPERATION_TIME_LIMIT", json!({"operating_reset_at": 1_767_225_000})), Some(1_000));
    assert_eq!(limited(429, &[], "OPERATION_TIME_LIMIT", json!({})), Some(60_000));
}

#[test]
fn server_errors_are_temporary() {
    for (status, code) in [(500, "INTERNAL_SERVER_ERROR"), (500, "ERROR_UNEXPECTED_ANSWER"), (502, ""), (504, "X")] {
        let body = json!({"error": code, "error_description": "oops"}).to_string();
        assert_eq!(wait_of(&failure_of(status, &body)), None, "{status} {code}");
    }
}

#[test]
fn a_refusal_is_shown_in_the_portals_words() {
    let body = r#"{"error":"ERROR_CORE","error_description":"Unsupported phone number format"}"#;
    let Failure::Rejected(problem) = failure_of(400, body) else { panic!("not rejected") };
    assert_eq!(problem.code, "ERROR_CORE");
    assert_eq!(problem.detail, "Unsupported phone number format");
    assert!(problem.text.contains("user.get") && problem.text.contains("Unsupported phone number format"));
    for code in ["ERROR_ARGUMENT", "INVALID_ARGUMENT", "INVALID_REQUEST", "ERROR_METHOD_NOT_FOUND", ""] {
        let body = json!({"error": code, "error_description": "no"}).to_string();
        assert!(matches!(failure_of(400, &body), Failure::Rejected(_)), "{code}");
    }
}

#[test]
fn an_unknown_call_is_recognised_by_its_words_where_the_code_is_empty() {
    let body = r#"{"error":"","error_description":"Call is not found (call should be registered prior to finishing"}"#;
    let refusal = read_at(0, 400, &[], body).unwrap_err();
    assert_eq!(refusal.reason, Reason::UnknownCall);
    assert!(!refusal.perhaps_done);
}

#[test]
fn an_unknown_user_is_told_from_other_refusals() {
    let reason = |description: &str| {
        let body = json!({"error": "ERROR_CORE", "error_description": description}).to_string();
        read_at(0, 400, &[], &body).unwrap_err().reason
    };
    assert_eq!(reason("User is not found or is not active"), Reason::UnknownUser);
    assert_eq!(reason("Unknown TYPE"), Reason::BadParameter);
}

#[test]
fn a_page_to_sign_in_is_no_outage() {
    let login = "<!DOCTYPE html><html><form><input type=\"password\" name=\"USER_PASSWORD\"></form></html>";
    assert!(matches!(failure_of(200, login), Failure::Unauthorised(_)));
    assert!(matches!(failure_of(401, "<html>Authorization required</html>"), Failure::Unauthorised(_)));
    assert!(matches!(failure_of(302, ""), Failure::Unauthorised(_)));
}

#[test]
fn anything_else_that_is_not_json_is_tried_again_and_may_have_been_done() {
    for (status, body) in [
        (200, "<html>We are updating your portal</html>"),
        (200, r#"{"result":{"CALL_ID":"exte"#),
        (200, ""),
        (200, "[]"),
        (200, "{}"),
        (404, "<html>nginx</html>"),
        (502, "<html>Bad gateway</html>"),
        (503, "Service unavailable"),
    ] {
        for effect in [Effect::Read, Effect::Idempotent, Effect::Once] {
            let refusal = read_of(effect, 0, status, &[], body).unwrap_err();
            assert!(refusal.perhaps_done, "{status} {body}");
            let in_doubt = matches!(Failure::from(refusal), Failure::InDoubt(_));
            assert_eq!(in_doubt, effect == Effect::Once && status != 503, "{effect:?} {status} {body}");
        }
    }
    let refusal = read_at(0, 503, &[("retry-after", "30")], "<html>").unwrap_err();
    assert_eq!(wait_of(&refusal.into()), Some(30_000));
}

#[test]
fn a_call_that_is_not_finished_yet_is_waited_for() {
    for description in [
        "Call is not found in the statistic table. Looks like it is not finished yet.",
        "Call externalCall.1f is not found. Is it finished?",
    ] {
        let body = json!({"error": "ERROR_CORE", "error_description": description}).to_string();
        let refusal = read_at(0, 400, &[], &body).unwrap_err();
        assert_eq!((refusal.reason, refusal.perhaps_done), (Reason::UnfinishedCall, false));
        assert!(matches!(Failure::from(refusal), Failure::Temporary(_)), "{description}");
    }
}
