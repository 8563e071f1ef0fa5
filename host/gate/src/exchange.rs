//! One request and its answer on an open connection.

use std::time::Duration;

use http::header::CONTENT_ENCODING;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::connect::Connection;
use crate::headers::{MAX_HEADER_BYTES, MAX_HEADERS};
use crate::limits::Limits;

pub(crate) type Message = http::Request<Full<Bytes>>;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) enum Failure {
    /// The connection had ended before a byte of the message was written; here it is back.
    Unsent {
        message: Box<Message>,
        cause: String,
    },
    /// Bytes may have left.
    InDoubt(String),
    TooLarge {
        part: &'static str,
        limit: String,
    },
}

/// Sends a message and reads the whole answer. `first_byte` is set as soon as the head of the answer is there.
pub(crate) async fn exchange(
    connection: &mut Connection,
    message: Message,
    limits: &Limits,
    deadline: Instant,
    first_byte: &mut Option<Duration>,
) -> Result<Answer, Failure> {
    let start = Instant::now();
    let head_deadline = deadline.min(start + limits.first_byte);
    let silent = |_| Failure::InDoubt(format!("no answer within {:?}", head_deadline - start));
    let response = match timeout_at(head_deadline, connection.sender.try_send_request(message)).await.map_err(silent)? {
        Ok(response) => response,
        Err(mut refused) => {
            // hyper gives the message back only if it never took it off its queue, so nothing of it was written.
            let message = refused.take_message();
            let error = refused.into_error();
            return Err(match message {
                Some(message) => Failure::Unsent { message: Box::new(message), cause: explain(&error) },
                None if error.is_parse_too_large() => Failure::TooLarge {
                    part: "head",
                    limit: format!("{MAX_HEADERS} headers or {MAX_HEADER_BYTES} bytes"),
                },
                None => Failure::InDoubt(explain(&error)),
            });
        }
    };
    *first_byte = Some(start.elapsed());

    let (head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::InDoubt("the answer switches to another protocol, which was not asked for".into()));
    }
    let body = timeout_at(deadline, read(body, limits.response_body))
        .await
        .map_err(|_| Failure::InDoubt("the answer did not end in time".into()))??;
    // Secrets could not be taken out of a compressed body.
    let plain =
        head.headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !plain && !body.is_empty() {
        return Err(Failure::InDoubt("the answer is compressed, which was not asked for".into()));
    }
    Ok(Answer { status: head.status, headers: head.headers, body })
}

async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    let too_large = || Failure::TooLarge { part: "body", limit: format!("{limit} bytes") };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::InDoubt(explain(&error)))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(data);
    }
    Ok(bytes.into())
}

/// Says what happened, with the causes that hyper keeps underneath.
fn explain(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "the connection was cut before the answer was complete".into();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
