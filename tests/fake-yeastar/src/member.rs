//! Members of calls as the PBX writes them (B.5 of the sheet).

use serde_json::{Value, json};

/// An extension as a member of a call.
pub fn extension(number: &str, status: &str) -> Value {
    json!({ "extension": {
        "number": number, "channel_id": format!("PJSIP/{number}-0000001a"), "member_status": status, "call_path": " ",
    }})
}

/// A caller from outside as a member of a call.
pub fn inbound(from: &str, to: &str, status: &str) -> Value {
    json!({ "inbound": {
        "from": from, "to": to, "trunk_name": "provider", "channel_id": format!("PJSIP/trunk-provider-endpoint-{from}"),
        "member_status": status, "call_path": " ",
    }})
}

/// An outside number that is called, as a member of a call.
pub fn outbound(from: &str, to: &str, status: &str) -> Value {
    json!({ "outbound": {
        "from": from, "to": to, "trunk_name": "provider", "channel_id": format!("PJSIP/trunk-provider-endpoint-{to}"),
        "member_status": status, "call_path": " ",
    }})
}

pub(crate) fn channel(member: &Value) -> String {
    let legs = member.as_object().into_iter().flat_map(|member| member.values());
    legs.filter_map(|leg| leg["channel_id"].as_str()).next().unwrap_or_default().to_owned()
}
