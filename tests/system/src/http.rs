//! A client of the program's listeners: writes bytes, reads bytes.

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::PATIENCE;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and headers, as they came.
    pub head: String,
    pub body: String,
}

/// A free port of this machine, from a range that the system gives to nobody by itself: any other may be some client's a
/// moment later.
pub fn free_port() -> Result<u16> {
    let ports = std::iter::repeat_with(|| fastrand::u16(15_000..32_000)).take(100);
    let mut free = ports.filter(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().context("no port is free")
}

/// Sends one request to `http://ADDRESS/PATH`, with `headers` as lines.
pub async fn send(method: &str, url: &str, headers: &[&str], body: &str) -> Result<Answer> {
    let rest = url.strip_prefix("http://").context("http")?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut text = format!("{method} /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    headers.iter().for_each(|line| text.push_str(&format!("{line}\r\n")));
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(text.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::Ok(String::from_utf8(answer)?)
    };
    let answer = timeout(PATIENCE, exchange).await.with_context(|| format!("no answer from {url}"))??;
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("no answer: {answer:?}"))?;
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}

/// Posts a form.
pub async fn post_form(url: &str, headers: &[&str], form: &str) -> Result<Answer> {
    let kind = ["content-type: application/x-www-form-urlencoded"];
    send("POST", url, &[&kind, headers].concat(), form).await
}
