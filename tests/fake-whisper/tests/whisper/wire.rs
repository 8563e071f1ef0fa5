//! A client that writes bytes.

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request with a form, with a file in it or without.
pub(crate) fn form(path: &str, file: Option<(&[u8], &str, &str)>, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some((bytes, name, kind)) = file {
        let head = format!(
            "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}"
        );
        body.extend(head.into_bytes());
        body.extend(b"\r\n\r\n");
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    for (name, value) in fields {
        let part = format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    body.extend(b"--b0--\r\n");
    request(path, "multipart/form-data; boundary=b0", &body)
}

/// A request with JSON.
pub(crate) fn post_json(path: &str, body: &Value) -> Vec<u8> {
    request(path, "application/json", body.to_string().as_bytes())
}

fn request(path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Sends a request, and gives status and body of the answer.
pub(crate) async fn ask(url: &str, request: &[u8]) -> Result<(u16, String)> {
    let address = url.strip_prefix("http://").context("no plain server")?;
    let mut stream = TcpStream::connect(address).await?;
    // Whoever is cut off hears of it when it reads.
    let _ = stream.write_all(request).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8(answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, body.to_owned()))
}
