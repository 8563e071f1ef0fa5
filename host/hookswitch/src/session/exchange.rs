//! One request of a plugin: written down before it leaves, sent through the gate, its answer written down.

use std::{sync::atomic::Ordering, time::Duration};

use hookswitch_gate as gate;
use hookswitch_journal::runs::{Answer, Body, Effect, Reply, Request};
use hookswitch_runtime::contract::{Content, http};

use super::{
    Session, body,
    tape::{Cue, HTTP, TOO_LARGE},
};
use crate::{clock, metrics};

/// What the plugin is told of a request that may have been carried out before the program died.
const CUT_OFF: &str = "the host was stopped while this request was under way; whether it was carried out is not known";

/// What a plugin is told that writes where the contract has it read.
const NO_WRITES: &str = "this function only reads: a request that writes belongs into contacts.create, journal or tickets; \
                         one that reads says so with the effect `read`";

/// And of one that would have come too late to be of use.
const BUSY: &str = "too many requests wait for their turn under the rate limit of this CRM";

/// Sends a request of the plugin, or gives the answer that it got before.
pub(super) async fn send(session: &mut Session, request: http::Request) -> Result<http::Response, http::Error> {
    let http::Request { method, url, mut headers, credential, body, effect, timeout_ms, keep_secret } = request;
    // A token may be fetched all the same: it changes nothing but what the host keeps.
    if session.reads_only && effect != http::Effect::Read && keep_secret.is_empty() {
        return Err(http::Error::Denied(NO_WRITES.to_owned()));
    }
    let assembled = body::assemble(session, body).await.map_err(http::Error::Other)?;
    headers.extend(assembled.content_type.clone().map(|value| ("content-type".to_owned(), value)));
    let effect = match effect {
        http::Effect::Read => Effect::Read,
        http::Effect::Idempotent => Effect::Idempotent,
        http::Effect::Once => Effect::Once,
    };
    let recorded = assembled.recorded();
    let mut intent = session.intent(HTTP, effect, &method, &shown(credential.as_deref(), &url), &recorded);
    intent.headers.clone_from(&headers);
    let ordinal = intent.ordinal;
    let again = match session.cue(&intent) {
        Cue::Make => false,
        Cue::MakeAgain => true,
        Cue::Give(reply) => return given(reply),
        Cue::Keep(run, reply) => {
            intent.rule = Some(format!("answered in an earlier try (run {run})"));
            session.note(Request { intent, answer: Some(at_once(reply.clone())) });
            return given(reply);
        }
        Cue::InDoubt => {
            keep(session, ordinal, at_once(in_doubt())).await;
            return given(in_doubt());
        }
        Cue::KeepInDoubt => {
            session.note(Request { intent, answer: Some(at_once(in_doubt())) });
            return given(in_doubt());
        }
        Cue::Diverged(text) => return Err(http::Error::Other(text)),
    };
    // Before the intent is written down: what only waits for its turn has surely not been sent.
    if session.desk.bucket.take(session.lane, session.patience, &session.grace).await.is_err() {
        return Err(http::Error::NotSent(BUSY.to_owned()));
    }
    if !again {
        session.flush().await;
        let noted = session.desk.journal.intend(intent).await;
        noted.map_err(|error| http::Error::NotSent(format!("the request cannot be written down: {error}")))?;
    }
    session.asked.store(true, Ordering::Relaxed);
    let result = session
        .desk
        .gate
        .send(gate::Request {
            method,
            url,
            headers,
            credential,
            body: assembled.bytes.into(),
            enclosures: assembled.enclosures,
            timeout: timeout_ms.map(|ms| Duration::from_millis(ms.into())),
            keep_secret,
        })
        .await;
    metrics::request(&session.desk.name, outcome(&result));
    // What a write of a job was answered must be given again after a crash; a read can be asked for again.
    if session.tape.is_some() && effect != Effect::Read {
        let (run, answer) = (session.run, answer(&result, true));
        let kept = session.desk.journal.apply(move |txn| txn.record_answer(run, ordinal, &answer)).await;
        session.desk.tell("answer", kept);
    } else {
        keep(session, ordinal, answer(&result, false)).await;
    }
    match result {
        Ok(response) => Ok(http::Response {
            status: response.status,
            headers: response.headers,
            body: content(response.body.to_vec()),
        }),
        Err(error) => Err(refusal(kind(&error), error.to_string())),
    }
}

/// Writes an answer down when there is time.
async fn keep(session: &Session, ordinal: u32, answer: Answer) {
    let run = session.run;
    let kept = session.desk.journal.later("answer", move |txn| txn.record_answer(run, ordinal, &answer)).await;
    session.desk.tell("answer", kept);
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

/// A kept answer as the plugin got it the first time.
fn given(reply: Reply) -> Result<http::Response, http::Error> {
    match reply {
        Reply::Response { status, headers, body } => {
            Ok(http::Response { status, headers, body: content(body.start().to_vec()) })
        }
        Reply::Error { kind, text } => Err(refusal(&kind, text)),
    }
}

fn in_doubt() -> Reply {
    Reply::Error { kind: IN_DOUBT.to_owned(), text: CUT_OFF.to_owned() }
}

fn at_once(reply: Reply) -> Answer {
    Answer { at: clock::now(), reply, timings: serde_json::Value::Null }
}

const DENIED: &str = "denied";
const NOT_SENT: &str = "not-sent";
const IN_DOUBT: &str = "in-doubt";
const BAD_REQUEST: &str = "bad-request";
const UNAUTHORISED: &str = "unauthorised";

/// A failed exchange in one word, as it is kept.
fn kind(error: &gate::Error) -> &'static str {
    match error {
        gate::Error::Denied { .. } => DENIED,
        gate::Error::NotSent { .. } => NOT_SENT,
        gate::Error::InDoubt { .. } => IN_DOUBT,
        gate::Error::TooLarge { .. } => TOO_LARGE,
        gate::Error::BadRequest(_) => BAD_REQUEST,
        gate::Error::Unauthorised { .. } => UNAUTHORISED,
    }
}

/// What came of a request, as it is counted.
fn outcome(result: &Result<gate::Response, gate::Error>) -> &'static str {
    match result {
        Err(error) => kind(error),
        Ok(response) => match response.status {
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500..600 => "5xx",
            _ => "other",
        },
    }
}

/// A failed exchange as the plugin is told of it.
fn refusal(kind: &str, text: String) -> http::Error {
    match kind {
        DENIED => http::Error::Denied(text),
        NOT_SENT => http::Error::NotSent(text),
        IN_DOUBT => http::Error::InDoubt(text),
        TOO_LARGE => http::Error::TooLarge(text),
        UNAUTHORISED => http::Error::Unauthorised(text),
        _ => http::Error::Other(text),
    }
}

/// The answer as it is kept, a large one by its beginning and hash unless `whole`.
fn answer(result: &Result<gate::Response, gate::Error>, whole: bool) -> Answer {
    let (reply, sent) = match result {
        Ok(response) => {
            let body = if whole { Body::whole_of(&response.body) } else { Body::of(&response.body) };
            let reply = Reply::Response { status: response.status, headers: response.headers.clone(), body };
            (reply, Some(&response.sent))
        }
        Err(error) => {
            let sent = match error {
                gate::Error::InDoubt { sent, .. } => Some(sent.as_ref()),
                gate::Error::TooLarge { sent, .. } => Some(sent.as_ref()),
                _ => None,
            };
            (Reply::Error { kind: kind(error).to_owned(), text: error.to_string() }, sent)
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
