//! One request of a plugin: written down before it leaves, sent through the gate, its answer written down.

use std::{sync::Arc, time::Duration};

use hookswitch_gate as gate;
use hookswitch_journal::{
    RunId,
    runs::{Answer, Body, Effect, Intent, Reply},
};
use hookswitch_runtime::contract::{Content, http};

use super::body;
use crate::{clock, desk::Desk};

/// Sends the `ordinal`th request of a run.
pub(super) async fn send(
    desk: &Arc<Desk>,
    run: RunId,
    ordinal: u32,
    request: http::Request,
) -> Result<http::Response, http::Error> {
    if !request.keep_secret.is_empty() {
        return Err(http::Error::Other("`keep-secret` is not offered by this version of the host".to_owned()));
    }
    let http::Request { method, url, mut headers, credential, body, effect, timeout_ms, .. } = request;
    let assembled = body::assemble(body).map_err(http::Error::Other)?;
    headers.extend(assembled.content_type.map(|value| ("content-type".to_owned(), value)));
    let intent = Intent {
        run,
        ordinal,
        at: clock::now(),
        kind: "http".to_owned(),
        effect: match effect {
            http::Effect::Read => Effect::Read,
            http::Effect::Idempotent => Effect::Idempotent,
            http::Effect::Once => Effect::Once,
        },
        method: method.clone(),
        url: shown(credential.as_deref(), &url),
        key: None,
        headers: headers.clone(),
        body: Body::of(&assembled.bytes),
        rule: None,
    };
    let noted = desk.journal.intend(intent).await;
    noted.map_err(|error| http::Error::NotSent(format!("the request cannot be written down: {error}")))?;
    let result = desk
        .gate
        .send(gate::Request {
            method,
            url,
            headers,
            credential,
            body: assembled.bytes.into(),
            timeout: timeout_ms.map(|ms| Duration::from_millis(ms.into())),
        })
        .await;
    let answer = answer(&result);
    let kept = desk.journal.later("answer", move |txn| txn.record_answer(run, ordinal, &answer)).await;
    if let Err(error) = kept {
        tracing::error!(plugin = %desk.name, %error, "an answer cannot be written down");
    }
    match result {
        Ok(response) => Ok(http::Response {
            status: response.status,
            headers: response.headers,
            body: content(response.body.to_vec()),
        }),
        Err(error) => Err(refusal(&error)),
    }
}

/// The URL as a trace shows it: what is secret of it stays behind the credential's name.
fn shown(credential: Option<&str>, url: &str) -> String {
    match credential {
        Some(handle) if !url.contains("://") => format!("{{{handle}}}/{url}"),
        _ => url.to_owned(),
    }
}

/// Text where the bytes are text.
fn content(bytes: Vec<u8>) -> Content {
    String::from_utf8(bytes).map_or_else(|error| Content::Bytes(error.into_bytes()), Content::Text)
}

fn refusal(error: &gate::Error) -> http::Error {
    let text = error.to_string();
    match error {
        gate::Error::Denied { .. } => http::Error::Denied(text),
        gate::Error::NotSent { .. } => http::Error::NotSent(text),
        gate::Error::InDoubt { .. } => http::Error::InDoubt(text),
        gate::Error::TooLarge { .. } => http::Error::TooLarge(text),
        gate::Error::BadRequest(_) => http::Error::Other(text),
    }
}

/// The answer as it is kept.
fn answer(result: &Result<gate::Response, gate::Error>) -> Answer {
    let (reply, sent) = match result {
        Ok(response) => {
            let body = Body::of(&response.body);
            let reply = Reply::Response { status: response.status, headers: response.headers.clone(), body };
            (reply, Some(&response.sent))
        }
        Err(error) => {
            let (kind, sent) = match error {
                gate::Error::Denied { .. } => ("denied", None),
                gate::Error::NotSent { .. } => ("not-sent", None),
                gate::Error::InDoubt { sent, .. } => ("in-doubt", Some(sent.as_ref())),
                gate::Error::TooLarge { sent, .. } => ("too-large", Some(sent.as_ref())),
                gate::Error::BadRequest(_) => ("bad-request", None),
            };
            (Reply::Error { kind: kind.to_owned(), text: error.to_string() }, sent)
        }
    };
    let timings = sent.map_or(serde_json::Value::Null, timings);
    Answer { at: clock::now(), reply, timings }
}

/// Which way the request went, and how long each step took, in milliseconds.
fn timings(gate::Sent { timings, reused, rule, network, remote, .. }: &gate::Sent) -> serde_json::Value {
    let ms = |duration: Option<Duration>| duration.map(|duration| (duration.as_secs_f64() * 1e4).round() / 10.0);
    serde_json::json!({
        "dns": ms(timings.dns),
        "connect": ms(timings.connect),
        "tls": ms(timings.tls),
        "first-byte": ms(timings.first_byte),
        "total": ms(Some(timings.total)),
        "reused": reused,
        "remote": remote.to_string(),
        "rule": rule.to_string(),
        "network": network.as_ref().map(ToString::to_string),
    })
}
