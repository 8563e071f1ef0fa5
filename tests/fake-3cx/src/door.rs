//! Connections: bytes in, bytes out.

use std::sync::Arc;

use anyhow::Result;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

use crate::{
    callcontrol,
    http::{Incoming, answer, decoded},
    pbx::Shared,
    sound,
    state::{CLIENT_ID, CLIENT_SECRET, Request, State},
    xapi,
};

/// Serves one connection until it ends.
pub(crate) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin + Send, shared: Arc<Shared>) -> Result<()> {
    let mut buffer = Vec::new();
    let mut cut = shared.cut.subscribe();
    loop {
        let request = loop {
            if let Some(request) = Incoming::read(&buffer) {
                break request;
            }
            let mut part = [0; 4096];
            let read = tokio::select! {
                read = stream.read(&mut part) => read?,
                _ = cut.changed() => return Ok(()),
            };
            if read == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&part[..read]);
        };
        buffer.drain(..request.length);
        let live = shared.state().is_live(request.header("authorization"));
        if request.target == "/callcontrol/ws" && live && shared.state().call_control {
            return socket(stream, buffer, &request, &shared).await;
        }
        let recorded = sound::asked(&mut shared.state(), &request, live);
        if let Some(recorded) = recorded {
            note(&shared, &request, 200);
            if !sound::send(&recorded, &mut stream).await? {
                return Ok(());
            }
            continue;
        }
        let (status, body) = respond(&mut shared.state(), &request, live);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let clock = shared.state().clock();
        note(&shared, &request, status);
        if status == 0 {
            return Ok(());
        }
        stream.write_all(&answer(status, &text, clock)).await?;
        stream.flush().await?;
    }
}

fn note(shared: &Shared, request: &Incoming, status: u16) {
    let secret = request.target == "/connect/token";
    let body = if secret { String::new() } else { request.body.clone() };
    let target = decoded(&request.target);
    shared.state().requests.push(Request { method: request.method.clone(), target, body, status });
    shared.changed();
}

fn respond(state: &mut State, request: &Incoming, live: bool) -> (u16, Value) {
    if !request.whole {
        state.complaints.push(format!("a blank stands in `{}`", request.target));
        return (400, Value::Null);
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let target = decoded(&request.target);
    if let Some(found) = state.faults.iter().position(|(part, _)| target.contains(part)) {
        return (state.faults.remove(found).1, Value::Null);
    }
    if path == "/connect/token" {
        return token(state, request);
    }
    if query.contains("access_token") || !live {
        return (401, Value::Null);
    }
    match path {
        _ if path == "/callcontrol" || path.starts_with("/callcontrol/") => match state.call_control {
            true => callcontrol::answer(state, &request.method, path, &request.body),
            false => (403, Value::Null),
        },
        _ if path.starts_with("/xapi/v1/") => match state.xapi {
            true => xapi::answer(state, &request.method, &decoded(path), &decoded(query), &request.body),
            false => (403, Value::Null),
        },
        _ => (404, Value::Null),
    }
}

fn token(state: &mut State, request: &Incoming) -> (u16, Value) {
    let form = request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let field = |name: &str| {
        let mut pairs = request.body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| decoded(&value.replace('+', " ")))
    };
    if request.method != "POST" || !form || field("grant_type").as_deref() != Some("client_credentials") {
        state.complaints.push(format!("a request for a token that is none: {}", request.method));
        return (400, json!({ "error": "invalid_request" }));
    }
    if field("client_id").as_deref() != Some(CLIENT_ID) || field("client_secret").as_deref() != Some(CLIENT_SECRET) {
        return (401, json!({ "error": "invalid_client" }));
    }
    let token = state.give_token();
    let expires_in = state.expires_in;
    (200, json!({ "token_type": "Bearer", "expires_in": expires_in, "access_token": token, "refresh_token": null }))
}

/// A web socket, to which everything is told from now on.
async fn socket(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    buffer: Vec<u8>,
    request: &Incoming,
    shared: &Arc<Shared>,
) -> Result<()> {
    let Some(key) = request.header("sec-websocket-key") else {
        stream.write_all(b"HTTP/1.1 400 -\r\ncontent-length: 0\r\n\r\n").await?;
        return Ok(());
    };
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    let (texts, mut told) = mpsc::unbounded_channel();
    let mut cut = shared.cut.subscribe();
    shared.state().sockets.push(texts);
    note(shared, request, 101);
    let mut socket = WebSocketStream::from_partially_read(stream, buffer, Role::Server, None).await;
    loop {
        tokio::select! {
            text = told.recv() => match text {
                Some(text) => socket.send(Message::text(text)).await?,
                None => return Ok(()),
            },
            said = socket.next() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
            // A line that breaks says no farewell.
            _ = cut.changed() => return Ok(()),
        }
    }
}
