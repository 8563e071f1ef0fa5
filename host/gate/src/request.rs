//! What is asked of a gate, what it answers, and what it tells about the way.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use hyper::body::Bytes;

use crate::enclosure::Enclosure;
use crate::exchange::Answer;
use crate::grant::Grant;
use crate::network::Network;
use crate::origin::Origin;
use crate::redact::Redactor;

/// What a plugin wants sent. In `url`, the headers' values and `body` placeholders of secrets may stand.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Absolute, or a path below the base where the credential is a base URL or its token says where the API is. A mask
    /// alone stands for the kept URL.
    pub url: String,
    /// Names and values; a name may occur several times.
    pub headers: Vec<(String, String)>,
    /// The handle of a credential.
    pub credential: Option<String>,
    pub body: Bytes,
    /// Files that are sent in the place of their marks in `body`, and do not count for its size.
    pub enclosures: Vec<Enclosure>,
    /// How long the whole request may take, where that is not as long as others ([`Limits::total`](crate::Limits::total)).
    pub timeout: Option<Duration>,
    /// Places of secrets in a JSON answer, 16 at most, each names and numbers with dots between: `result.0.token`.
    pub keep_secret: Vec<String>,
}

/// The answer. A redirect that was not followed is an answer like any other.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case; bytes that are no UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub sent: Sent,
}

impl Response {
    pub(crate) fn new(answer: Answer, sent: Sent) -> Response {
        let field = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = answer.headers.iter().map(field).collect();
        Response { status: answer.status.as_u16(), headers, body: answer.body, sent }
    }

    pub(crate) fn scrubbed(self, redactor: &Redactor) -> Response {
        let field = |(name, value)| (redactor.text(name), redactor.text(value));
        let headers = self.headers.into_iter().map(field).collect();
        Response { headers, body: redactor.bytes(self.body), ..self }
    }
}

/// How a request went, for the trace of a call.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The URL as it was written, with `{handle}` for a secret base and with placeholders not filled in.
    pub url: String,
    /// The URLs that redirected here, in order, if any were followed.
    pub via: Vec<String>,
    /// Who was asked.
    pub origin: Origin,
    /// Where the connection leads: to the other side, or to the proxy.
    pub remote: SocketAddr,
    /// Whether the connection was used before.
    pub reused: bool,
    /// The grant that allowed the URL, and the one that opened the address, where it is internal.
    pub rule: Grant,
    pub network: Option<Network>,
    pub timings: Timings,
}

/// How long each step took; `None` for one that did not happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    pub dns: Option<Duration>,
    pub connect: Option<Duration>,
    pub tls: Option<Duration>,
    /// From handing over the request to the head of the answer.
    pub first_byte: Option<Duration>,
    /// From the call of [`Gate::send`](crate::Gate::send) to its end.
    pub total: Duration,
}
