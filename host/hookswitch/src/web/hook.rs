//! What a CRM posts: proven by the host, understood by the plugin.

use std::{sync::Arc, time::Duration};

use hookswitch_runtime::{
    CallError,
    contract::{Content, Failure, commands},
};
use hookswitch_web::{HeaderName, HeaderValue, Proven, Request, Response, StatusCode, check};
use http::header;

use super::{
    Outside,
    command::{self, Key},
};
use crate::{
    clock,
    desk::{Desk, Lane, Visit},
    dials::{self, Patience},
    metrics,
};

/// `commands.receive` may take this long (contract, `commands.receive`).
const AT_ONCE: Duration = Duration::from_secs(5);

/// Takes in a post: proves it, hands it to the plugin, and answers what the plugin says.
pub(super) async fn receive(outside: &Outside, plugin: &str, name: &str, request: Request) -> Response {
    let nowhere = || Response::text(StatusCode::NOT_FOUND, "there is nothing here");
    let Some(desk) = outside.service.desk(plugin) else { return nowhere() };
    let Some(hook) = desk.manifest.hooks.iter().find(|hook| hook.name == name) else { return nowhere() };
    if !desk.served.commands_receive {
        return nowhere();
    }
    let now = clock::now().0 / 1000;
    let proven = match check(&hook.verify, &request, &|handle| desk.secret(handle), &outside.replays, now) {
        Ok(proven) => proven,
        Err(refused) => {
            metrics::hook(plugin, "refused");
            tracing::warn!(plugin, hook = name, source = %request.source, %refused, "a post is not proven, and refused");
            return Response::text(StatusCode::FORBIDDEN, "not proven");
        }
    };
    let order_key = command::key(&request);
    let visit =
        Visit { function: "commands.receive", lane: Lane::Screen, wall: AT_ONCE, call: None, leave: None, seed: None };
    let hook = told(&desk, name, &request, &proven);
    match desk.visit(visit, async |component, job| component.commands_receive(job, &hook).await).await {
        Ok(reply) => {
            metrics::hook(plugin, "taken-in");
            let actions = reply.actions.len();
            tracing::info!(plugin, hook = name, status = reply.status, actions, "a post was taken in");
            match act(outside, &desk, &order_key, &reply.actions).await {
                Ok(()) => answer(reply),
                Err(error) => {
                    tracing::error!(plugin, hook = name, %error, "what a post asks for cannot be written down");
                    proven.take_back(&outside.replays);
                    Response::text(StatusCode::SERVICE_UNAVAILABLE, "not now")
                        .with(header::RETRY_AFTER, HeaderValue::from_static("5"))
                }
            }
        }
        Err(error) => {
            metrics::hook(plugin, "failed");
            tracing::warn!(plugin, hook = name, %error, "a post was not understood");
            let wait_ms = match error {
                CallError::Failure(Failure::Temporary(delay)) => delay.after_ms.unwrap_or(5_000),
                // Until somebody has signed in, or renewed the key.
                CallError::Failure(Failure::Unauthorised(_)) => 60_000,
                _ => return Response::text(StatusCode::UNPROCESSABLE_ENTITY, "not understood"),
            };
            // The sender will say the same again.
            proven.take_back(&outside.replays);
            let seconds = wait_ms.div_ceil(1000).clamp(1, 3600);
            Response::text(StatusCode::SERVICE_UNAVAILABLE, "not now").with(header::RETRY_AFTER, seconds.into())
        }
    }
}

/// What the plugin is told of a post. The values that proved it are taken out, and whatever secret of the plugin's is in
/// it besides.
fn told(desk: &Desk, name: &str, request: &Request, proven: &Proven) -> commands::Hook {
    let scrubbed = |text: &str| desk.gate.scrub_text(text.to_owned());
    let fields = |fields: &[(String, String)]| {
        fields.iter().map(|(name, value)| (scrubbed(name), scrubbed(value))).collect::<Vec<_>>()
    };
    let headers = proven.headers.iter().filter(|(name, _)| !is_private(name));
    let body = desk.gate.scrub_bytes(proven.body.clone()).to_vec();
    commands::Hook {
        name: name.to_owned(),
        method: request.method.to_string(),
        query: fields(&proven.query),
        headers: headers
            .map(|(name, value)| (name.to_string(), scrubbed(&String::from_utf8_lossy(value.as_bytes()))))
            .collect(),
        form: fields(&proven.form),
        body: String::from_utf8(body).map_or_else(|error| Content::Bytes(error.into_bytes()), Content::Text),
        proven: proven.names.clone(),
    }
}

/// Does what the plugin wants done; the calls that it wants are durable when it returns.
async fn act(
    outside: &Outside,
    desk: &Arc<Desk>,
    key: &Key,
    actions: &[commands::Action],
) -> Result<(), hookswitch_journal::Error> {
    let mut asks = Vec::new();
    for (at, action) in actions.iter().enumerate() {
        match action {
            commands::Action::RefreshUsers => desk.refresh_users(),
            commands::Action::Dial(dial) => asks.push(command::ask(desk, dial, key, at)),
            commands::Action::HangUp(call) => command::hang_up(&outside.service, desk, call),
            commands::Action::Other((what, _)) => {
                tracing::info!(plugin = %desk.name, what = %what.escape_debug(), "the plugin wants something that the host does not know");
            }
        }
    }
    if asks.is_empty() {
        return Ok(());
    }
    dials::order(&outside.service, asks, Patience::Waits).await.map(drop)
}

/// The plugin's answer. Of its headers those go out that say something about the body.
fn answer(reply: commands::Reply) -> Response {
    let body = match reply.body {
        Content::Text(text) => text.into_bytes(),
        Content::Bytes(bytes) => bytes,
    };
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response { body: body.into(), ..Response::new(status) };
    for (name, value) in reply.headers {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) else { continue };
        if name == header::CONTENT_TYPE || name == header::RETRY_AFTER || name.as_str().starts_with("x-") {
            response = response.with(name, value);
        }
    }
    response
}

/// Whether a header is the business of the connection and the proxies before it.
fn is_private(name: &HeaderName) -> bool {
    *name == header::CONNECTION || *name == header::FORWARDED || name.as_str().starts_with("x-forwarded-")
}
