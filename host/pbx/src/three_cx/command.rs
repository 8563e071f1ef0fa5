//! Answers to what the PBX was told to do (sheet, B.2).

use serde::Deserialize;
use serde_json::Value;

use super::{gateway::Failure, participant::text};
use crate::Refused;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(alias = "FinalStatus")]
    finalstatus: Option<Value>,
    #[serde(alias = "Reason", deserialize_with = "text")]
    reason: String,
    #[serde(alias = "ReasonText", deserialize_with = "text")]
    reasontext: String,
    #[serde(alias = "Result")]
    result: Option<Concerned>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Concerned {
    #[serde(alias = "CallId")]
    callid: Option<u64>,
}

/// What the PBX did: the `callid` of the call that it is about, where it says one.
pub(super) fn done(answer: Value) -> Result<Option<u64>, Refused> {
    if answer.is_null() {
        return Ok(None);
    }
    let odd = |what: &str| Refused::InDoubt(format!("its answer is not as expected: {what}"));
    if !answer.is_object() {
        return Err(odd("no object"));
    }
    let Raw { finalstatus, reason, reasontext, result } =
        serde_json::from_value(answer).map_err(|error| odd(&error.to_string()))?;
    if succeeded(finalstatus.as_ref()) {
        return Ok(result.and_then(|result| result.callid));
    }
    let told = [reasontext.as_str(), reason.as_str()].into_iter().find(|text| !text.is_empty());
    let told = told.unwrap_or("without a reason").to_owned();
    let word = format!("{reason} {reasontext}").to_ascii_lowercase().replace([' ', '_'], "");
    let has = |words: &[&str]| words.iter().any(|part| word.contains(part));
    Err(if has(&["notregistered", "noregistered", "offline", "unavailable"]) {
        Refused::Unreachable(told)
    } else if has(&["invalidnumber", "badnumber", "invaliddestination", "notfound", "addressincomplete"]) {
        Refused::BadNumber(told)
    } else if has(&["forbidden", "permission", "denied", "notallowed", "license"]) {
        Refused::NotPermitted(told)
    } else {
        Refused::Other(told)
    })
}

/// -1 is failed, 0 rejected, 1 success; words are as good.
fn succeeded(status: Option<&Value>) -> bool {
    match status {
        None | Some(Value::Null) => true,
        Some(Value::String(word)) => word == "1" || word.eq_ignore_ascii_case("success"),
        Some(number) => number.as_i64() == Some(1),
    }
}

/// What a failure means to whoever gave the order.
pub(super) fn refused(failure: Failure) -> Refused {
    match failure {
        Failure::Silent { sent: true, text } => Refused::InDoubt(text),
        Failure::Silent { sent: false, text } => Refused::Offline(text),
        Failure::Status { status: 401 | 403, .. } | Failure::Credentials(_) => {
            Refused::NotPermitted(failure.to_string())
        }
        Failure::Status { status: 404, .. } => Refused::Unreachable(
            "it has no such extension, or does not let this API client monitor it: see Integrations > API".to_owned(),
        ),
        Failure::Status { .. } => Refused::Other(failure.to_string()),
        Failure::Odd(text) => Refused::InDoubt(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_three_final_states_are_told_apart_in_numbers_and_in_words() {
        assert_eq!(done(json!({ "finalstatus": 1, "result": { "callid": 1265 } })), Ok(Some(1265)));
        assert_eq!(done(json!({ "finalstatus": "Success", "reason": "None" })), Ok(None));
        assert_eq!(done(Value::Null), Ok(None));
        assert_eq!(
            done(json!({ "finalstatus": 0, "reason": "NotRegistered", "reasontext": "Not registered" })),
            Err(Refused::Unreachable("Not registered".into()))
        );
        assert_eq!(
            done(json!({ "finalstatus": -1, "reason": "InvalidNumber" })),
            Err(Refused::BadNumber("InvalidNumber".into()))
        );
        assert_eq!(
            done(json!({ "finalstatus": "Failed", "reason": "Forbidden" })),
            Err(Refused::NotPermitted("Forbidden".into()))
        );
        assert_eq!(done(json!({ "finalstatus": -1 })), Err(Refused::Other("without a reason".into())));
        assert!(matches!(done(json!([])), Err(Refused::InDoubt(_))));
    }
}
