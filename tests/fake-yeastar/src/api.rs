//! What is answered to a request (B.1 and B.2 of the sheet).

use serde_json::{Value, json};

use crate::{
    http::Incoming,
    state::{Request, State, refused},
};

const BASE: &str = "/openapi/v1.0/";

/// What follows from a request besides its answer: events, as numbers and messages.
pub(crate) type Events = Vec<(u64, Value)>;

/// Answers a request; status, body, and what else happens.
pub(crate) fn answer(state: &mut State, request: &Incoming) -> (u16, Value, Events) {
    let Some(what) = request.path.strip_prefix(BASE) else {
        state.complaints.push(format!("there is no {}", request.path));
        return (404, refused(10001, "INTERFACE NOT EXISTED"), Vec::new());
    };
    if request.header("user-agent").is_none_or(str::is_empty) {
        state.complaints.push(format!("{what}: no User-Agent"));
        return (200, refused(10002, "INVALID HEADER"), Vec::new());
    }
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    match (request.method.as_str(), what) {
        ("POST", "get_token") => return (200, state.log_in(&text("username"), &text("password")), Vec::new()),
        ("POST", "refresh_token") => return (200, state.renew(&text("refresh_token")), Vec::new()),
        _ => {}
    }
    let token = request.query.get("access_token").cloned().unwrap_or_default();
    if state.good(&token).is_none() {
        return (200, refused(10004, "ACCESS TOKEN EXPIRED"), Vec::new());
    }
    let query: serde_json::Map<_, _> = request
        .query
        .iter()
        .filter(|(key, _)| *key != "access_token")
        .map(|(key, value)| (key.clone(), Value::from(value.clone())))
        .collect();
    let said = if request.method == "POST" { body.clone() } else { Value::from(query.clone()) };
    state.requests.push(Request { what: what.to_owned(), said });
    if state.lies.front().is_some_and(|(lie, _)| lie == what) {
        let (_, lie) = state.lies.pop_front().unwrap();
        return (200, lie, Vec::new());
    }
    let (good, events) = match (request.method.as_str(), what) {
        ("GET", "del_token") => {
            state.revoke(&token);
            (json!({}), Vec::new())
        }
        ("GET", "call/query") => {
            let calls = state.calls.iter().map(|(id, members)| json!({ "call_id": id, "members": members }));
            (page(&query, "data", calls.collect()), Vec::new())
        }
        ("GET", "extension/list") => (page(&query, "data", state.extensions.clone()), Vec::new()),
        ("GET", "phonebook/list") => (page(&query, "data", state.phonebooks.list()), Vec::new()),
        (_, what) if what.starts_with("phonebook/") || what.starts_with("company_contact/") => {
            let said = if request.method == "POST" { &body } else { &Value::from(query.clone()) };
            match state.phonebooks.answer(&request.method, what, said) {
                Ok(good) => (good, Vec::new()),
                Err(error) => {
                    state.complaints.push(format!("{what}: {error}"));
                    return (200, refused(40002, &format!("PARAMETER ERROR: {error}")), Vec::new());
                }
            }
        }
        ("GET", "queue/list") => (page(&query, "queue_list", state.queues.clone()), Vec::new()),
        ("GET", "recording/list") => (page(&query, "data", state.recorded()), Vec::new()),
        ("GET", "recording/download") => {
            let value = |key: &str| query.get(key).and_then(Value::as_str);
            match state.link(value("id"), value("file")) {
                Some(link) => (link, Vec::new()),
                None => return (200, refused(60003, "RECORDING NOT EXIST"), Vec::new()),
            }
        }
        ("GET", "webhook/query") => {
            let webhooks = state.webhooks.iter().map(|webhook| {
                json!({ "url": webhook.url, "request_method": "POST", "event_ids": webhook.events, "secret": "********" })
            });
            (json!({ "data": webhooks.collect::<Vec<_>>() }), Vec::new())
        }
        ("GET", "cdr/search") => {
            let value = |key: &str| query.get(key).and_then(Value::as_str).unwrap_or_default();
            match state.search(value("start_time"), value("end_time")) {
                Some(rows) => (page(&query, "data", rows), Vec::new()),
                None => {
                    state.complaints.push("cdr/search: the times are not in the display format".to_owned());
                    return (200, refused(40002, "PARAMETER ERROR: start_time"), Vec::new());
                }
            }
        }
        ("POST", "call/dial") => match dial(state, &body) {
            Ok(told) => told,
            Err(refused) => return (200, refused, Vec::new()),
        },
        ("POST", "call/hangup") => match hang_up(state, &text("channel_id")) {
            Ok(told) => told,
            Err(refused) => return (200, refused, Vec::new()),
        },
        ("POST", "call/accept_inbound" | "call/refuse_inbound") => {
            let channel = text("channel_id");
            let waits = state.waiting.remove(&channel).filter(|(_, until)| *until > std::time::Instant::now());
            let Some((call, _)) = waits else {
                state.complaints.push(format!("{what}: no call waits on this channel"));
                return (200, refused(40010, "CALL NOT FOUND"), Vec::new());
            };
            let taken = what == "call/accept_inbound";
            state.decided.push((call.clone(), taken));
            if !taken {
                state.calls.remove(&call);
            }
            (json!({ "call_id": call }), Vec::new())
        }
        _ => {
            state.complaints.push(format!("there is no {} {what}", request.method));
            return (200, refused(10001, "INTERFACE NOT EXISTED"), Vec::new());
        }
    };
    let mut answer = json!({ "errcode": 0, "errmsg": "SUCCESS" });
    answer.as_object_mut().unwrap().extend(good.as_object().unwrap().clone());
    (200, answer, events)
}

