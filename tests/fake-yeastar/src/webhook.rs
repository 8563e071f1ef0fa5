//! Posts of a webhook (B.3 of the sheet).

use std::time::Duration;

use anyhow::{Context, Result};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long the other side may take, and how often it is tried again.
const TIMEOUT: Duration = Duration::from_secs(10);
const RETRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// `X-Signature` of a body.
pub(crate) fn signature(secret: &str, body: &str) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes()))
}

/// Posts until it is taken; the statuses, in order. 0 is no answer.
pub(crate) async fn push(url: &str, signature: &str, body: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for attempt in 0..=RETRIES {
        if attempt > 0 {
            sleep(PAUSE).await;
        }
        let status = timeout(TIMEOUT, post(url, &[("x-signature", signature)], body)).await;
        statuses.push(status.map(Result::unwrap_or_default).unwrap_or_default());
        if statuses.last().is_some_and(|status| (200..300).contains(status)) {
            break;
        }
    }
    statuses
}

/// Posts once; the status.
pub(crate) async fn post(url: &str, headers: &[(&str, &str)], body: &str) -> Result<u16> {
    let rest = url.strip_prefix("http://").context("http")?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let text = format!(
        "POST /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")
}
