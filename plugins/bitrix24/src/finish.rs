//! Finishing a call (sheet 3.3).

use hookswitch_sdk::Call;
use hookswitch_sdk::commands::Dial;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::entity::Entity;
use crate::{status, value};

pub(crate) const METHOD: &str = "telephony.externalcall.finish";

/// Where a finished call is found in the CRM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finished {
    /// None: the call is tied to no record, or the answer that named the activity was lost.
    pub(crate) activity: Option<u64>,
    pub(crate) entity: Option<Entity>,
}

/// Builds the parameters.
pub(crate) fn parameters(call: &Call, call_id: &str, user: u64, add_to_chat: bool) -> Value {
    let mut parameters = json!({
        "CALL_ID": call_id,
        "USER_ID": user,
        "DURATION": (call.talk_ms + 500) / 1000,
        "STATUS_CODE": status::code(call),
        "ADD_TO_CHAT": u8::from(add_to_chat),
    });
    if let (Some(reason), Some(parameters)) = (status::failed_reason(call), parameters.as_object_mut()) {
        parameters.insert("FAILED_REASON".into(), reason.into());
    }
    parameters
}

/// Builds the parameters for a call that the portal has registered and that was never made (sheet 4).
pub(crate) fn of_dial(dial: &Dial, outcome: &str, reason: &str, call_id: &str, user: u64, add_to_chat: bool) -> Value {
    let extra = |name: &str| dial.extra.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let why = extra("problem-text").map_or_else(|| reason.replace('_', " "), str::to_string);
    json!({
        "CALL_ID": call_id,
        "USER_ID": user,
        "DURATION": 0,
        "STATUS_CODE": status::of_dial(outcome, reason, extra("problem").unwrap_or_default()),
        "FAILED_REASON": why,
        "ADD_TO_CHAT": u8::from(add_to_chat),
    })
}

impl Finished {
    /// Reads the activity and the record that a row of the statistics names; `finish` answers with such a row too.
    pub(crate) fn of_row(row: &Value) -> Self {
        Self { activity: row.get("CRM_ACTIVITY_ID").and_then(value::id), entity: Entity::of_fields(row) }
    }
}

/// Reads the result, with what the portal could not do beside finishing the call. None: it does not say that a call was
/// finished.
pub(crate) fn read(result: &Value) -> Option<(Finished, Vec<String>)> {
    if value::field(result, "CALL_ID").is_empty() {
        return None;
    }
    let errors = value::list(result.get("ERRORS")).iter().map(|error| match error {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    Some((Finished::of_row(result), errors.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Kind;
    use crate::sample::call;

    #[test]
    fn talk_time_is_given_in_seconds_and_the_chat_is_never_left_to_the_portals_default() {
        let answered = Call { outcome: "answered".into(), reason: "normal".into(), talk_ms: 61_600, ..call() };
        assert_eq!(
            parameters(&answered, "externalCall.1f", 12, false),
            json!({"CALL_ID": "externalCall.1f", "USER_ID": 12, "DURATION": 62, "STATUS_CODE": "200", "ADD_TO_CHAT": 0})
        );
    }

    #[test]
    fn a_missed_call_says_why() {
        let missed = Call { outcome: "missed".into(), reason: "no_answer".into(), ..call() };
        let parameters = parameters(&missed, "externalCall.1f", 12, true);
        assert_eq!((&parameters["STATUS_CODE"], &parameters["DURATION"]), (&json!("304"), &json!(0)));
        assert_eq!((&parameters["FAILED_REASON"], &parameters["ADD_TO_CHAT"]), (&json!("no answer"), &json!(1)));
    }

    #[test]
    fn the_result_is_read_though_all_its_numbers_are_texts() {
        let result = json!({"CALL_ID": "externalCall.1f", "CRM_ACTIVITY_ID": "901", "CRM_ENTITY_TYPE": "CONTACT", "CRM_ENTITY_ID": "88",
            "ERRORS": ["Activity was not bound"]});
        let (finished, errors) = read(&result).unwrap();
        assert_eq!(finished, Finished { activity: Some(901), entity: Some(Entity { kind: Kind::Contact, id: 88 }) });
        assert_eq!(errors, vec!["Activity was not bound"]);
        let untied = json!({"CALL_ID": "externalCall.1f", "CRM_ACTIVITY_ID": "0", "ERRORS": []});
        assert_eq!(read(&untied), Some((Finished::default(), vec![])));
    }

    #[test]
    fn a_result_that_names_no_call_says_nothing() {
        for result in [json!(true), json!([]), json!(null), json!({"CRM_ACTIVITY_ID": 901}), json!({"CALL_ID": ""})] {
            assert_eq!(read(&result), None, "{result}");
        }
    }
}
