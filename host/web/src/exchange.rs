//! One request, read whole, and its answer.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, warn};

use crate::answer;
use crate::connection::House;
use crate::error::{Refusal, bad, refuse};
use crate::forwarded::{self, Origin};
use crate::head;
use crate::message::{Request, Response};
use crate::outgoing::Outgoing;

const SLOW: Refusal = refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long");
const TOO_LARGE: Refusal = refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");

/// Answers a request whose head has been read. The answer to the `last` one says that the connection ends, and so does
/// a refusal: what was refused may have a body that nobody reads.
pub(crate) async fn exchange(
    house: &House,
    here: Origin,
    last: bool,
    request: http::Request<Incoming>,
) -> Result<http::Response<Outgoing>, Infallible> {
    Ok(match respond(house, here, request).await {
        Ok(response) => answer::encode(response, last),
        Err(refusal) => {
            if let Some(more) = house.refusals.leave() {
                let Refusal { status, reason, .. } = &refusal;
                warn!(source = %here.source, status = status.as_u16(), reason, more, "request refused");
            }
            answer::encode((&refusal).into(), true)
        }
    })
}

async fn respond(house: &House, here: Origin, request: http::Request<Incoming>) -> Result<Response, Refusal> {
    let limits = &house.limits;
    let deadline = Instant::now() + limits.request;
    let (head, body) = request.into_parts();
    let (path, query) = head::target(&head.uri, limits.url_bytes)?;
    head::check(&head)?;
    let Origin { source, secure } = forwarded::origin(here, &head.headers, &house.trusted_proxies)?;
    ask(house, source)?;
    let body = timeout(limits.body, whole(body, limits.body_bytes)).await.map_err(|_| SLOW)??;
    let request = Request { source, secure, method: head.method, path, query, headers: head.headers, body };
    handle(house, request, deadline).await
}

fn ask(house: &House, source: IpAddr) -> Result<(), Refusal> {
    house.visitors.ask(source).map_err(|seconds| Refusal {
        status: StatusCode::TOO_MANY_REQUESTS,
        reason: "too many requests",
        retry_after_s: Some(seconds),
    })
}

/// Reads a body of at most `most` bytes.
async fn whole(body: Incoming, most: usize) -> Result<Bytes, Refusal> {
    // Said before any of it is asked for.
    if u64::try_from(most).is_ok_and(|most| body.size_hint().lower() > most) {
        return Err(TOO_LARGE);
    }
    let mut body = pin!(Limited::new(body, most));
    // Copied, since a body in many small chunks would take many times its size as pieces.
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => whole.extend_from_slice(&data),
            // Headers after the body belong to no part of the request that anybody reads.
            Ok(Err(_)) => {}
            Err(error) if error.is::<LengthLimitError>() => return Err(TOO_LARGE),
            Err(_) => return Err(bad("the body breaks off, or its chunks cannot be read")),
        }
    }
    Ok(whole.freeze())
}

/// The handler's answer, from a task of its own, so that a panic ends only that and what it does is not cut off when
/// the other side hangs up.
async fn handle(house: &House, request: Request, deadline: Instant) -> Result<Response, Refusal> {
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
