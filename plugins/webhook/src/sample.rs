//! Events and recordings for tests.

use hookswitch_sdk::Recording;
use serde_json::{Value, json};

use crate::event::What;
use crate::memory::End;

/// An event with the fields in `given`; those of the call are `direction`, `extra`, `reason` and `queue-of-call`.
pub(crate) fn what(given: &Value) -> What {
    let of = |name: &str, usual: &str| given.get(name).and_then(Value::as_str).unwrap_or(usual).to_owned();
    let mut event = given.clone();
    event["at"] = json!(1_772_442_000_000_u64);
    event["call"] = json!({
        "pbx": "office", "chain": "1", "direction": of("direction", "inbound"),
        "external": {"raw": "0301234567", "e164": "+49301234567"}, "external_name": "",
        "line": "+49309876543", "queue": of("queue-of-call", ""), "reason": of("reason", ""),
        "started_ms": 1_772_442_000_000_u64, "talk_ms": 0,
        "extra": given.get("extra").cloned().unwrap_or_else(|| json!([])),
    });
    serde_json::from_value(event).unwrap()
}

pub(crate) fn recording(id: &str) -> Recording {
    Recording {
        id: id.into(),
        chain: "1767225600.7".into(),
        leg: 1,
        content_type: "audio/mpeg".into(),
        file_name: "call.mp3".into(),
        size: 512_000,
        duration_ms: Some(62_400),
        extra: vec![("pbx".into(), "office".into())],
        ..Recording::default()
    }
}

/// The end of the recordings' call.
pub(crate) fn end() -> End {
    let fields = [
        ("event", "incoming"),
        ("callerid", "+4930"),
        ("did", "+49309876543"),
        ("id", "240305091500_77-2"),
        ("finishtype", "Ok"),
    ];
    End {
        id: "240305091500_77".into(),
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        event: json!({"pbx": "office", "outcome": "answered"}),
    }
}
