//! What is served to the outside: what phone systems post, hooks of CRMs, the return of sign-ins, and the doors
//! at which programs, agents' browsers and visitors have calls made. Everything else is not found.

mod admin;
mod ask;
mod call_back;
mod command;
mod hook;
mod limiter;
mod page;
mod recording;
mod sign_in;
mod tel;
mod ways;

use std::sync::Arc;

use async_trait::async_trait;
use hookswitch_web::{Handler, HeaderValue, Method, Replays, Request, Response, StatusCode};

use self::limiter::Limiter;
pub(crate) use self::ways::Ways;
use crate::service::Service;

/// Signed posts that are remembered, so that none is believed twice.
const REPLAYS: usize = 100_000;

/// Answers what comes in at `[server] listen`.
pub(crate) struct Outside {
    service: Arc<Service>,
    replays: Replays,
    limiter: Limiter,
    /// What tickets of web pages are made with; another one after each start.
    ticket_key: [u8; 32],
}

impl Outside {
    /// The error: the system gives no chance.
    pub(crate) fn new(service: Arc<Service>) -> Result<Self, String> {
        let mut ticket_key = [0; 32];
        getrandom::fill(&mut ticket_key).map_err(|error| error.to_string())?;
        Ok(Self { service, replays: Replays::new(REPLAYS), limiter: Limiter::default(), ticket_key })
    }
}

#[async_trait]
impl Handler for Outside {
    async fn answer(&self, mut request: Request) -> Response {
        let loaded = self.service.loaded().await;
        let prefix = loaded.config.server.public_url.as_ref().map(|url| url.prefix()).unwrap_or_default();
        // A reverse proxy may leave the prefix on, or take it off.
        let path = request.path.strip_prefix(prefix).unwrap_or(&request.path).to_owned();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (parts.as_slice(), &request.method) {
            (["hook", plugin, name], &Method::POST) => hook::receive(self, plugin, name, request).await,
            (["oauth", plugin, handle], &Method::GET) => sign_in::finish(&self.service, plugin, handle, &request).await,
            (["pbx", name, rest @ ..], _) => match self.service.posts(name).await {
                Some(posts) => {
                    request.path = format!("/{}", rest.join("/"));
                    posts.answer(request).await
                }
                None => Response::text(StatusCode::NOT_FOUND, "there is nothing here"),
            },
            (["recording", token, _], _) => recording::answer(self, token, request).await,
            (["dial", name], _) => ask::answer(self, name, None, request).await,
            (["dial", name, id], _) => ask::answer(self, name, Some(id), request).await,
            (["tel", name, rest @ ..], _) => tel::answer(self, name, rest, request).await,
            (["callback", name, rest @ ..], _) => call_back::answer(self, name, rest, request).await,
            (["hook", _, _], _) => not_so("post to a hook", "POST"),
            (["oauth", _, _], _) => not_so("open this address in a browser", "GET"),
            _ => Response::text(StatusCode::NOT_FOUND, "there is nothing here"),
        }
    }
}

/// Refuses a method; `allowed` is the one to use.
fn not_so(text: &str, allowed: &'static str) -> Response {
    Response::text(StatusCode::METHOD_NOT_ALLOWED, text).with(http::header::ALLOW, HeaderValue::from_static(allowed))
}
