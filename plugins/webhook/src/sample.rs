//! Events for tests.

use serde_json::{Value, json};

use crate::event::What;

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
