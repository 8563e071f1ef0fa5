//! Asking a phone system by HTTP. Nothing of a request is logged: tokens stand in it.

mod sound;
mod wire;

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::time::timeout;
use url::Url;

pub(crate) use self::{sound::Opened, wire::Wire};
use crate::Unfetched;

/// A whole request takes no longer than this.
const TOTAL: Duration = Duration::from_secs(30);
/// An answer is no larger than this, in bytes.
const LARGEST: usize = 10 << 20;

/// Where a phone system's API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Scheme, host and port, and the beginning of the path if there is one; `https`, or `http` inside of a network that
    /// nobody else can read.
    pub base: Url,
    /// Certificates (PEM) that are trusted in place of those of the operating system.
    pub ca_file: Option<PathBuf>,
}

impl Reach {
    /// The address of something below the base; `below` begins with `/` and may hold a query.
    pub(crate) fn at(&self, below: &str) -> String {
        format!("{}{below}", self.base.as_str().trim_end_matches('/'))
    }
}

/// A client of one phone system. Clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    reach: Reach,
    wire: Wire,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Begins with `/`, and may hold a query; encoded.
    pub(crate) below: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Ask {
    /// A `GET`.
    pub(crate) fn get(below: impl Into<String>) -> Self {
        Self { below: below.into(), ..Self::default() }
    }

    /// A `POST` of JSON.
    pub(crate) fn post(below: impl Into<String>, json: &serde_json::Value) -> Self {
        let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Self { method: Method::POST, below: below.into(), headers, body: json.to_string().into() }
    }

    /// The same with a header; one that cannot be sent is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Its body as JSON.
    pub(crate) fn json(&self) -> Result<serde_json::Value, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let start = String::from_utf8_lossy(self.body.get(..80).unwrap_or(&self.body)).into_owned();
            Error {
                sent: true,
                text: format!("its answer ({}) is no JSON: {error}: `{}`", self.status, start.escape_debug()),
            }
        })
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Error {
    /// Whether the phone system may have got the request.
    pub(crate) sent: bool,
    /// For the admin; without anything of the request.
    pub(crate) text: String,
}

impl Api {
    /// A client; connects to nothing yet. The error is for the admin.
    pub(crate) fn new(reach: &Reach) -> Result<Self, String> {
        Ok(Self { reach: reach.clone(), wire: Wire::new(reach.ca_file.as_deref())? })
    }

    /// Asks, and reads the whole answer. Redirects are answers like any other.
    pub(crate) async fn send(&self, ask: Ask) -> Result<Answer, Error> {
        self.send_within(ask, TOTAL).await
    }

    /// The same within another time.
    pub(crate) async fn send_within(&self, ask: Ask, within: Duration) -> Result<Answer, Error> {
        let unsent = |text: String| Error { sent: false, text };
        let uri: Uri = self.reach.at(&ask.below).parse().map_err(|_| unsent("the address is none".to_owned()))?;
        let mut request = http::Request::new(Full::new(ask.body));
        *request.method_mut() = ask.method;
        *request.uri_mut() = uri;
        request.headers_mut().extend(ask.headers);
        let late = |_| Error { sent: true, text: format!("no answer within {} s", within.as_secs_f32()) };
        timeout(within, self.exchange(request)).await.map_err(late)?
    }

    /// Asks for something below the base that is fetched in parts.
    pub(crate) async fn open(&self, ask: Ask) -> Result<Opened, Unfetched> {
        let url = Url::parse(&self.reach.at(&ask.below));
        let url = url.map_err(|_| Unfetched::Failed("its address is none".to_owned()))?;
        self.wire.open(&url, ask.headers).await
    }

    /// Asks for what lies at a whole address, and is fetched in parts. Nothing but the address is sent.
    pub(crate) async fn open_at(&self, from: &Url) -> Result<Opened, Unfetched> {
        self.wire.open(from, Vec::new()).await
    }

    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, Error> {
        let (head, body) = self.wire.request(request).await?.into_parts();
        let body = Limited::new(body, LARGEST).collect().await;
        let body = body.map_err(|error| Error { sent: true, text: format!("the answer broke off: {error}") })?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_below_the_base_with_and_without_a_path() {
        for (base, whole) in [
            ("https://pbx.example.com", "https://pbx.example.com/a?b=1"),
            ("https://pbx.example.com:8088/openapi/", "https://pbx.example.com:8088/openapi/a?b=1"),
        ] {
            let reach = Reach { base: base.parse().unwrap(), ca_file: None };
            assert_eq!(reach.at("/a?b=1"), whole);
        }
    }
}
