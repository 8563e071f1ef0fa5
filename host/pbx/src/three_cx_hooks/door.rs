//! The door: who may come in, and what is said to those who do. The module takes nothing but 200 for an answer.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use hookswitch_call::{Millis, signal::Report};
use hookswitch_web::{Handler, Method, Request, Response, StatusCode};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::{Calls, Config, Post, Told};
use crate::{Closed, Outlet};

/// Posts of different calls are taken in at once, as long as their calls do not share one of so many turns.
const TURNS: usize = 64;

/// Takes posts in.
pub(super) struct Door {
    config: Config,
    outlet: Outlet,
    calls: Mutex<Calls>,
    /// Posts of one call are taken in one after the other, as they came.
    turns: [tokio::sync::Mutex<()>; TURNS],
    hasher: RandomState,
    /// Whether it was said that the module posts.
    heard: AtomicBool,
}

impl Door {
    pub(super) fn new(config: Config, calls: Calls, outlet: Outlet) -> Self {
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        let (hasher, heard) = (RandomState::new(), AtomicBool::new(false));
        Self { config, outlet, calls: Mutex::new(calls), turns, hasher, heard }
    }

    /// Whether a request comes from where it may, and knows the secret.
    fn is_proven(&self, request: &Request) -> bool {
        let networks = &self.config.networks;
        let near = networks.is_empty() || networks.iter().any(|network| network.contains(request.source));
        let given = request.path.trim_start_matches('/');
        let given = given.strip_suffix('/').unwrap_or(given);
        let secret = self.config.secret.expose_secret();
        let same = bool::from(given.as_bytes().ct_eq(secret.as_bytes()));
        near && same && !secret.is_empty()
    }

    /// Takes in what a post says; it is durable then.
    async fn take_in(&self, told: &Told) -> Result<(), Closed> {
        let _turn = self.turn(told).await;
        let at = now();
        let mut reports = self.calls().reports(told, at);
        if !self.heard.load(Ordering::Relaxed) {
            reports.insert(0, Report::Connected);
        }
        if !reports.is_empty() {
            self.outlet.keep(reports).await?;
            self.heard.store(true, Ordering::Relaxed);
        }
        self.calls().remember(told, at);
        Ok(())
    }

    /// Waits for the posts of the same call that came before.
    async fn turn(&self, told: &Told) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let Told::Call(about) = told else { return None };
        let turn = self.hasher.hash_one(about.chain()) % TURNS as u64;
        Some(self.turns.get(usize::try_from(turn).ok()?)?.lock().await)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Handler for Door {
    async fn answer(&self, request: Request) -> Response {
        let (pbx, source) = (&self.config.name, request.source);
        if !self.is_proven(&request) {
            tracing::warn!(pbx, %source, "a post is not proven, and refused: is its address right, and its source in `networks`?");
            return Response::text(StatusCode::FORBIDDEN, "not proven");
        }
        if request.method != Method::POST && request.method != Method::GET {
            return Response::text(StatusCode::METHOD_NOT_ALLOWED, "POST or GET")
                .with(http::header::ALLOW, http::HeaderValue::from_static("GET, POST"));
        }
        let told = match Post::read(&request).and_then(|post| Told::read(&post, &self.config.names)) {
            Ok(told) => told,
            Err(fault) => {
                let fault = fault.to_string();
                tracing::warn!(pbx, %source, fault = %fault.escape_debug(), "a post is not understood");
                return Response::text(StatusCode::UNPROCESSABLE_ENTITY, fault);
            }
        };
        match self.take_in(&told).await {
            Ok(()) => Response::text(StatusCode::OK, "ok"),
            Err(Closed) => Response::text(StatusCode::SERVICE_UNAVAILABLE, "the host stops; say it again"),
        }
    }
}

/// The present, as the arrival of a post; none carries a time of its own.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
