//! Takes in what is posted: proves it, reads it, has it kept, and answers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use hookswitch_call::{Millis, signal::Report};
use hookswitch_web::{
    Handler, HeaderValue, Method, Proof, Proven, Refused, Replays, Request, Response, StatusCode, check,
};
use http::header;

use super::{
    answer::echo,
    codec::Told,
    config::Config,
    message::{Body, Post},
    order::Order,
    repeats::Repeats,
};
use crate::{Closed, Outlet, Question, Route, Router};

/// Answers posts of one phone system.
pub(super) struct Posts {
    config: Config,
    /// What must hold of a post that fits no event, or several.
    proofs: Vec<Proof>,
    /// The same for each event that is signed in its own way.
    special: Vec<Option<Vec<Proof>>>,
    outlet: Outlet,
    router: Arc<dyn Router>,
    replays: Replays,
    repeats: Mutex<Repeats>,
    order: tokio::sync::Mutex<Order>,
    /// Whether it has proven itself once.
    connected: AtomicBool,
}

impl Posts {
    pub(super) fn new(config: Config, outlet: Outlet, router: Arc<dyn Router>) -> Self {
        let events = &config.description.events;
        let special = events.iter().map(|event| event.signed.as_ref().map(|signed| config.proofs(Some(signed))));
        Self {
            special: special.collect(),
            proofs: config.proofs(None),
            config,
            outlet,
            router,
            replays: Replays::default(),
            repeats: Mutex::default(),
            order: tokio::sync::Mutex::default(),
            connected: AtomicBool::new(false),
        }
    }

    /// What must hold of a post: what its event says, which decides nothing else before it is proven.
    fn proofs_of(&self, post: Option<&Post<'_>>) -> &[Proof] {
        let messages = post.map(Post::messages).unwrap_or_default();
        let [message] = messages.as_slice() else { return &self.proofs };
        let event = self.config.description.event_of(message);
        let special = event.and_then(|(number, _)| self.special.get(number)?.as_ref());
        special.unwrap_or(&self.proofs)
    }

    async fn take_in(&self, request: &Request) -> Response {
        let now = now();
        let read = Post::read(request, &self.config.description.body);
        let secret = |handle: &str| self.config.secrets.get(handle).cloned();
        let proofs = self.proofs_of(read.as_ref().ok());
        let proven = match check(proofs, request, &secret, &self.replays, now.0 / 1000) {
            Ok(proven) => proven,
            Err(Refused::Replayed) => {
                tracing::info!(source = %request.source, "a post came again, and is refused");
                return Response::text(StatusCode::CONFLICT, "received before");
            }
            Err(refused) => {
                tracing::warn!(source = %request.source, %refused, "a post is not proven, and refused");
                return Response::text(StatusCode::FORBIDDEN, "not proven");
            }
        };
        let refuse = |error: &dyn std::fmt::Display, status: StatusCode| {
            tracing::warn!(%error, "a post cannot be used; look at the description");
            Response::text(status, error.to_string())
        };
        let told = match read {
            Err(error) => return refuse(&error, StatusCode::BAD_REQUEST),
            Ok(post) => match self.config.description.tell(&post, now) {
                Err(error) => return refuse(&error, StatusCode::UNPROCESSABLE_ENTITY),
                Ok(told) => told,
            },
        };
        if told.is_empty() {
            tracing::debug!("a post fits no event of the description");
        }
        if !told.iter().all(|told| self.is_fresh(told, now)) {
            tracing::warn!(source = %request.source, "a message is older than `window`, says no time, or the clocks differ");
            return Response::text(StatusCode::FORBIDDEN, "too old, or without a time");
        }
        let (kept, answer) = futures::join!(self.keep(request, &told), self.route(&told));
        match kept {
            Ok(()) => answer.unwrap_or_else(|| self.config.answer.response()),
            Err(Closed) => self.not_now(&proven),
        }
    }

    fn is_fresh(&self, told: &Told, now: Millis) -> bool {
        let (Some(window), event) = (self.config.window, self.config.description.events.get(told.event)) else {
            return true;
        };
        match told.made {
            Some(made) => u128::from(made.0.abs_diff(now.0)) <= window.as_millis(),
            None => event.is_some_and(|event| event.undated),
        }
    }

    /// Returns when what was told is durable.
    async fn keep(&self, request: &Request, told: &[Told]) -> Result<(), Closed> {
        let repeats = || self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        // The same words twice are the same message twice, if each has a time or a number of its own.
        let distinct = !told.is_empty() && told.iter().all(|told| told.made.is_some() || told.place.is_some());
        let key = distinct.then(|| repeats().key(request));
        if key.is_some_and(|key| repeats().knows(key)) {
            tracing::debug!("a post came again, and says nothing new");
            return Ok(());
        }
        let mut order = self.order.lock().await;
        let mut reports = Vec::new();
        if !self.connected.swap(true, Ordering::Relaxed) {
            reports.push(Report::Connected);
        }
        for told in told {
            reports.extend(match &told.place {
                Some(place) => order.put(place, &told.reports),
                None => told.reports.clone(),
            });
        }
        // Even what says nothing new waits: the same may be on its way to the disk for another post.
        let outlet = self.outlet.clone();
        let mut kept = Box::pin(async move { outlet.keep(reports).await });
        // Begun before the next post is let in: what was put in order stays in order. And it goes on if the sender hangs up:
        // what was put in order must not be lost.
        let begun = futures::poll!(&mut kept);
        drop(order);
        match begun {
            Poll::Ready(kept) => kept?,
            Poll::Pending => tokio::spawn(kept).await.unwrap_or(Err(Closed))?,
        }
        if let Some(key) = key {
            repeats().remember(key);
        }
        Ok(())
    }

    /// The answer to the question where a caller should go, if one of the messages asks it.
    async fn route(&self, told: &[Told]) -> Option<Response> {
        let events = &self.config.description.events;
        let asks = |told: &Told| Some((events.get(told.event)?.route.as_ref()?, told.caller.clone()?));
        let (routing, (call, external, line)) = told.iter().find_map(asks)?;
        let within = routing.within();
        let question = Question { call: Some(call), external, line, within };
        let route = tokio::time::timeout(within, self.router.route(question)).await;
        routing.answer(&route.unwrap_or_else(|_| Route::default()))
    }

    fn not_now(&self, proven: &Proven) -> Response {
        proven.take_back(&self.replays);
        Response::text(StatusCode::SERVICE_UNAVAILABLE, "not now")
            .with(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }
}

#[async_trait]
impl Handler for Posts {
    async fn answer(&self, request: Request) -> Response {
        let tried = self.config.echo.as_ref().filter(|_| request.method == Method::GET);
        if let Some(response) = tried.and_then(|parameter| echo(&request, parameter)) {
            return response;
        }
        let asked = request.method == Method::GET && self.config.description.body == Body::None;
        if request.method != Method::POST && !asked {
            return Response::text(StatusCode::METHOD_NOT_ALLOWED, "post here")
                .with(header::ALLOW, HeaderValue::from_static("POST"));
        }
        self.take_in(&request).await
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
