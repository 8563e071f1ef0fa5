//! `telephony.externalcall.finish`, sheet §3.3.

use serde_json::{Value, json};

use super::agent;
use crate::{
    answer::{Answer, Refusal},
    options::Mode,
    params::Params,
    telephony::{Call, Finished},
    world::{Activity, What, World},
};

const STATUS_CODES: [&str; 13] =
    ["200", "304", "603", "603-S", "403", "404", "486", "484", "503", "480", "402", "423", "OTHER"];

pub(super) fn finish(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let not_a_string = || Refusal::new(400, "INVALID_ARGUMENT", "CALL_ID must be a string");
    let id = params.raw("CALL_ID").and_then(Value::as_str).ok_or_else(not_a_string)?.to_owned();
    let user = agent(world, params)?;
    let now = world.now();
    let mut end = read(params, user)?;
    end.at = now;
    // In the wild this refusal comes with an empty code (sheet §3.3).
    let not_found = || Refusal::uncoded("Call is not found (call should be registered prior to finishing");
    let call = world.open_call(&id).ok_or_else(not_found)?;
    let (entity, created) = (call.entity, call.created.clone());
    let (phone, direction, kind) = (call.phone.clone(), call.direction(), call.kind);
    let hidden = call.hide(&[user], "telephony.externalcall.finish", now);

    // Records that this call made, and only those, go to the agent who is credited.
    for made in created {
        if let Some(entity) = world.entity_mut(made) {
            entity.fields.insert("ASSIGNED_BY_ID".to_owned(), json!(user.to_string()));
        }
    }
    end.statistics_id = world.new_id();
    if let Some(owner) = entity {
        let activity = Activity {
            id: world.new_id(),
            call: id.clone(),
            owner,
            subject: format!("{direction} call {phone}"),
            description: String::new(),
            responsible: user,
            direction: if kind == 1 { 2 } else { 1 },
            // A missed call waits for somebody to deal with it.
            completed: end.status_code == "200",
            created: now,
        };
        end.activity = Some(activity.id);
        world.activities.push(activity);
    }
    let mode = world.options.mode;
    let call = world.open_call(&id).ok_or_else(not_found)?;
    call.finished = Some(end);
    let answer = answer(call, mode);
    for user in hidden {
        world.happened(What::CardGone { user, call: id.clone() });
    }
    world.happened(What::Finished { call: id });
    Ok(answer.into())
}

/// The parameters, checked. The refusals of values out of range are ours: the real portal takes them silently, and a
/// statistics row with nonsense is what a test is to find.
fn read(params: &Params, user: u64) -> Result<Finished, Refusal> {
    let duration = params.int("DURATION")?.unwrap_or(0);
    let duration = u64::try_from(duration).map_err(|_| Refusal::argument("DURATION should not be negative"))?;
    let status_code = params.text("STATUS_CODE")?;
    let status_code = status_code.unwrap_or_else(|| if duration > 0 { "200" } else { "304" }.to_owned());
    if !STATUS_CODES.contains(&status_code.as_str()) {
        return Err(Refusal::argument(format!("unknown STATUS_CODE {status_code}")));
    }
    let vote = params.int("VOTE")?;
    if vote.is_some_and(|vote| !(1..=5).contains(&vote)) {
        return Err(Refusal::argument("VOTE should be from 1 to 5"));
    }
    let cost = params.text("COST")?.map(|cost| cost.parse().map_err(|_| Refusal::argument("COST should be a number")));
    if params.has("RECORD_URL") {
        params.note("RECORD_URL of finish is obsolete");
    }
    let add_to_chat = if params.has("ADD_TO_CHAT") { Some(params.flag("ADD_TO_CHAT", false)?) } else { None };
    if add_to_chat.is_none() {
        params.note("ADD_TO_CHAT is missing: its default differs between versions");
    }
    Ok(Finished {
        at: 0,
        user,
        duration,
        status_code,
        failed_reason: params.text("FAILED_REASON")?.unwrap_or_default(),
        vote,
        cost: cost.transpose()?,
        cost_currency: params.text("COST_CURRENCY")?.unwrap_or_default(),
        add_to_chat,
        activity: None,
        statistics_id: 0,
    })
}

/// The statistics row. The sheet says "strings unless obvious", public examples of the cloud show ids as numbers: the
/// old version answers with strings here, the cloud with numbers [inferred], so that both are met.
fn answer(call: &Call, mode: Mode) -> Value {
    let Some(end) = &call.finished else { return Value::Null };
    let number = |value: Option<u64>| match (value, mode) {
        (Some(value), Mode::BoxedOld) => json!(value.to_string()),
        (value, _) => json!(value),
    };
    json!({
        "CALL_ID": call.id,
        "EXTERNAL_CALL_ID": call.external_id,
        "PORTAL_USER_ID": number(Some(end.user)),
        "PHONE_NUMBER": call.phone,
        "PORTAL_NUMBER": call.line.as_deref().unwrap_or_default(),
        "INCOMING": call.kind.to_string(),
        "CALL_DURATION": number(Some(end.duration)),
        "CALL_START_DATE": call.start_date,
        "CALL_STATUS": number(Some(u64::from(end.status_code == "200"))),
        "CALL_VOTE": end.vote,
        "COST": end.cost.unwrap_or_default(),
        "COST_CURRENCY": end.cost_currency,
        "CALL_FAILED_CODE": end.status_code,
        "CALL_FAILED_REASON": end.failed_reason,
        // With a webhook there is no application.
        "REST_APP_ID": Value::Null,
        "REST_APP_NAME": Value::Null,
        "CRM_ACTIVITY_ID": number(end.activity),
        "COMMENT": Value::Null,
        "CRM_ENTITY_TYPE": call.entity.map_or("", |entity| entity.kind.name()),
        "CRM_ENTITY_ID": number(call.entity.map(|entity| entity.id)),
        "ID": number(Some(end.statistics_id)),
        "ERRORS": [],
    })
}