/// A page of a list.
fn page(query: &serde_json::Map<String, Value>, key: &str, all: Vec<Value>) -> Value {
    let number = |key: &str, default| query.get(key).and_then(|value| value.as_str()?.parse().ok()).unwrap_or(default);
    let (page, size) = (number("page", 1_usize).max(1), number("page_size", 10_000));
    let total = all.len();
    let part: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
    json!({ "total_number": total, key: part })
}

/// The caller's phone rings; the rest is the test's business.
fn dial(state: &mut State, body: &Value) -> Result<(Value, Events), Value> {
    let (caller, callee) = (body["caller"].as_str().unwrap_or_default(), body["callee"].as_str().unwrap_or_default());
    if !state.extensions.iter().any(|extension| extension["number"] == caller) {
        return Err(refused(40008, "CALLER NOT EXIST"));
    }
    if callee.is_empty() {
        return Err(refused(40002, "PARAMETER ERROR: callee"));
    }
    state.last_call += 1;
    let call = format!("{}.{}", crate::pbx::second(), state.last_call);
    let members = vec![crate::extension(caller, "RING")];
    state.calls.insert(call.clone(), members.clone());
    // The phone rings before the answer is there.
    Ok((json!({ "call_id": call }), vec![(30011, json!({ "call_id": call, "members": members }))]))
}

fn hang_up(state: &mut State, channel: &str) -> Result<(Value, Events), Value> {
    let has = |member: &Value| {
        member.as_object().is_some_and(|member| member.values().any(|leg| leg["channel_id"] == channel))
    };
    let call = state.calls.iter().find(|(_, members)| members.iter().any(has)).map(|(call, _)| call.clone());
    let Some(call) = call else { return Err(refused(40009, "CHANNEL NOT EXIST")) };
    let mut members = state.calls.remove(&call).unwrap_or_default();
    for leg in members.iter_mut().filter_map(Value::as_object_mut).flat_map(|member| member.values_mut()) {
        leg["member_status"] = "BYE".into();
    }
    Ok((json!({ "call_id": call }), vec![(30011, json!({ "call_id": call, "members": members }))]))
}
