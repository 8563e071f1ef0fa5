//! Connections to phone systems and to servers beside them.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::Error;
use crate::trust::trust;

/// Connecting takes no longer than this.
const CONNECT: Duration = Duration::from_secs(10);
/// Connections are kept open so long.
const IDLE: Duration = Duration::from_secs(30);

/// Makes connections and keeps them for a while. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Wire {
    /// Trusts the authorities in `ca_file`, a PEM file, in place of those of the operating system. Connects to nothing yet.
    /// The error is for the admin.
    pub(crate) fn new(ca_file: Option<&Path>) -> Result<Self, String> {
        let tls = trust(ca_file).map_err(|error| error.to_string())?;
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
        Ok(Self { client })
    }

    /// Sends a request to a whole address. Redirects are answers like any other.
    pub(crate) async fn request(&self, request: http::Request<Full<Bytes>>) -> Result<http::Response<Incoming>, Error> {
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
}

/// What lies at the bottom of an error: the rest says only who noticed it.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
