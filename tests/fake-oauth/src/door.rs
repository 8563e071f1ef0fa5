//! Connections: bytes in, bytes out.

use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::fault::Fault;
use crate::http::{Answer, Request};
use crate::provider::Shared;

/// Serves one connection until it ends.
pub(crate) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) -> Result<()> {
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
        let is_token = request.path == "/token";
        let fault = if is_token { shared.next_fault() } else { None };
        let html = "<!doctype html><title>We'll be back soon</title>";
        let answer = match fault {
            None => shared.ledger().answer(&request),
            Some(Fault::Hold(hold)) => {
                // A test that is over lets everybody go on.
                let _ = hold.arrived.send(());
                let _ = hold.release.await;
                shared.ledger().answer(&request)
            }
            Some(Fault::CutAnswer) => {
                let bytes = shared.ledger().answer(&request).bytes();
                shared.ledger().lost();
                stream.write_all(&bytes[..bytes.len() - 20]).await?;
                return Ok(stream.shutdown().await?);
            }
            Some(Fault::LostAnswer) => {
                shared.ledger().answer(&request);
                shared.ledger().lost();
                return Ok(());
            }
            Some(fault) => {
                shared.ledger().called();
                match fault {
                    Fault::TooManyRequests => Answer::json(429, r#"{"error":"rate_limited"}"#),
                    Fault::RetryAfter(seconds) => {
                        let mut answer = Answer::json(429, "");
                        answer.headers.push(("retry-after", seconds.to_string()));
                        answer
                    }
                    Fault::ServerError => Answer { status: 500, headers: Vec::new(), body: "oops".into() },
                    Fault::Answer(status, body) => Answer::json(status, body),
                    Fault::Page => {
                        Answer { status: 200, headers: vec![("content-type", "text/html".into())], body: html.into() }
                    }
                    Fault::LostRequest | Fault::CutAnswer | Fault::LostAnswer | Fault::Hold(_) => return Ok(()),
                }
            }
        };
        let written = async {
            stream.write_all(&answer.bytes()).await?;
            stream.flush().await
        };
        if let Err(error) = written.await {
            if is_token && answer.status == 200 {
                shared.ledger().lost();
            }
            return Err(error.into());
        }
    }
}
