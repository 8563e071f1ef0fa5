//! HTTP/1.1: turns bytes into requests and replies into bytes, and breaks connections on demand.

use std::{convert::Infallible, io};

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited, StreamBody};
use hyper::{
    Method, Request as HttpRequest, Response, StatusCode,
    body::{Frame, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    answer::Refusal,
    door::{Reply, Request, Shared, Wire},
    moment::{Phase, Then},
    outlet::{Departures, Outlet},
    php,
};

/// Of a request to the control port.
const LARGEST_ORDER: usize = 1 << 20;

/// What is sent: a whole body, or one that breaks off.
type Body = Either<Full<Bytes>, StreamBody<stream::Iter<std::vec::IntoIter<io::Result<Frame<Bytes>>>>>>;

/// Serves one connection to its end.
pub(crate) async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: Shared,
    keep_alive: bool,
) -> io::Result<()> {
    let (outlet, departures) = Outlet::new(stream);
    let service = service_fn(move |request| answer(request, shared.clone(), departures.clone()));
    let connection = http1::Builder::new().keep_alive(keep_alive).serve_connection(TokioIo::new(outlet), service);
    // An error here is a broken connection: the client's, or one that a fault asked for.
    connection.await.map_err(io::Error::other)
}

async fn answer(request: HttpRequest<Incoming>, shared: Shared, departures: Departures) -> io::Result<Response<Body>> {
    let Some((webhook, method)) = route(request.uri().path()) else {
        return Ok(respond(Wire {
            status: 404,
            content_type: "text/html; charset=utf-8",
            body: "<html><body><h1>404 Not Found</h1></body></html>".to_owned(),
        }));
    };
    let watched = shared.watchers().request(&method);
    let reached = async |phase| match &watched {
        Some(watched) if watched.reached(phase).await == Then::Cut => Err(closed_on_demand()),
        _ => Ok(()),
    };
    reached(Phase::Arrived).await?;
    let largest = shared.read().options.largest_body;
    let Some(request) = read(request, webhook, method, largest).await? else {
        let body = "<html><body><h1>413 Request Entity Too Large</h1></body></html>".to_owned();
        return Ok(respond(Wire { status: 413, content_type: "text/html; charset=utf-8", body }));
    };
    // On its own task: a client that hangs up does not stop what the portal has begun.
    let reply = tokio::spawn(async move { shared.handle(request).await }).await.map_err(io::Error::other)?;
    reached(Phase::CarriedOut).await?;
    if let Some(watched) = watched {
        let left = departures.next();
        tokio::spawn(async move {
            if left.await.is_ok() {
                watched.reached(Phase::Answered).await;
            }
        });
    }
    match reply {
        Reply::Answer(wire) => Ok(respond(wire)),
        Reply::Half(wire) => Ok(respond_half(wire)),
        Reply::Close => Err(closed_on_demand()),
    }
}

fn closed_on_demand() -> io::Error {
    io::Error::other("closed on demand")
}

/// `/rest/7/secret/user.get.json` → webhook and method; `/rest/user.get` → method alone.
fn route(path: &str) -> Option<(Option<(String, String)>, String)> {
    let parts: Vec<&str> = path.strip_prefix("/rest/")?.trim_end_matches('/').split('/').collect();
    let method = |name: &str| name.strip_suffix(".json").unwrap_or(name).to_owned();
    match parts[..] {
        [user, secret, name] => Some((Some((user.to_owned(), secret.to_owned())), method(name))),
        [name] if !name.is_empty() => Some((None, method(name))),
        _ => None,
    }
}

/// Reads a request; none if it is too large.
async fn read(
    request: HttpRequest<Incoming>,
    webhook: Option<(String, String)>,
    method: String,
    largest: usize,
) -> io::Result<Option<Request>> {
    let (head, body) = request.into_parts();
    let mut values = php::parse_form(head.uri.query().unwrap_or_default().as_bytes());
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let body = match Limited::new(body, largest).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(None),
        Err(error) => return Err(io::Error::other(error)),
    };
    let is_upload = webhook.is_none() && method.eq_ignore_ascii_case("upload");
    let malformed = |text: &str| Refusal::new(400, "INVALID_REQUEST", text);
    let (via, read): (_, Result<Map<String, Value>, Refusal>) = match (&head.method, media_type.trim()) {
        (&Method::GET, _) => ("GET", Ok(Map::new())),
        (&Method::POST, _) if is_upload => ("upload", Ok(Map::new())),
        (&Method::POST, _) if body.is_empty() => ("form", Ok(Map::new())),
        (&Method::POST, "application/json") => {
            let read = serde_json::from_slice(&body);
            ("json", read.map_err(|_| malformed("The body is not a JSON object")))
        }
        (&Method::POST, "application/x-www-form-urlencoded") => ("form", Ok(php::parse_form(&body))),
        // The real portal would see no parameters at all; saying why costs nobody an hour.
        (&Method::POST, _) => ("other", Err(malformed("The body should be JSON or a form, and its type say so"))),
        _ => ("other", Err(malformed("The HTTP method should be GET or POST"))),
    };
    let params = read.map(|body| {
        values.extend(body);
        values
    });
    let boundary = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="));
    let upload = is_upload.then(|| (boundary.map(|text| text.trim_matches('"').to_owned()), body));
    Ok(Some(Request { webhook, method, via, params, upload }))
}

fn respond(wire: Wire) -> Response<Body> {
    with_body(wire.status, wire.content_type, None, Either::Left(Full::new(Bytes::from(wire.body))))
}

/// Promises the whole length, sends half, then breaks off.
fn respond_half(wire: Wire) -> Response<Body> {
    let length = wire.body.len();
    let half = Bytes::from(wire.body.into_bytes()).slice(..length / 2);
    let frames = vec![Ok(Frame::data(half)), Err(io::Error::other("broken off on demand"))];
    with_body(wire.status, wire.content_type, Some(length), Either::Right(StreamBody::new(stream::iter(frames))))
}

fn with_body(status: u16, content_type: &'static str, length: Option<usize>, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from(length));
    }
    response
}

/// Serves one plain-HTTP service of another kind, for the control port.
pub(crate) async fn serve_plain<F, S>(listener: TcpListener, stop: CancellationToken, tasks: TaskTracker, service: F)
where
    F: Fn(Method, String, Bytes) -> S + Clone + Send + 'static,
    S: Future<Output = (u16, String)> + Send + 'static,
{
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((stream, _)) = accepted else { continue };
        let (service, stop) = (service.clone(), stop.clone());
        let service = service_fn(move |request: HttpRequest<Incoming>| {
            let service = service.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = Limited::new(body, LARGEST_ORDER).collect().await;
                let (status, text) = match body {
                    Ok(body) => service(head.method, head.uri.path().to_owned(), body.to_bytes()).await,
                    Err(error) => (400, format!("{error}\n")),
                };
                let mut response = Response::new(Full::new(Bytes::from(text)));
                *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Ok::<_, Infallible>(response)
            }
        });
        tasks.spawn(async move {
            stop.run_until_cancelled(http1::Builder::new().serve_connection(TokioIo::new(stream), service)).await
        });
    }
}
