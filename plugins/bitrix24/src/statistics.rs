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

/// A portal that does not understand the filter answers with calls of all kinds.
fn of_call(rows: &Value, call_id: &str) -> Option<Finished> {
    let mut rows = value::list(Some(rows)).iter();
    rows.find(|row| value::field(row, "CALL_ID") == call_id).map(Finished::of_row)
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
        assert_eq!(of_call(&rows, "externalCall.1f"), Some(finished));
        assert_eq!(of_call(&rows, "externalCall.3d"), None);
        assert_eq!(of_call(&json!([]), "externalCall.1f"), None);
    }
}
