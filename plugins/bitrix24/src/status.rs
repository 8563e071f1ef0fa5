//! How a call ended, in the portal's codes (sheet 3.3).

use hookswitch_sdk::{Call, Direction};

/// Returns the `STATUS_CODE` of a finished call.
pub(crate) fn code(call: &Call) -> &'static str {
    // A call whose end was not seen, after a gap in the connection to the phone system, was talked through all the same
    // if it was answered.
    if call.outcome == "answered" || (call.outcome == "lost" && call.answered_ms.is_some()) {
        return "200";
    }
    if call.outcome == "lost" {
        return "OTHER";
    }
    match (call.reason.as_str(), call.direction) {
        ("busy", _) => "486",
        ("rejected", _) => of_cause(call).filter(|code| *code == "403").unwrap_or("603"),
        // Whatever else kept an inbound caller from being answered is a missed call to the portal, which starts its
        // automations for missed calls on this code alone.
        (_, Direction::Inbound) => "304",
        ("cancelled" | "agent_no_answer", _) => "603-S",
        // Whoever dialled gave up, which the portal tells from a phone that rang out.
        ("no_answer", _) if extra(call, "ended-by") == Some("internal") => "603-S",
        ("no_answer", _) => "480",
        ("unreachable", _) => of_cause(call).unwrap_or("503"),
        _ => of_cause(call).unwrap_or("OTHER"),
    }
}

/// Returns the `STATUS_CODE` of a call that the portal asked for and that was never made.
pub(crate) fn of_dial(outcome: &str, reason: &str, problem: &str) -> &'static str {
    match (outcome, reason, problem) {
        (_, _, "bad-number") => "404",
        (_, _, "barred" | "not-permitted") => "403",
        (_, "agent_no_answer" | "cancelled", _) => "603-S",
        (_, "unreachable", _) => "480",
        _ => "OTHER",
    }
}

/// Returns the text for `FAILED_REASON`; none for a call that was answered.
pub(crate) fn failed_reason(call: &Call) -> Option<String> {
    (code(call) != "200" && !call.reason.is_empty()).then(|| call.reason.replace('_', " "))
}

/// What else is known of the call.
fn extra<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.extra.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The table of Q.850 causes.
fn of_cause(call: &Call) -> Option<&'static str> {
    let cause: u32 = extra(call, "cause")?.parse().ok()?;
    Some(match cause {
        1 | 28 => "404",
        3 | 34 | 38 | 41 => "503",
        17 => "486",
        18..=20 => "480",
        21 => "603",
        57 => "403",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::call;

    #[test]
    fn every_end_has_its_code() {
        use Direction::{Inbound, Outbound};
        for (direction, outcome, reason, cause, expected) in [
            (Inbound, "answered", "normal", "16", "200"),
            (Outbound, "answered", "normal", "", "200"),
            (Inbound, "missed", "no_answer", "19", "304"),
            (Inbound, "missed", "cancelled", "16", "304"),
            (Inbound, "missed", "abandoned", "", "304"),
            (Inbound, "missed", "voicemail", "", "304"),
            (Inbound, "missed", "unreachable", "20", "304"),
            (Inbound, "missed", "a-new-word", "", "304"),
            (Inbound, "missed", "rejected", "21", "603"),
            (Inbound, "missed", "busy", "17", "486"),
            (Outbound, "missed", "busy", "17", "486"),
            (Outbound, "missed", "rejected", "21", "603"),
            (Outbound, "missed", "rejected", "57", "403"),
            (Outbound, "missed", "cancelled", "", "603-S"),
            (Outbound, "missed", "agent_no_answer", "19", "603-S"),
            (Outbound, "missed", "no_answer", "", "480"),
            (Outbound, "missed", "unreachable", "20", "480"),
            (Outbound, "missed", "unreachable", "3", "503"),
            (Outbound, "missed", "unreachable", "", "503"),
            (Outbound, "missed", "failed", "1", "404"),
            (Outbound, "missed", "failed", "28", "404"),
            (Outbound, "missed", "failed", "34", "503"),
            (Outbound, "missed", "failed", "38", "503"),
            (Outbound, "missed", "failed", "41", "503"),
            (Outbound, "missed", "failed", "57", "403"),
            (Outbound, "missed", "failed", "127", "OTHER"),
            (Outbound, "missed", "unknown", "18", "480"),
            (Outbound, "missed", "a-new-word", "x", "OTHER"),
            (Inbound, "lost", "unknown", "", "OTHER"),
        ] {
            let ended = Call {
                direction,
                outcome: outcome.into(),
                reason: reason.into(),
                extra: vec![("cause".into(), cause.into())],
                ..call()
            };
            assert_eq!(code(&ended), expected, "{direction:?} {outcome} {reason} {cause}");
        }
    }

    #[test]
    fn a_call_that_was_never_made_has_a_code_too() {
        for (reason, problem, expected) in [
            ("agent_no_answer", "", "603-S"),
            ("unreachable", "unreachable", "480"),
            ("failed", "bad-number", "404"),
            ("rejected", "barred", "403"),
            ("rejected", "nobody", "OTHER"),
            ("unknown", "no-call", "OTHER"),
        ] {
            assert_eq!(of_dial("missed", reason, problem), expected, "{reason} {problem}");
        }
    }

    #[test]
    fn a_caller_who_gives_up_is_told_from_a_phone_that_rings_out() {
        let extra = vec![("ended-by".into(), "internal".into())];
        let given_up = Call {
            direction: Direction::Outbound,
            outcome: "missed".into(),
            reason: "no_answer".into(),
            extra,
            ..call()
        };
        assert_eq!(code(&given_up), "603-S");
    }

    #[test]
    fn a_call_that_was_talked_through_is_a_success_even_if_its_end_was_not_seen() {
        let lost = Call { outcome: "lost".into(), answered_ms: Some(1), ..call() };
        assert_eq!(code(&lost), "200");
        assert_eq!(failed_reason(&lost), None);
    }
}
