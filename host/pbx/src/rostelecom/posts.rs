//! What the PBX posts: `call_events`, `get_number_info`, `history_file_completed` (section 3).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use hookswitch_call::{Millis, signal::Report};
use hookswitch_signature::Signer;
use hookswitch_web::{Handler, Method, Network, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    PinAs, Posted, State, Zone,
    scalar::text,
    work::{Shared, now},
};
use crate::{Closed, Outlet, Question, Route, Router};

/// Bytes of a post that are read.
const LARGEST: usize = 64 * 1024;

/// Answers the PBX.
pub(super) struct Posts {
    pub(super) shared: Arc<Shared>,
    pub(super) outlet: Outlet,
    pub(super) router: Arc<dyn Router>,
    pub(super) signer: Signer,
    pub(super) networks: Vec<Network>,
    pub(super) answer_within: Duration,
    pub(super) pin_as: PinAs,
    pub(super) zone: Zone,
}

#[async_trait]
impl Handler for Posts {
    async fn answer(&self, request: Request) -> Response {
        let began = Instant::now();
        if let Some(refusal) = self.refuse(&request) {
            return refusal;
        }
        self.shared.believed();
        let arrival = now();
        match request.path.trim_matches('/') {
            "get_number_info" => self.number_info(&request, began, arrival).await,
            "call_events" => self.event(&request, arrival).await,
            "history_file_completed" => self.history(&request),
            _ => Response::text(StatusCode::NOT_FOUND, "there is no such method"),
        }
    }
}

impl Posts {
    /// What is wrong with whoever posts; none if it is the PBX.
    fn refuse(&self, request: &Request) -> Option<Response> {
        let source = request.source;
        if !self.networks.is_empty() && !self.networks.iter().any(|network| network.contains(source)) {
            tracing::warn!(%source, "a post comes from none of `source-networks`, and is refused");
            return Some(Response::text(StatusCode::FORBIDDEN, "not from here"));
        }
        if request.method != Method::POST {
            return Some(Response::text(StatusCode::METHOD_NOT_ALLOWED, "post here"));
        }
        if request.body.len() > LARGEST {
            return Some(Response::text(StatusCode::PAYLOAD_TOO_LARGE, "too large"));
        }
        // The scheme knows no time: that something is said again is for the ledger to notice.
        match self.signer.verify(&request.headers, &request.body, 0) {
            Ok(_) => None,
            Err(refused) => {
                tracing::warn!(%source, %refused, "a post is not signed as it should be, and refused");
                Some(Response::text(StatusCode::UNAUTHORIZED, "not proven"))
            }
        }
    }

    async fn event(&self, request: &Request, arrival: Millis) -> Response {
        let posted = match Posted::read(&request.body, arrival, &self.zone) {
            Ok(posted) => posted,
            Err(what) => return unreadable("call_events", &what),
        };
        if let State::Other(word) = &posted.state {
            tracing::debug!(call = %posted.call, state = %word.escape_debug(), "an event of a kind that is not described");
        }
        let (shared, outlet) = (self.shared.clone(), self.outlet.clone());
        // A task of its own: what the ledger has heard must be reported, though nobody waits for the answer any more.
        let kept = tokio::spawn(async move {
            // Events of one call are kept in the order in which they came.
            let _turn = shared.turn(&posted.call).await;
            let signals = shared.ledger().hear(&posted, Instant::now());
            // What a call's end means is reported later: until then the call is open, and will be asked for.
            outlet.keep(signals.into_iter().map(Report::Call).collect()).await
        });
        match kept.await.unwrap_or(Err(Closed)) {
            Ok(()) => {
                self.shared.stir();
                good()
            }
            Err(_) => Response::text(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        }
    }

    /// Where a caller should go. Without an answer in time the caller goes where the domain's own rules say.
    async fn number_info(&self, request: &Request, began: Instant, arrival: Millis) -> Response {
        let posted = match Posted::read(&request.body, arrival, &self.zone) {
            Ok(posted) => posted,
            Err(what) => return unreadable("get_number_info", &what),
        };
        let left = self.answer_within.saturating_sub(began.elapsed());
        let question = Question {
            call: Some(posted.call.clone()),
            external: posted.from.user,
            line: posted.to.user.unwrap_or_default(),
            // The rest is for the way back.
            within: left * 4 / 5,
        };
        let route = timeout(left, self.router.route(question)).await.unwrap_or_else(|_| {
            tracing::warn!(call = %posted.call, "no route in time; the caller goes where the domain's rules say");
            Route::default()
        });
        Response::json(StatusCode::OK, self.routed(route).to_string())
    }

    fn routed(&self, Route { name, target }: Route) -> Value {
        let name = name.map(|name| ("displayName", Value::String(name)));
        let pin = target.map(|pin| match self.pin_as {
            PinAs::String => ("PIN", Value::String(pin)),
            PinAs::Array => ("PIN", json!([pin])),
        });
        let good = [("result", json!(0)), ("resultMessage", json!(""))];
        good.into_iter().chain(name).chain(pin).map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn history(&self, request: &Request) -> Response {
        let posted = serde_json::from_slice::<Value>(&request.body).ok();
        let Some(order) = posted.and_then(|posted| text(&posted, "order_id")) else {
            return unreadable("history_file_completed", "it has no `order_id`");
        };
        self.shared.completed(order);
        good()
    }
}

fn good() -> Response {
    Response::json(StatusCode::OK, r#"{"result":0,"resultMessage":""}"#)
}

fn unreadable(method: &str, what: &str) -> Response {
    tracing::warn!(method, what, "a post of the phone system cannot be read");
    Response::text(StatusCode::BAD_REQUEST, what.to_owned())
}
