//! An event of the feed, as far as it is used here. The whole of it is in the body of a post.

use hookswitch_sdk::{Event, Failure};
use serde::Deserialize;
use serde_json::Value;

/// A phone system has a recording of a call.
pub(crate) const RECORDED: &str = "recorded";
/// It has written down what was said.
pub(crate) const SPOKEN: &str = "transcript";

/// An event with the call that it is of.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Unique, and the same when the event comes again.
    pub(crate) id: String,
    /// Its place in the feed.
    pub(crate) place: u64,
    /// `call.ringing` …
    pub(crate) kind: String,
    pub(crate) what: What,
    /// The same as it was handed over.
    pub(crate) json: Value,
}

/// What happened.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct What {
    pub(crate) leg: u32,
    /// Unix time in milliseconds.
    pub(crate) at: u64,
    /// `ringing`, `answered` …
    pub(crate) event: String,
    #[serde(default)]
    pub(crate) extension: String,
    #[serde(default)]
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) queue: String,
    #[serde(default)]
    pub(crate) by: Value,
    #[serde(default)]
    pub(crate) outcome: String,
    #[serde(default)]
    pub(crate) credited: Option<String>,
    pub(crate) call: Call,
}

/// The call as it stood then.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Call {
    pub(crate) pbx: String,
    pub(crate) chain: String,
    pub(crate) direction: String,
    pub(crate) external: Option<Number>,
    pub(crate) external_name: String,
    pub(crate) line: String,
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) started_ms: u64,
    pub(crate) talk_ms: u64,
    pub(crate) extra: Vec<(String, String)>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Number {
    pub(crate) raw: String,
}

impl Call {
    /// What else is known under this name.
    pub(crate) fn extra(&self, name: &str) -> Option<&str> {
        self.extra.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl TryFrom<Event> for Told {
    type Error = Failure;

    fn try_from(event: Event) -> Result<Self, Failure> {
        let unread = |error: serde_json::Error| {
            Failure::rejected_with("event", "the host's event is not understood: update this plugin", error.to_string())
        };
        let mut json: Value = serde_json::from_str(&event.json).map_err(unread)?;
        let what = What::deserialize(&json).map_err(unread)?;
        if let (RECORDED, Some(fields)) = (what.event.as_str(), json.as_object_mut()) {
            // Where the phone system has the file, which nobody else can open: the links come with the recording itself.
            fields.remove("file");
        }
        Ok(Self { id: event.id, place: event.seq, kind: event.kind, what, json })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(event: &str) -> Told {
        let call = json!({"pbx": "office", "chain": "1", "direction": "inbound", "external": null, "external_name": "",
            "line": "", "queue": "", "reason": "", "started_ms": 0, "talk_ms": 0, "extra": []});
        let json = json!({"leg": 1, "at": 0, "event": event, "file": "/var/spool/monitor/1.wav", "call": call});
        let event = Event { id: "office/1/1".into(), seq: 1, kind: format!("call.{event}"), json: json.to_string() };
        Told::try_from(event).unwrap()
    }

    #[test]
    fn where_the_phone_system_has_a_recording_is_told_to_nobody() {
        let recorded = told(RECORDED);
        assert_eq!((recorded.json.get("file"), &recorded.json["leg"]), (None, &json!(1)));
        assert!(told("other").json.get("file").is_some());
    }
}
