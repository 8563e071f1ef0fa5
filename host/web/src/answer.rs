//! Answers as bytes.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::error::Refusal;
use crate::message::Response;

/// Added to every answer that has no such header of its own: answers are for one reader, and a page may do nothing
/// that it was not made for.
const SECURITY: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// What only the server can know, or nobody has to know.
const OWN: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::SERVER,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The answer to a request with this method. With `close` it says that it is the connection's last.
pub(crate) fn encode(mut response: Response, method: &Method, close: bool) -> Bytes {
    if !(200..600).contains(&response.status.as_u16()) {
        response = Response::text(StatusCode::INTERNAL_SERVER_ERROR, "the answer has no status that can be sent\n");
    }
    for name in OWN {
        response.headers.remove(name);
    }
    for (name, value) in SECURITY {
        response.headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now())
        && let Ok(date) = HeaderValue::try_from(date)
    {
        response.headers.insert(header::DATE, date);
    }
    let bodiless = matches!(response.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !bodiless {
        response.headers.insert(header::CONTENT_LENGTH, response.body.len().into());
    }
    if close {
        response.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }

    let mut bytes = BytesMut::with_capacity(512 + response.body.len());
    let reason = response.status.canonical_reason().unwrap_or("");
    put(&mut bytes, &[b"HTTP/1.1 ", response.status.as_str().as_bytes(), b" ", reason.as_bytes(), b"\r\n"]);
    for (name, value) in &response.headers {
        put(&mut bytes, &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    bytes.put_slice(b"\r\n");
    if !bodiless && method != Method::HEAD {
        bytes.put_slice(&response.body);
    }
    bytes.freeze()
}

fn put(bytes: &mut BytesMut, parts: &[&[u8]]) {
    parts.iter().for_each(|part| bytes.put_slice(part));
}

impl From<&Refusal> for Response {
    fn from(refusal: &Refusal) -> Response {
        let response = Response::text(refusal.status, format!("{}\n", refusal.reason));
        match refusal.retry_after_s {
            Some(seconds) => response.with(header::RETRY_AFTER, seconds.into()),
            None => response,
        }
    }
}
