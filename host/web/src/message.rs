//! What a handler gets and gives.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::outgoing::Slice;

/// Answers requests.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Runs as a task of its own: it goes on when the other side hangs up, is dropped when
    /// [`Limits::request`](crate::Limits::request) has passed (503), and its panic costs one answer (500).
    async fn answer(&self, request: Request) -> Response;
}

/// A whole request. Its `Debug` shows neither path nor query, headers or body, which may hold tokens.
#[derive(Clone)]
pub struct Request {
    /// Who sent it, as far as the connection and trusted proxies tell.
    pub source: IpAddr,
    /// Whether it came by TLS, all the way from the source as far as trusted proxies tell.
    pub secure: bool,
    pub method: Method,
    /// As sent: begins with `/`, ASCII, not decoded and not normalised.
    pub path: String,
    /// What stands after the `?`, as sent; empty if nothing. [`form::parse`](crate::form::parse) reads it.
    pub query: String,
    pub headers: HeaderMap,
    /// Without the framing of chunks.
    pub body: Bytes,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("source", &self.source)
            .field("method", &self.method)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// An answer. Headers that belong to the connection (`content-length`, `connection` …) are the server's and are left
/// out here; `cache-control: no-store`, `content-security-policy: default-src 'none'`, `referrer-policy` and
/// `x-content-type-options` are added where they are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599; anything else becomes 500.
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// A part of a file that is sent in place of `body`.
    pub file: Option<Slice>,
}

impl Response {
    /// An answer without a body.
    pub fn new(status: StatusCode) -> Response {
        Response { status, headers: HeaderMap::new(), body: Bytes::new(), file: None }
    }

    /// Plain text in UTF-8.
    pub fn text(status: StatusCode, text: impl Into<String>) -> Response {
        Response::with_body(status, "text/plain; charset=utf-8", text.into())
    }

    /// A page. Without a policy of its own it may load nothing and run nothing.
    pub fn html(status: StatusCode, page: impl Into<String>) -> Response {
        Response::with_body(status, "text/html; charset=utf-8", page.into())
    }

    /// JSON that is already written.
    pub fn json(status: StatusCode, json: impl Into<Bytes>) -> Response {
        Response::with_body(status, "application/json", json)
    }

    fn with_body(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response {
        Response { body: body.into(), ..Response::new(status) }
            .with(header::CONTENT_TYPE, HeaderValue::from_static(kind))
    }

    /// The same answer with this header, in place of one of the same name.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Response {
        self.headers.insert(name, value);
        self
    }
}
