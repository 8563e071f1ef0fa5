//! Connections: bytes in, bytes out.

use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{
    api,
    http::{Incoming, answer},
    pbx::Shared,
    socket,
};

/// Serves one connection until it ends.
pub(crate) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin + Send, shared: Arc<Shared>) -> Result<()> {
    let mut buffer = Vec::new();
    loop {
        let request = loop {
            if let Some(request) = Incoming::read(&buffer) {
                break request;
            }
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await?;
            if read == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&part[..read]);
        };
        buffer.drain(..request.length);
        if shared.state().is_blocked() {
            return Ok(());
        }
        if request.path == "/openapi/v1.0/subscribe" {
            return socket::serve(stream, buffer, &request, &shared).await;
        }
        let token = request.query.get("access_token").cloned().unwrap_or_default();
        let sound = shared.state().fetch(&request.path, &token);
        if let Some((status, kind, bytes)) = sound {
            stream.write_all(&answer(status, kind, &bytes)).await?;
            stream.flush().await?;
            continue;
        }
        let (status, body, events) = api::answer(&mut shared.state(), &request);
        for (kind, msg) in events {
            shared.tell(kind, &msg).await;
        }
        stream.write_all(&answer(status, "application/json", body.to_string().as_bytes())).await?;
        stream.flush().await?;
        shared.changed();
    }
}
