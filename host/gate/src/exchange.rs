//! One request and its answer on an open connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{HeaderName, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect::Connection;
use crate::decode;
use crate::enclosure::{Content, Given};
use crate::headers::{MAX_HEADER_BYTES, MAX_HEADERS};
use crate::limits::Limits;

/// Interim answers (1xx) before the real one at most; a server needs one or two.
const MAX_INTERIM: usize = 16;

pub(crate) type Message = http::Request<Content>;

/// An answer, unpacked.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// How long the other side will keep the unused connection: `keep-alive: timeout=5` (RFC 2068, section 19.7.1.1,
    /// and in wide use since).
    pub(crate) fn keeps(&self) -> Option<Duration> {
        let value = self.headers.get(HeaderName::from_static("keep-alive"))?.to_str().ok()?;
        let seconds = value.split(',').find_map(|part| part.trim().strip_prefix("timeout="))?;
        seconds.parse().ok().map(Duration::from_secs)
    }
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

/// Sends a message and reads the whole answer; `patient`: all of the time may go by before it begins. `first_byte` is set as
/// soon as the head of the answer is there.
pub(crate) async fn exchange(
    connection: &mut Connection,
    mut message: Message,
    limits: &Limits,
    (deadline, patient): (Instant, bool),
    first_byte: &mut Option<Duration>,
) -> Result<Answer, Failure> {
    let start = Instant::now();
    let files = message.body().has_files().then(|| message.body().given());
    // With files in it a message takes its time, only to stand still is wrong; and some answers do.
    let head_deadline = if files.is_some() || patient { deadline } else { deadline.min(start + limits.first_byte) };
    let flooded = count_interim(&mut message);
    let answer = tokio::select! {
        biased;
        () = flooded.notified() => {
            return Err(Failure::InDoubt(format!("more than {MAX_INTERIM} interim answers came before the real one")));
        }
        () = stands_still(files, limits.silence) => {
            return Err(Failure::InDoubt(format!("the other side took nothing of the body for {:?}", limits.silence)));
        }
        answer = timeout_at(head_deadline, connection.sender.try_send_request(message)) => answer,
    };
    let silent = |_| Failure::InDoubt(format!("no answer within {:?}", head_deadline - start));
    let response = match answer.map_err(silent)? {
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

    let (mut head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::InDoubt("the answer switches to another protocol, which was not asked for".into()));
    }
    // Secrets could not be taken out of a body whose coding the client does not even mention.
    if head.headers.get_all(TRANSFER_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return Err(Failure::InDoubt("the answer's transfer coding is not plain `chunked`".into()));
    }
    let body = timeout_at(deadline, async {
        let body = read(body, limits).await?;
        decode::unpacked(&mut head.headers, body, limits.response_body).await
    })
    .await
    .map_err(|_| Failure::InDoubt("the answer did not end in time".into()))??;
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// Returns when nothing of a body was taken for so long that is not given away yet.
async fn stands_still(given: Option<Arc<Given>>, silence: Duration) {
    let Some(given) = given else { return std::future::pending().await };
    loop {
        let before = given.bytes();
        tokio::time::sleep(silence).await;
        if given.is_all() {
            return std::future::pending().await;
        }
        if given.bytes() == before {
            return;
        }
    }
}

/// Has interim answers counted; the signal comes when there are too many.
fn count_interim(message: &mut Message) -> Arc<Notify> {
    let flooded = Arc::new(Notify::new());
    let (signal, count) = (Arc::clone(&flooded), AtomicUsize::new(0));
    hyper::ext::on_informational(message, move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == MAX_INTERIM {
            signal.notify_one();
        }
    });
    flooded
}

async fn read(mut body: Incoming, limits: &Limits) -> Result<Bytes, Failure> {
    let limit = limits.response_body;
    let too_large = || Failure::TooLarge { part: "body", limit: format!("{limit} bytes") };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let stopped = |_| Failure::InDoubt(format!("the answer stopped for {:?} before it was complete", limits.silence));
    let mut bytes = Vec::new();
    while let Some(frame) = timeout(limits.silence, body.frame()).await.map_err(stopped)? {
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
