//! Connections: bytes in, bytes out.

use std::{net::IpAddr, sync::Arc};

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{http::Request, pbx::Shared};

/// Serves one connection until it ends.
pub(crate) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    from: IpAddr,
    shared: Arc<Shared>,
) -> Result<()> {
    let mut buffer = Vec::new();
    loop {
        let request = loop {
            if let Some(request) = Request::read(&buffer) {
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
        let answer = shared.answer(&request, from);
        stream.write_all(&answer.bytes()).await?;
        stream.flush().await?;
    }
}
