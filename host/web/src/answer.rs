//! Answers as they leave.

use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::error::Refusal;
use crate::message::Response;
use crate::outgoing::Outgoing;

/// Added to every answer that has no such header of its own: answers are for one reader, and a page may do nothing
/// that it was not made for.
const SECURITY: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// What only the server can know, or nobody has to know. `hyper` believes a length that stands here.
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

/// The answer for `hyper`, which adds its length and the date. With `close` it says that it is the connection's last.
pub(crate) fn encode(mut response: Response, close: bool) -> http::Response<Outgoing> {
    if !(200..600).contains(&response.status.as_u16()) {
        response = Response::text(StatusCode::INTERNAL_SERVER_ERROR, "the answer has no status that can be sent\n");
    }
    let Response { status, mut headers, body, file } = response;
    for name in OWN {
        headers.remove(name);
    }
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let mut encoded = http::Response::new(file.map_or_else(|| Outgoing::bytes(body), Outgoing::slice));
    *encoded.status_mut() = status;
    *encoded.headers_mut() = headers;
    encoded
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
