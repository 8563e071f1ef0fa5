//! Events by webhook (B.3 of `pbx-yeastar.md`).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use hookswitch_call::signal::Report;
use hookswitch_signature::{Algorithm, Encoding, Header, Scheme, Signer};
use hookswitch_web::{Handler, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use secrecy::SecretString;

use super::{
    event::Event,
    work::{Telling, Work, now},
};

/// A post about a call that began longer ago, in seconds, is believed no more: signatures have no time, so one that was
/// overheard could be repeated when the call is long forgotten.
const OLDEST: u64 = 2 * 24 * 3600;

/// Takes the posts of the PBX.
pub(super) struct Door {
    work: Arc<Work>,
    signer: Signer,
    /// Whether anything that is authentic has come.
    known: AtomicBool,
}

impl Door {
    /// The error is for the admin.
    pub(super) fn new(work: Arc<Work>, secret: &SecretString) -> Result<Self, String> {
        Ok(Self { work, signer: signer(secret)?, known: AtomicBool::new(false) })
    }
}

/// Base64 of the HMAC-SHA256 of the body as it was received. The error is for the admin.
pub(super) fn signer(secret: &SecretString) -> Result<Signer, String> {
    let scheme = Scheme::Hmac {
        algorithm: Algorithm::Sha256,
        signed: Default::default(),
        header: Header(HeaderName::from_static("x-signature")),
        encoding: Encoding::Base64,
        prefix: String::new(),
        timestamp_header: None,
        id_header: None,
        window: Default::default(),
    };
    Signer::new(&scheme, secret, None).map_err(|error| error.to_string())
}

#[async_trait]
impl Handler for Door {
    async fn answer(&self, request: Request) -> Response {
        if request.method != Method::POST {
            return Response::text(StatusCode::METHOD_NOT_ALLOWED, "set Request Method of the webhook to POST")
                .with(http::header::ALLOW, HeaderValue::from_static("POST"));
        }
        let second = now().0 / 1000;
        if let Err(error) = self.signer.verify(&request.headers, &request.body, second) {
            tracing::warn!(source = %request.source, %error, "a post to the phone system's address is not signed by it");
            return Response::text(StatusCode::UNAUTHORIZED, "the signature is not right");
        }
        let event = match Event::read(&request.body) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "an event of the PBX cannot be read");
                return Response::text(StatusCode::BAD_REQUEST, error.to_string());
            }
        };
        if event.began().is_some_and(|began| began + OLDEST < second) {
            tracing::warn!("an event about a call of the past was posted; was it repeated, or is a clock wrong?");
            return Response::text(StatusCode::OK, "that call is too old");
        }
        let first = !self.known.swap(true, Ordering::Relaxed);
        let greeted = if first { self.work.outlet.give(vec![Report::Connected]).await } else { Ok(()) };
        match greeted.and(self.work.hear(event, Telling::Keep).await) {
            Ok(()) => Response::new(StatusCode::OK),
            Err(closed) => Response::text(StatusCode::SERVICE_UNAVAILABLE, closed.to_string()),
        }
    }
}
