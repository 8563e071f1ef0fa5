//! `/callcontrol…`.

use serde_json::{Value, json};

use crate::{http::decoded, state::State};

/// What is answered: status and body.
pub(crate) type Answer = (u16, Value);

pub(crate) fn answer(state: &mut State, method: &str, path: &str, body: &str) -> Answer {
    let parts: Vec<String> = path.split('/').skip(2).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    if let Some(dn) = parts.first()
        && !state.numbers.contains_key(*dn)
    {
        return (403, json!({ "error": "the API client does not monitor this number" }));
    }
    match (method, parts.as_slice()) {
        ("GET", []) => (200, state.numbers.keys().filter_map(|dn| state.number(dn)).collect()),
        ("GET", [dn]) => (200, state.number(dn).unwrap_or_default()),
        ("GET", [dn, "devices"]) => (200, state.phones(dn).into()),
        ("GET", [dn, "participants"]) => {
            (200, state.number(dn).map(|number| number["participants"].clone()).unwrap_or_default())
        }
        ("GET", [dn, "participants", id]) => match id.parse().ok().and_then(|id| state.participant(dn, id)) {
            Some(participant) => (200, participant.clone()),
            None => (404, Value::Null),
        },
        ("POST", [dn, "makecall"]) => make_call(state, dn, None, body),
        ("POST", [dn, "devices", device, "makecall"]) => make_call(state, dn, Some(device), body),
        ("POST", [dn, "participants", id, action]) => {
            match id.parse().ok().filter(|id| state.participant(dn, *id).is_some()) {
                Some(id) => act(state, dn, id, action, body),
                None => (404, Value::Null),
            }
        }
        _ => (404, Value::Null),
    }
}

fn refused(reason: &str) -> Answer {
    (
        200,
        json!({ "finalstatus": 0, "reason": reason, "reasontext": format!("The fake says {reason}"), "result": null }),
    )
}

/// The agent's phone rings; what follows is the test's.
pub(crate) fn make_call(state: &mut State, dn: &str, device: Option<&str>, body: &str) -> Answer {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let Some(destination) = body["destination"].as_str().filter(|text| !text.is_empty()) else {
        state.complaints.push(format!("makecall without a destination: {body}"));
        return (400, Value::Null);
    };
    if !body["timeout"].is_null() && !body["timeout"].is_u64() {
        state.complaints.push(format!("makecall with a timeout that is no number: {body}"));
    }
    let phones = state.devices.get(dn).cloned().unwrap_or_default();
    if phones.is_empty() {
        return refused("NotRegistered");
    }
    if device.is_some_and(|device| phones.iter().all(|(id, _)| id != device)) {
        return (404, Value::Null);
    }
    let digits = destination.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
    if !digits || state.barred.iter().any(|number| number == destination) {
        return refused("InvalidNumber");
    }
    let (id, callid) = (state.next_id, state.next_callid);
    let party = json!({ "party_dn": "MakeCall", "party_dn_type": "Wspecialmenu", "party_caller_id": dn,
                        "device_id": device.unwrap_or(&phones[0].0), "direct_control": true });
    state.put(dn, id, callid, "Ringing", party, true);
    let result = state.participant(dn, id).cloned();
    (200, json!({ "finalstatus": 1, "reason": "None", "reasontext": "", "result": result }))
}

fn act(state: &mut State, dn: &str, id: u64, action: &str, body: &str) -> Answer {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    if !body.is_object() {
        state.complaints.push(format!("{action} without an object: {body}"));
        return (400, Value::Null);
    }
    let destination = body["destination"].as_str().filter(|text| !text.is_empty());
    match (action, destination) {
        ("drop", _) => {
            state.take_away(dn, id, true);
        }
        ("routeto" | "divert" | "transferto", None) => {
            state.complaints.push(format!("{action} without a destination: {body}"));
            return (400, Value::Null);
        }
        ("routeto" | "divert" | "transferto", Some(target)) => {
            if state.numbers[dn] != "Wroutepoint" {
                return refused("NotAllowed");
            }
            let Some(mut party) = state.participant(dn, id).cloned() else { return (404, Value::Null) };
            let callid = party["callid"].as_u64().unwrap_or_default();
            let Some(fields) = party.as_object_mut() else { return (404, Value::Null) };
            for own in ["id", "dn", "status", "callid"] {
                fields.remove(own);
            }
            fields.insert("originated_by_dn".to_owned(), dn.into());
            fields.insert("originated_by_type".to_owned(), "Wroutepoint".into());
            let next = state.next_id;
            state.put(target, next, callid, "Ringing", party, true);
            state.take_away(dn, id, true);
        }
        ("answer" | "attach_participant_data", _) => {}
        _ => return (404, Value::Null),
    }
    (200, json!({ "finalstatus": 1, "reason": "None", "reasontext": "", "result": null }))
}
