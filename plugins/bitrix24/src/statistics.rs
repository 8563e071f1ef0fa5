//! What the portal's statistics say of a call (`voximplant.statistic.get` of the public REST documentation). A row comes to
//! be when a call is finished, so it tells what became of a finish whose answer was lost.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Failure, info};
use serde_json::{Value, json};

use crate::finish::Finished;
use crate::{portal, value};

/// Finds a call that was finished. None: it was not, or the portal does not show its statistics to this webhook (the
/// user lacks the right *Call statistics, view*).
pub(crate) fn find(call_id: &str) -> Result<Option<Finished>, Failure> {
    Ok(row(call_id)?.as_ref().map(Finished::of_row))
}

fn row(call_id: &str) -> Result<Option<Value>, Failure> {
    // This method alone wants its filter in capitals.
    let parameters = json!({"FILTER": {"CALL_ID": call_id}, "start": 0});
    match portal::call("voximplant.statistic.get", &parameters, Effect::Read) {
        Ok(envelope) => Ok(of_call(&envelope.result, call_id)),
        Err(refusal) if refusal.is_not_offered() => {
            info!("portal does not show its call statistics to the webhook");
            Ok(None)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// What the portal has of a call that was finished, beside its activity.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) record: bool,
    /// By its id: another transcript has another.
    pub(crate) transcript: Option<u64>,
}

/// Says what has been attached to a call. Nothing: also where the portal does not show its statistics.
pub(crate) fn attached(call_id: &str) -> Result<Attached, Failure> {
    Ok(row(call_id)?.as_ref().map(Attached::of_row).unwrap_or_default())
}

impl Attached {
    fn of_row(row: &Value) -> Self {
        let id = |name| row.get(name).and_then(value::id);
        Self { record: id("RECORD_FILE_ID").is_some(), transcript: id("TRANSCRIPT_ID") }
    }
}

/// A portal that does not understand the filter answers with calls of all kinds.
fn of_call(rows: &Value, call_id: &str) -> Option<Value> {
    value::list(Some(rows)).iter().find(|row| value::field(row, "CALL_ID") == call_id).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{Entity, Kind};

    #[test]
    fn only_the_row_of_the_call_itself_counts() {
        let rows = json!([
            {"CALL_ID": "externalCall.2e", "CRM_ACTIVITY_ID": "902"},
            {"CALL_ID": "externalCall.1f", "CRM_ACTIVITY_ID": "901", "CRM_ENTITY_TYPE": "LEAD", "CRM_ENTITY_ID": "412"},
        ]);
        let finished = Finished { activity: Some(901), entity: Some(Entity { kind: Kind::Lead, id: 412 }) };
        assert_eq!(of_call(&rows, "externalCall.1f").as_ref().map(Finished::of_row), Some(finished));
        assert_eq!(of_call(&rows, "externalCall.3d"), None);
        assert_eq!(of_call(&json!([]), "externalCall.1f"), None);
    }

    #[test]
    fn nothing_is_attached_as_long_as_the_row_names_no_file() {
        let none = json!({"RECORD_FILE_ID": null, "TRANSCRIPT_ID": null});
        assert_eq!(Attached::of_row(&none), Attached::default());
        let recorded = json!({"RECORD_FILE_ID": 991, "TRANSCRIPT_ID": null});
        assert_eq!(Attached::of_row(&recorded), Attached { record: true, transcript: None });
        let both = json!({"RECORD_FILE_ID": "991", "TRANSCRIPT_ID": "55"});
        assert_eq!(Attached::of_row(&both), Attached { record: true, transcript: Some(55) });
    }
}
