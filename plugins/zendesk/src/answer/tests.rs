use super::*;

fn answer(effect: Effect, status: u16, headers: &[(&str, &str)], text: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Answer { effect, status, headers, text: text.into() }
}

fn failure(effect: Effect, status: u16, headers: &[(&str, &str)], text: &str) -> (Reason, Failure) {
    let refusal = read("the ticket", &answer(effect, status, headers, text), &|| 1_767_225_600_000).unwrap_err();
    (refusal.reason, refusal.into())
}

#[test]
fn success_is_json_or_nothing_at_all() {
    let read = |text: &str| read("x", &answer(Effect::Once, 200, &[], text), &|| 0);
    assert_eq!(read("{\"a\":1}"), Ok(serde_json::json!({"a": 1})));
    assert_eq!(read(" "), Ok(Value::Null));
    assert!(matches!(read("{\"ticket\":{\"id\":55").map_err(Failure::from), Err(Failure::InDoubt(_))));
}

#[test]
fn a_refused_record_says_which_fields_are_wrong() {
    let text = r#"{"error":"RecordInvalid","description":"Record validation errors","details":{
        "requester":[{"description":"Requester: is suspended."}],"base":[{"description":"Comment: cannot be blank"}]}}"#;
    let (reason, failure) = failure(Effect::Once, 422, &[], text);
    let Failure::Rejected(problem) = failure else { panic!("{failure:?}") };
    assert_eq!((reason, problem.code.as_str()), (Reason::Other, "RecordInvalid"));
    assert!(problem.text.contains("Requester: is suspended.") && problem.text.contains("Comment: cannot be blank"));
}

#[test]
fn a_key_that_is_taken_is_told_from_other_mistakes() {
    for detail in [
        r#"{"description":"External has already been taken","error":"DuplicateValue"}"#,
        r#"{"description":"Phone: +49 is already being used by another user"}"#,
    ] {
        let text = format!(r#"{{"error":"RecordInvalid","details":{{"x":[{detail}]}}}}"#);
        assert_eq!(failure(Effect::Once, 422, &[], &text).0, Reason::Duplicate, "{detail}");
    }
}

#[test]
fn a_limit_says_how_long_to_wait() {
    let (_, failure) = failure(Effect::Once, 429, &[("retry-after", "93")], "{\"error\":\"TooManyRequests\"}");
    assert!(matches!(failure, Failure::Temporary(delay) if delay.after_ms == Some(93_000)));
}

#[test]
fn what_passes_by_itself_is_temporary_and_what_may_be_done_in_doubt() {
    let kind = |effect, status, text: &str| match failure(effect, status, &[], text).1 {
        Failure::Temporary(_) => "temporary",
        Failure::InDoubt(_) => "in-doubt",
        Failure::Unauthorised(_) => "unauthorised",
        Failure::Rejected(_) => "rejected",
        _ => "other",
    };
    for (effect, status, text, expected) in [
        (Effect::Once, 409, r#"{"error":"UpdateConflict"}"#, "temporary"),
        (Effect::Once, 503, "<html>", "temporary"),
        (Effect::Once, 500, "<html>", "in-doubt"),
        (Effect::Once, 504, "", "in-doubt"),
        (Effect::Read, 500, "{}", "temporary"),
        (Effect::Once, 400, r#"{"error":"IdempotentRequestError"}"#, "in-doubt"),
        (Effect::Once, 400, r#"{"error":"BadRequest"}"#, "rejected"),
        (Effect::Read, 401, r#"{"error":"Couldn't authenticate you"}"#, "unauthorised"),
        (Effect::Read, 403, "{}", "unauthorised"),
        (Effect::Read, 301, "", "unauthorised"),
        (Effect::Read, 404, "<html>no such account</html>", "unauthorised"),
        (Effect::Read, 404, r#"{"error":"RecordNotFound","description":"Not found"}"#, "rejected"),
    ] {
        assert_eq!(kind(effect, status, text), expected, "{effect:?} {status} {text}");
    }
    assert_eq!(failure(Effect::Read, 404, &[], r#"{"error":"RecordNotFound"}"#).0, Reason::Missing);
    assert_eq!(failure(Effect::Once, 404, &[], "").0, Reason::Missing);
}
