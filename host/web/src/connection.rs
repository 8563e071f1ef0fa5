//! One connection: requests one after the other, each read whole, handled, and answered.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, warn};

use crate::error::{Refusal, Trouble, refuse};
use crate::forwarded::{self, Origin};
use crate::head::Head;
use crate::limits::Limits;
use crate::message::{Handler, Request, Response};
use crate::network::Network;
use crate::seldom::Seldom;
use crate::visitors::Visitors;
use crate::wire::Wire;
use crate::{answer, body, head};

/// What all connections of a server share.
pub(crate) struct House {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) limits: Limits,
    pub(crate) visitors: Arc<Visitors>,
    pub(crate) trusted_proxies: Vec<Network>,
    /// Once it says stop, what is under way is finished and nothing begun.
    pub(crate) stop: CancellationToken,
    pub(crate) refusals: Seldom,
}

/// How long the other side has to notice that the connection is closed.
const CLOSE: Duration = Duration::from_secs(1);

const SLOW_HEAD: Trouble = refuse(StatusCode::REQUEST_TIMEOUT, "the headers took too long");
const SLOW_BODY: Trouble = refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long");

/// Serves a connection until it is closed from either side. `here` is what is known of it without any header.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(house: &House, stream: S, here: Origin) {
    let mut wire = Wire::new(stream);
    for count in 1..=house.limits.requests_per_connection {
        let patience = if count == 1 { house.limits.head } else { house.limits.idle };
        let begun = tokio::select! {
            biased;
            () = house.stop.cancelled() => false,
            begun = timeout(patience, wire.peek()) => matches!(begun, Ok(Ok(_))),
        };
        if !begun {
            break;
        }
        let last = count == house.limits.requests_per_connection;
        match exchange(house, &mut wire, here, last).await {
            Ok(After::Next) => {}
            Ok(After::Close) | Err(Trouble::Gone) => break,
            Err(Trouble::Refuse(refusal)) => {
                if let Some(more) = house.refusals.leave() {
                    let Refusal { status, reason, .. } = &refusal;
                    warn!(source = %here.source, status = status.as_u16(), reason, more, "request refused");
                }
                let bytes = answer::encode((&refusal).into(), &http::Method::GET, true);
                let _ = timeout(house.limits.answer, wire.write(&bytes)).await;
                break;
            }
        }
    }
    let _ = timeout(CLOSE, wire.close()).await;
}

enum After {
    Next,
    Close,
}

/// One request and its answer.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    house: &House,
    wire: &mut Wire<S>,
    here: Origin,
    last: bool,
) -> Result<After, Trouble> {
    let limits = &house.limits;
    let deadline = Instant::now() + limits.request;
    let head = timeout(limits.head, head::read(wire, limits)).await.map_err(|_| SLOW_HEAD)??;
    let Head { method, path, query, headers, framing, keep_alive, expects_continue } = head;
    let Origin { source, secure } = forwarded::origin(here, &headers, &house.trusted_proxies)?;
    ask(house, source)?;
    body::fits(framing, limits.body_bytes)?;
    let body = async {
        if expects_continue {
            wire.write(b"HTTP/1.1 100 Continue\r\n\r\n").await.map_err(|_| Trouble::Gone)?;
        }
        body::read(wire, framing, limits.body_bytes).await
    };
    let body: Bytes = timeout(limits.body, body).await.map_err(|_| SLOW_BODY)??;

    let request = Request { source, secure, method: method.clone(), path, query, headers, body };
    let response = handle(house, request, deadline).await?;
    let close = last || !keep_alive || house.stop.is_cancelled();
    let bytes = answer::encode(response, &method, close);
    match timeout(limits.answer, wire.write(&bytes)).await {
        Ok(Ok(())) if !close => Ok(After::Next),
        _ => Ok(After::Close),
    }
}

fn ask(house: &House, source: IpAddr) -> Result<(), Trouble> {
    house.visitors.ask(source).map_err(|seconds| {
        Trouble::Refuse(Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            reason: "too many requests",
            retry_after_s: Some(seconds),
        })
    })
}

/// The handler's answer, from a task of its own, so that a panic ends only that and what it does is not cut off when
/// the other side hangs up.
async fn handle(house: &House, request: Request, deadline: Instant) -> Result<Response, Trouble> {
    let source = request.source;
    let handler = Arc::clone(&house.handler);
    let task = AbortOnDropHandle::new(tokio::spawn(async move { handler.answer(request).await }));
    match timeout_at(deadline, task).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(broken)) => {
            error!(%source, error = %broken, "a request broke its handler; this is a fault in the program");
            Ok(Response::text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"))
        }
        Err(_) => Err(refuse(StatusCode::SERVICE_UNAVAILABLE, "the answer took too long")),
    }
}
