//! The voice comment: a call as Zendesk shows it in a ticket (sheet 1, "Voice comment").

use hookswitch_sdk::{Call, Direction};
use serde_json::{Value, json};

use crate::person::text;

/// How Zendesk writes times.
pub(crate) const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// Stands for a withheld number, or for a line that is not known.
const UNKNOWN: &str = "unknown";

/// What a voice comment says of a call. `started_at` is in UTC, as [`TIME`].
pub(crate) fn comment(call: &Call, started_at: &str, answered_by: Option<u64>, recording: Option<&str>) -> Value {
    let outside = call.external.as_ref().map(|number| number.e164.as_ref().unwrap_or(&number.raw).as_str());
    let outside = outside.filter(|number| !number.is_empty()).unwrap_or(UNKNOWN);
    let ours = Some(call.line.as_str()).filter(|line| !line.is_empty()).unwrap_or(UNKNOWN);
    let (from, to) = if call.direction == Direction::Outbound { (ours, outside) } else { (outside, ours) };
    let mut comment = json!({
        "from": from,
        "to": to,
        "started_at": started_at,
        "call_duration": (call.talk_ms + 500) / 1000,
    });
    if let (Some(user), true, Some(comment)) = (answered_by, call.answered_ms.is_some(), comment.as_object_mut()) {
        comment.insert("answered_by_id".into(), user.into());
    }
    if let (Some(recording), Some(comment)) = (recording, comment.as_object_mut()) {
        comment.insert("recording_url".into(), recording.into());
    }
    comment
}

/// Whether a comment of a ticket is the voice comment of this call.
pub(crate) fn is_of_call(found: &Value, call: &Value) -> bool {
    let Some(data) = found.get("data").filter(|_| text(found, "type") == "VoiceComment") else { return false };
    // Zendesk may write the time with fractions or another offset of zero; to the second it is the same text.
    let second = |value: &Value| text(value, "started_at").get(..19).map(str::to_owned);
    second(data).is_some()
        && second(data) == second(call)
        && ["from", "to"].into_iter().all(|key| text(data, key) == text(call, key))
}

/// How the Talk Partner Edition names the channel.
pub(crate) fn via(call: &Call) -> u64 {
    match call.direction {
        _ if call.reason == "voicemail" => 44,
        Direction::Outbound => 46,
        Direction::Inbound | Direction::Internal => 45,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    const AT: &str = "2026-01-01T00:00:00Z";

    #[test]
    fn who_called_whom_depends_on_the_direction() {
        let answered = Call { answered_ms: Some(1), talk_ms: 61_600, ..sample::call() };
        assert_eq!(
            comment(&answered, AT, Some(77), Some("https://calls.example.com/r/1")),
            json!({"from": "+491515550100", "to": "+49305550199", "started_at": AT, "call_duration": 62,
                "answered_by_id": 77, "recording_url": "https://calls.example.com/r/1"})
        );
        let outbound = Call { direction: Direction::Outbound, ..sample::call() };
        assert_eq!(
            comment(&outbound, AT, Some(77), None),
            json!({"from": "+49305550199", "to": "+491515550100", "started_at": AT, "call_duration": 0})
        );
        let withheld = Call { external: None, line: String::new(), ..sample::call() };
        let comment = comment(&withheld, AT, None, None);
        assert_eq!((text(&comment, "from"), text(&comment, "to")), ("unknown", "unknown"));
    }

    #[test]
    fn a_call_is_recognised_by_its_numbers_and_its_second() {
        let call = comment(&sample::call(), AT, None, None);
        let found = |at: &str, from: &str, kind: &str| json!({"type": kind, "data": {"from": from, "to": "+49305550199", "started_at": at, "call_duration": "62"}});
        assert!(is_of_call(&found(AT, "+491515550100", "VoiceComment"), &call));
        assert!(is_of_call(&found("2026-01-01T00:00:00.000Z", "+491515550100", "VoiceComment"), &call));
        assert!(!is_of_call(&found("2026-01-01T00:00:01Z", "+491515550100", "VoiceComment"), &call));
        assert!(!is_of_call(&found(AT, "+49151555", "VoiceComment"), &call));
        assert!(!is_of_call(&found(AT, "+491515550100", "Comment"), &call));
        assert!(!is_of_call(&json!({"type": "VoiceComment", "data": {}}), &json!({})));
    }

    #[test]
    fn the_channel_tells_voicemail_from_calls() {
        let via = |direction, reason: &str| via(&Call { direction, reason: reason.into(), ..sample::call() });
        assert_eq!(via(Direction::Inbound, "voicemail"), 44);
        assert_eq!(via(Direction::Inbound, ""), 45);
        assert_eq!(via(Direction::Outbound, "busy"), 46);
    }
}
