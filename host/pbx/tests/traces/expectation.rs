//! What truly happened, and how it differs from what was reported.

use std::path::Path;

use hookswitch_call::{
    Call, Event, Extension,
    event::{Confidence, Outcome, What},
    signal::{Direction, Party, QueueExit, Reason, RecordingState, RingEnd, Role, TransferKind},
};
use serde_json::Value;

use crate::playing::History;

pub(crate) struct Expectation {
    calls: Vec<Value>,
    events: Vec<Value>,
}

/// Facts about extensions and queue members: no part of a call's history.
const NOT_OF_CALLS: [&str; 4] = ["extension_", "queue_member_", "dnd_", "click_to_call_failed"];

impl Expectation {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("an expectation");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let list = |name: &str| value[name].as_array().cloned().unwrap_or_default();
        Self { calls: list("calls"), events: list("events") }
    }

    /// The differences, one a line; empty if there are none.
    pub(crate) fn complaints(&self, history: &History, tolerance: Option<i64>) -> String {
        let mut complaints = String::new();
        for call in &self.calls {
            self.compare_call(call, history, tolerance, &mut complaints);
        }
        let expected: Vec<&Value> = self.events.iter().filter(|event| is_of_call(event)).collect();
        let actual: Vec<(&Event, Value)> = history
            .events
            .iter()
            .filter(|event| self.is_looked_at(event))
            .filter_map(|event| Some((event, fact(event, history)?)))
            .collect();
        let same = expected.len() == actual.len()
            && expected.iter().zip(&actual).all(|(expected, (_, fact))| self.same(expected, fact));
        if !same {
            complaints += "  events differ; expected:\n";
            expected.iter().for_each(|event| complaints += &format!("    {}\n", brief(event)));
            complaints += "  reported:\n";
            actual.iter().for_each(|(_, fact)| complaints += &format!("    {fact}\n"));
        } else if let Some(tolerance) = tolerance {
            for (expected, (event, _)) in expected.iter().zip(&actual) {
                let wanted = (expected["t"].as_f64().expect("a time") * 1000.0) as i64;
                let told = event.at.0 as i64 - history.start.0 as i64;
                if (wanted - told).abs() > tolerance {
                    complaints += &format!("  {} came at {told} ms\n", brief(expected));
                }
            }
        }
        for chain in history.calls.keys().filter(|chain| !self.calls.iter().any(|call| call["linkedid"] == **chain)) {
            complaints += &format!("  a call {chain} that never was\n");
        }
        complaints
    }

    fn compare_call(&self, expected: &Value, history: &History, tolerance: Option<i64>, complaints: &mut String) {
        let chain = expected["linkedid"].as_str().expect("a linkedid");
        let call = history.calls.get(chain);
        if expected["direction"] == "feature_code" {
            if call.is_some() {
                *complaints += &format!("  a feature code became the call {chain}\n");
            }
            return;
        }
        let Some(call) = call else {
            *complaints += &format!("  the call {chain} is missing\n");
            return;
        };
        let reported = call.direction != Direction::Internal && call.merged_into.is_none();
        let mut differs = |what: &str, wanted: Value, told: Value| {
            if wanted != told {
                *complaints += &format!("  {chain}: {what} is {told}, not {wanted}\n");
            }
        };
        differs("report", expected["report_to_crm"].clone(), reported.into());
        let direction = match call.direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
            Direction::Internal => "internal",
        };
        differs("direction", expected["direction"].clone(), direction.into());
        let external = call.external.clone().map_or(Value::Null, Value::from);
        match direction {
            "inbound" => {
                differs("caller", expected["caller"].clone(), external);
                differs("did", expected["did"].clone(), call.line.clone().into());
            }
            "outbound" => {
                differs("number", expected["number"].clone(), external);
                differs("extension", expected["extension"].clone(), text(call.from.as_ref()));
            }
            _ => differs("from", expected["from"].clone(), text(call.from.as_ref())),
        }
        differs("queue", expected["queue"].clone(), call.queue().map_or(Value::Null, Value::from));
        differs("crm call", expected["crm_call_id"].clone(), call.crm_call.clone().map_or(Value::Null, Value::from));
        let into = expected["merged_into"].as_str().map(|id| self.linkedid(id));
        differs(
            "merged into",
            into.clone().map_or(Value::Null, Value::from),
            call.merged_into.as_ref().map_or(Value::Null, |into| into.as_str().into()),
        );
        differs("an end", into.is_none().into(), call.ended.is_some().into());
        if let (Some(talk), Some(tolerance)) = (self.talk_ms(expected), tolerance) {
            let told = call.talk_ms(call.changed) as i64;
            if (talk - told).abs() > tolerance {
                *complaints += &format!("  {chain}: talked {told} ms, not {talk}\n");
            }
        }
    }

    /// From the first answer of somebody who was called to the end.
    fn talk_ms(&self, call: &Value) -> Option<i64> {
        let of = |name: &str| {
            self.events.iter().find(|event| {
                let known = event["event"].as_str().expect("a name").trim_start_matches("resync_");
                known == name
                    && event["call"] == call["id"]
                    && event["consult"].is_null()
                    && event["click_to_call"].is_null()
            })
        };
        let ended = of("ended")?;
        if ended["result"] != "ok" {
            return None;
        }
        Some(((ended["t"].as_f64()? - of("answered")?["t"].as_f64()?) * 1000.0) as i64)
    }

    fn linkedid(&self, id: &str) -> String {
        let call = self.calls.iter().find(|call| call["id"] == id).expect("a known call");
        call["linkedid"].as_str().expect("a linkedid").to_owned()
    }

    /// Only what the expectations speak of at all, and no queue that was known from a listing only.
    fn is_looked_at(&self, event: &Event) -> bool {
        let listed = self
            .calls
            .iter()
            .any(|call| call["linkedid"] == event.chain.as_str() && call["known_only_from_listing"] == true);
        !(listed && matches!(event.what, What::Queued { .. }))
    }

    /// Every attribute that is expected is told, and none of those that would change the meaning is told in excess.
    fn same(&self, expected: &Value, told: &Value) -> bool {
        let wanted = expected.as_object().expect("an object");
        let told = told.as_object().expect("an object");
        wanted.iter().all(|(name, value)| match name.as_str() {
            "seq" | "t" | "anchor" | "on" | "leg" | "by"
                if name != "by" || told.get("event").is_some_and(|e| e != "picked_up") =>
            {
                true
            }
            "event" => told["event"] == value.as_str().expect("a name").trim_start_matches("resync_"),
            "call" => told["call"] == self.linkedid(value.as_str().expect("an id")),
            "last_leg" => told["last_leg"] == *value,
            _ => told.get(name) == Some(value),
        }) && ["consult", "click_to_call", "remote"].iter().all(|mark| wanted.get(*mark) == told.get(*mark))
    }
}

