//! What an admin's tools may ask, at a listener of its own: figures, and whether all is well.

use std::sync::Arc;

use async_trait::async_trait;
use hookswitch_web::{Handler, HeaderValue, Method, Request, Response, StatusCode};
use http::header;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};

use crate::{control::Service as _, metrics, service::Service};

/// The text format of Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers what comes in at `[server] admin`.
pub(crate) struct Admin {
    pub(crate) service: Arc<Service>,
    pub(crate) figures: Option<PrometheusHandle>,
    /// What must be shown.
    pub(crate) token: Option<SecretString>,
}

#[async_trait]
impl Handler for Admin {
    async fn answer(&self, request: Request) -> Response {
        if !self.is_known(&request) {
            return Response::text(
                StatusCode::UNAUTHORIZED,
                "show the token of [server] admin as Authorization: Bearer …",
            )
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if request.method != Method::GET {
            return super::not_so("there is nothing to change here", "GET");
        }
        match request.path.as_str() {
            "/health" => Response::text(StatusCode::OK, "ok"),
            "/metrics" => match (&self.figures, self.service.status().await) {
                (Some(figures), Ok(status)) => Response::text(StatusCode::OK, metrics::text(figures, &status))
                    .with(header::CONTENT_TYPE, HeaderValue::from_static(PROMETHEUS)),
                (None, _) => unavailable("nothing is counted in this process"),
                (_, Err(error)) => unavailable(&error),
            },
            "/status" => match self.service.status().await {
                Ok(status) => Response::json(StatusCode::OK, serde_json::to_vec(&status).unwrap_or_default()),
                Err(error) => unavailable(&error),
            },
            _ => Response::text(StatusCode::NOT_FOUND, "there are /health, /metrics and /status"),
        }
    }
}

impl Admin {
    /// Compares hashes, which takes the same time whatever is shown.
    fn is_known(&self, request: &Request) -> bool {
        let Some(token) = &self.token else { return true };
        let shown = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer "));
        shown.is_some_and(|shown| blake3::hash(shown.as_bytes()) == blake3::hash(token.expose_secret().as_bytes()))
    }
}

fn unavailable(why: &str) -> Response {
    Response::text(StatusCode::SERVICE_UNAVAILABLE, why)
}
