//! Records of the contract with nothing in them, as `wit/0.1.0` has them and the generated types spell them.

use serde_json::{Value, json};

/// The record of this name; null if there is none.
pub(super) fn record(name: &str) -> Value {
    match name {
        "agent" => json!({ "extension": "", "user": null, "name": "", "email": "", "state": "", "talk_ms": 0 }),
        "call" => json!({
            "pbx": "story", "chain": "call-1", "leg": 0, "direction": "Inbound", "external": null, "external_name": "",
            "line": "", "queue": "", "state": "", "outcome": "", "reason": "", "started_ms": 0, "answered_ms": null,
            "ended_ms": null, "talk_ms": 0, "agents": [], "credited": null, "crm_call": null, "extra": [],
        }),
        "contact" => json!({
            "id": "", "kind": "", "first_name": "", "last_name": "", "company": "", "url": "", "photo_url": "",
            "emails": [], "phones": [], "owner": null, "address": [], "extra": [],
        }),
        "dial" => json!({
            "user": null, "extension": null, "number": "", "line": "", "crm_call": null, "extra": [],
        }),
        "entry" => json!({
            "call": record("call"), "contacts": [], "text": record("text"), "notes": [], "links": [], "ticket": null,
        }),
        "event" => json!({ "id": "", "seq": 0, "kind": "", "json": "" }),
        // What is posted has been proven before it gets to a plugin.
        "hook" => json!({
            "name": "", "method": "POST", "query": [], "headers": [], "form": [], "body": "", "proven": ["scenario"],
        }),
        "note" => json!({ "author": "", "outcome": "", "text": "" }),
        "number" => json!({ "raw": "", "e164": null, "region": null, "search": [] }),
        "phone-entry" => json!({ "kind": "", "value": "" }),
        "reference" => json!({ "kind": "", "id": "", "url": "" }),
        "text" => json!({ "subject": "", "body": "" }),
        "transcript" => json!({ "language": "", "turns": [], "summary": null, "extra": [] }),
        "turn" => json!({ "speaker": "", "start_ms": 0, "end_ms": 0, "text": "" }),
        _ => Value::Null,
    }
}

/// Which record an argument or a field holds, by its name, one or a list of them.
pub(super) fn inside(name: &str) -> Option<&'static str> {
    Some(match name {
        "agents" | "credited" => "agent",
        "call" => "call",
        "contact" | "contacts" | "draft" | "known" => "contact",
        "dial" => "dial",
        "entry" => "entry",
        "events" => "event",
        "hook" => "hook",
        "notes" => "note",
        "external" | "number" => "number",
        "phones" => "phone-entry",
        "begun" | "ticket" | "written" => "reference",
        "text" => "text",
        "turns" => "turn",
        "words" => "transcript",
        _ => return None,
    })
}
