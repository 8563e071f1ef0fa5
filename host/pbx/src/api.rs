//! Asking a phone system by HTTP. Nothing of a request is logged: tokens stand in it.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};
use url::Url;

use crate::trust::trust;

/// Connecting takes no longer than this.
const CONNECT: Duration = Duration::from_secs(10);
/// A whole request takes no longer than this.
const TOTAL: Duration = Duration::from_secs(30);
/// An answer is no larger than this, in bytes.
const LARGEST: usize = 10 << 20;
/// Connections are kept open so long.
const IDLE: Duration = Duration::from_secs(30);

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
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
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

/// What was fetched in parts, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Download {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) bytes: u64,
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
        let tls = trust(reach.ca_file.as_deref()).map_err(|error| error.to_string())?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(8)
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self { reach: reach.clone(), client })
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

    /// Fetches what lies at a whole address, at most so many bytes, and writes it to `to` as it comes. Nothing but the
    /// address is sent. Where the status is not 200, nothing is written.
    pub(crate) async fn download(
        &self,
        from: &Url,
        to: &mut (dyn AsyncWrite + Send + Unpin),
        most: u64,
    ) -> Result<Download, Error> {
        let broken = |text: String| Error { sent: true, text };
        let mut request = http::Request::new(Full::default());
        *request.uri_mut() =
            from.as_str().parse().map_err(|_| Error { sent: false, text: "the address is none".to_owned() })?;
        let late = |_| broken(format!("nothing came for {} s", TOTAL.as_secs()));
        let (head, mut body) = timeout(TOTAL, self.request(request)).await.map_err(late)??.into_parts();
        let mut bytes = 0_u64;
        while head.status == http::StatusCode::OK
            && let Some(frame) = timeout(TOTAL, body.frame()).await.map_err(late)?
        {
            let frame = frame.map_err(|error| broken(format!("it broke off: {}", innermost(&error))))?;
            let Ok(part) = frame.into_data() else { continue };
            bytes += part.len() as u64;
            if bytes > most {
                return Err(broken(format!("it is larger than {} MiB", most >> 20)));
            }
            to.write_all(&part).await.map_err(|error| broken(format!("it cannot be written: {error}")))?;
        }
        to.flush().await.map_err(|error| broken(format!("it cannot be written: {error}")))?;
        Ok(Download { status: head.status.as_u16(), headers: head.headers, bytes })
    }

    async fn request(&self, request: http::Request<Full<Bytes>>) -> Result<http::Response<Incoming>, Error> {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        self.client.request(request).await.map_err(|error| Error {
            sent: !error.is_connect(),
            text: if error.is_connect() {
                format!("cannot connect to {host}: {}", innermost(&error))
            } else {
                format!("the connection broke: {}", innermost(&error))
            },
        })
    }

    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, Error> {
        let (head, body) = self.request(request).await?.into_parts();
        let body = Limited::new(body, LARGEST).collect().await;
        let body = body.map_err(|error| Error { sent: true, text: format!("the answer broke off: {error}") })?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
    }
}

/// What lies at the bottom of an error: the rest says only who noticed it.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
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