fn is_of_call(event: &Value) -> bool {
    let name = event["event"].as_str().expect("a name");
    !NOT_OF_CALLS.iter().any(|prefix| name.starts_with(prefix))
}

fn brief(event: &Value) -> String {
    let mut event = event.clone();
    let object = event.as_object_mut().expect("an object");
    object.remove("anchor");
    object.remove("seq");
    event.to_string()
}

fn text(extension: Option<&Extension>) -> Value {
    extension.map_or(Value::Null, |extension| extension.as_str().into())
}

fn party(party: &Party) -> Value {
    match party {
        Party::Extension(extension) => extension.as_str().into(),
        Party::Outside(number) => number.as_str().into(),
    }
}

/// An event in the words of the expectations; none if they have no word for it.
fn fact(event: &Event, history: &History) -> Option<Value> {
    let call = &history.calls[event.chain.as_str()];
    let mut fact = serde_json::Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            fact.insert(name.to_owned(), value);
        }
    };
    let name = match &event.what {
        What::New { .. } | What::LegEnded { .. } | What::Merged { .. } => return None,
        What::Digits { .. }
        | What::Noted { .. }
        | What::Recorded { .. }
        | What::Transcript { .. }
        | What::Summary { .. } => return None,
        // What is concluded is no news to the truth: that who takes a caller over has answered.
        What::LeftQueue { exit: QueueExit::Answered, .. } => return None,
        What::Answered { .. } if event.confidence == Confidence::Derived => return None,
        What::Queued { queue } => {
            set("queue", queue.as_str().into());
            "queued"
        }
        What::LeftQueue { queue, exit } => {
            set("queue", queue.as_str().into());
            let reason = match exit {
                QueueExit::Abandoned => "abandoned",
                QueueExit::Timeout => "timeout",
                _ => "other",
            };
            set("reason", reason.into());
            "left_queue"
        }
        What::Dialing { extension, number } => {
            set("extension", text(Some(extension)));
            set("number", number.as_str().into());
            "dialing"
        }
        What::Ringing { extension, role } => {
            set("extension", text(Some(extension)));
            mark(*role, &mut set);
            "ringing"
        }
        What::RingStopped { extension, why, cause, role } => {
            set("extension", text(Some(extension)));
            set("cause", cause.map_or(Value::Null, Value::from));
            set("reason", ring_end(*why).into());
            if *role == Role::Consult {
                set("consult", true.into());
            }
            "ringing_stopped"
        }
        What::Answered { by, role } => {
            match by {
                Party::Extension(extension) => set("extension", text(Some(extension))),
                Party::Outside(number) => {
                    set("extension", text(call.from.as_ref()));
                    set("number", number.as_str().into());
                    set("remote", true.into());
                }
            }
            mark(*role, &mut set);
            "answered"
        }
        What::Held { extension } => {
            set("extension", text(Some(extension)));
            "hold"
        }
        What::Resumed { extension } => {
            set("extension", text(Some(extension)));
            "resumed"
        }
        What::Transferred { how, from, to } => {
            let kind = match how {
                TransferKind::Blind => "blind",
                TransferKind::Attended => "attended",
                TransferKind::Redirect => "redirect",
            };
            set("kind", kind.into());
            set("from", text(from.as_ref()));
            set("to", party(to));
            "transferred"
        }
        What::Forwarded { from, to } => {
            set("from", text(Some(from)));
            set("to", party(to));
            "forwarded"
        }
        What::PickedUp { from, by } => {
            set("from", text(from.as_ref()));
            set("by", text(Some(by)));
            "picked_up"
        }
        What::Parked { extension, .. } => {
            set("extension", text(extension.as_ref()));
            "parked"
        }
        What::Unparked { extension } => {
            set("extension", text(extension.as_ref()));
            "unparked"
        }
        What::Voicemail { mailbox } => {
            set("mailbox", mailbox.as_str().into());
            "voicemail"
        }
        What::Recording { state, .. } => match state {
            RecordingState::Started => "recording_started",
            RecordingState::Muted => "recording_muted",
            RecordingState::Unmuted => "recording_unmuted",
            RecordingState::Stopped => "recording_stopped",
        },
        What::Corrected { .. } => panic!("no recorded call is ever given up"),
        What::Ended { outcome, reason, cause, credited, .. } => {
            set("result", if *outcome == Outcome::Answered { "ok" } else { "missed" }.into());
            set("cause", cause.map_or(Value::Null, Value::from));
            set("extension", text(credited.as_ref()));
            set("queue", call.queue().map_or(Value::Null, Value::from));
            set("reason", end_reason(*reason, call).into());
            if !call.recordings.is_empty() {
                set("recording", true.into());
            }
            if call.ended.as_ref().is_some_and(|end| end.last_leg_missed) {
                set("last_leg", "missed".into());
            }
            "ended"
        }
    };
    set("event", name.into());
    set("call", event.chain.as_str().into());
    Some(fact.into())
}

fn mark(role: Role, set: &mut impl FnMut(&str, Value)) {
    match role {
        Role::Called => {}
        Role::Consult => set("consult", true.into()),
        Role::Own => set("click_to_call", true.into()),
    }
}

fn ring_end(why: RingEnd) -> &'static str {
    match why {
        RingEnd::AnsweredElsewhere => "answered_elsewhere",
        RingEnd::NoAnswer => "no_answer",
        RingEnd::Busy => "busy",
        RingEnd::CallerGaveUp => "caller_gave_up",
        RingEnd::Forwarded => "forwarded",
        RingEnd::Failed => "failed",
        RingEnd::Unknown => "unknown",
    }
}

/// The expectations call a caller's cancellation `caller_gave_up`, and tell do-not-disturb from a phone that is busy.
fn end_reason(reason: Reason, call: &Call) -> &'static str {
    match reason {
        Reason::Cancelled => "caller_gave_up",
        Reason::Busy if call.agents.is_empty() && call.direction == Direction::Inbound => "busy_dnd",
        other => other.token(),
    }
}
