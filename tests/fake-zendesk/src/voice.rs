//! Voice comments, tickets of the Talk Partner Edition, and what agents are shown (sheet 1).

use serde_json::{Value, json};

use crate::{answer::Answer, fields::Fields, ticket, user::OWNER, world::World};

const OPEN: &[&str] = &[
    "subject",
    "comment",
    "voice_comment",
    "requester_id",
    "assignee_id",
    "group_id",
    "priority",
    "tags",
    "status",
    "external_id",
    "via_id",
];
const COMMENT: &[&str] =
    &["from", "to", "recording_url", "started_at", "call_duration", "answered_by_id", "transcription_text", "location"];

/// Reads a call, and gives it as a ticket shows it.
pub(crate) fn comment(world: &mut World, call: &Value) -> Result<Value, Answer> {
    let wrapped = json!({"voice_comment": call});
    let fields = Fields::of(world, &wrapped, "voice_comment", COMMENT)?;
    let required = |key: &str| {
        let text = fields.text(key)?.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| Answer::invalid("voice_comment", &format!("{key}: cannot be blank")))
    };
    let (from, to, started_at) = (required("from")?, required("to")?, required("started_at")?);
    if jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%SZ", &started_at).is_err() {
        return Err(Answer::invalid("voice_comment", &format!("started_at: {started_at} is no time in UTC")));
    }
    let Some(duration) = fields.id("call_duration")? else {
        return Err(Answer::invalid("voice_comment", "call_duration: cannot be blank"));
    };
    let answered_by = fields.id("answered_by_id")?;
    if answered_by.is_some_and(|id| !world.users.get(&id).is_some_and(|user| user.is_agent())) {
        return Err(Answer::invalid("voice_comment", "answered_by_id: is no agent"));
    }
    let recording = fields.text("recording_url")?;
    if recording.as_ref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        return Err(Answer::invalid("voice_comment", "recording_url: is no address"));
    }
    let data = json!({"from": from, "to": to, "started_at": started_at, "call_duration": duration.to_string(),
        "answered_by_id": answered_by, "recording_url": recording});
    let body = format!("Call from: {from}\nCall to: {to}\nLength of phone call: {duration} s");
    Ok(json!({"id": world.new_id(), "type": "VoiceComment", "author_id": OWNER, "body": body, "plain_body": body,
        "public": true, "data": data}))
}

pub(crate) fn create(world: &mut World, body: &Value) -> Result<Answer, Answer> {
    if !world.options.talk {
        return Err(Answer::not_found());
    }
    let mut body = body.clone();
    let shown = body.as_object_mut().and_then(|body| body.remove("display_to_agent"));
    let fields = Fields::of(world, &body, "ticket", OPEN)?;
    let via = match fields.id("via_id")? {
        Some(44) => "voicemail",
        Some(45) => "phone_call_inbound",
        Some(46) => "phone_call_outbound",
        other => return Err(Answer::invalid("via_id", &format!("Via: {other:?} is no call"))),
    };
    let answer = ticket::make(world, &fields, via)?;
    if let (Some(agent), Some(id)) = (shown.and_then(|agent| agent.as_u64()), world.tickets.keys().next_back().copied())
    {
        // Whether the agent is there makes no difference to the ticket.
        let _ = display(world, agent, "ticket", id);
    }
    Ok(answer)
}

/// 404 if the agent's browser is not open, or the licence is missing.
pub(crate) fn display(world: &mut World, agent: u64, kind: &'static str, id: u64) -> Result<Answer, Answer> {
    let is_there = match kind {
        "user" => world.users.contains_key(&id),
        _ => world.tickets.get(&id).is_some_and(|ticket| !ticket.deleted),
    };
    let at_desk = world.users.get(&agent).is_some_and(|user| user.is_agent() && user.browser);
    if !world.options.talk || !at_desk || !is_there {
        return Err(Answer::not_found());
    }
    world.displays.push((agent, kind, id));
    Ok(Answer { body: String::new(), ..Answer::json(200, &Value::Null) })
}
