//! HTTP/1.1, byte by byte.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::answer::Answer;

const LONGEST_HEAD: usize = 32 << 10;
const LARGEST_BODY: usize = 1 << 20;
/// Of a request that uploads a file. The account itself takes less.
const LARGEST_UPLOAD: usize = 64 << 20;

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query; of `CONNECT` the host and port.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads the next request; none: the client has gone.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            ensure!(head.is_empty(), "a request that breaks off in its head");
            return Ok(None);
        }
        head.extend(byte);
        ensure!(head.len() <= LONGEST_HEAD, "a head without an end");
    }
    let head = String::from_utf8(head).context("a head that is no text")?;
    let mut lines = head.trim_end().split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1"] = first[..] else { bail!("no request: {first:?}") };
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').with_context(|| format!("no header: {line:?}"))?;
        Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    let headers: Vec<_> = headers.collect::<Result<_>>()?;
    let mut request = Request { method: method.to_owned(), target: target.to_owned(), headers, body: Vec::new() };
    ensure!(request.header("transfer-encoding").is_none(), "Zendesk's edge wants a content-length");
    let length: usize = request.header("content-length").map_or(Ok(0), str::parse).context("content-length")?;
    let largest = if request.target.starts_with("/api/v2/uploads") { LARGEST_UPLOAD } else { LARGEST_BODY };
    ensure!(length <= largest, "a body of {length} bytes");
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

/// Writes an answer, or only the first `part` of its body.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), answer: &Answer, part: usize) -> Result<()> {
    let kind = if answer.is_json { "application/json; charset=utf-8" } else { "text/html; charset=utf-8" };
    let extra: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (status, length) = (answer.status, answer.body.len());
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{extra}content-length: {length}\r\n\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend(&answer.body.as_bytes()[..part.min(length)]);
    stream.write_all(&bytes).await?;
    Ok(stream.flush().await?)
}
