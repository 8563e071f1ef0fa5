//! Calls that are over: `voximplant.statistic.get` [public: voximplant-statistic-get.md; the sheet does not know it].
//!
//! It needs the right *Call statistics, view*; without it the portal refuses with 403 `ACCESS_DENIED`, which a fault can
//! bring about. That a row is there as soon as `finish` has answered is inferred from the answer, which is that row.

use serde_json::{Value, json};

use super::listing::{self, Row};
use crate::{
    answer::{Answer, Refusal},
    params::Params,
    telephony::Call,
    world::World,
};

/// Those of the sortable fields that can be sorted by here.
const SORTABLE: [&str; 4] = ["ID", "CALL_ID", "CALL_START_DATE", "PHONE_NUMBER"];

/// Parameters are in upper case, except `start`. There is no selection.
pub(super) fn get(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let filter = listing::map(params, "FILTER")?;
    let mut rows = Vec::new();
    for row in world.calls.iter().filter_map(row) {
        if listing::matches(&filter, params, |field| Some(vec![listing::text_of(&row, field)?]))? {
            rows.push(row);
        }
    }
    let direction = params.text("ORDER")?.unwrap_or_else(|| "ASC".to_owned());
    let order = params.text("SORT")?.map(|field| (field, Value::String(direction)));
    listing::sort(&mut rows, &order.into_iter().collect(), &SORTABLE)?;
    listing::page(rows.into_iter().map(Value::Object), params)
}

/// All values are texts, and what is not known is null, but for the file's id. None: the call is not finished.
fn row(call: &Call) -> Option<Row> {
    let end = call.finished.as_ref()?;
    let text = |value: Option<u64>| value.map(|value| value.to_string());
    let row = json!({
        "ID": end.statistics_id.to_string(),
        "PORTAL_USER_ID": end.user.to_string(),
        "PORTAL_NUMBER": call.line.as_deref().unwrap_or_default(),
        "PHONE_NUMBER": call.phone,
        "CALL_ID": call.id,
        "EXTERNAL_CALL_ID": call.external_id,
        "CALL_CATEGORY": "external",
        "CALL_LOG": null,
        "CALL_DURATION": end.duration.to_string(),
        "CALL_START_DATE": call.start_date,
        "CALL_RECORD_URL": null,
        "CALL_VOTE": end.vote.map(|vote| vote.to_string()),
        "COST": format!("{:.4}", end.cost.unwrap_or_default()),
        "COST_CURRENCY": end.cost_currency,
        "CALL_FAILED_CODE": end.status_code,
        "CALL_FAILED_REASON": end.failed_reason,
        // What a call without a record has in these three is inferred.
        "CRM_ENTITY_TYPE": call.entity.map(|entity| entity.kind.name()),
        "CRM_ENTITY_ID": text(call.entity.map(|entity| entity.id)),
        "CRM_ACTIVITY_ID": text(end.activity),
        "REST_APP_ID": null,
        "REST_APP_NAME": null,
        "TRANSCRIPT_ID": text(call.transcripts.last().map(|transcript| transcript.id)),
        "TRANSCRIPT_PENDING": "N",
        "SESSION_ID": null,
        "REDIAL_ATTEMPT": null,
        "COMMENT": null,
        "RECORD_DURATION": null,
        "RECORD_FILE_ID": call.records.last().map(|record| record.file.id),
        "CALL_TYPE": call.kind.to_string(),
    });
    row.as_object().cloned()
}
