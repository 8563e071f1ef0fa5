//! HTTP/1.1, byte by byte.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const LONGEST_HEAD: usize = 32 << 10;
/// Nobody who is tested sends more: a client that does is broken.
const LARGEST_BODY: usize = 256 << 20;

/// What a request says before its body.
#[derive(Clone, Debug)]
pub struct Head {
    /// In capitals.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Behind the question mark.
    pub query: String,
    headers: Vec<(String, String)>,
    length: usize,
}

/// A whole request.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it says before its body.
    pub head: Head,
    /// All of its body.
    pub body: Vec<u8>,
}

/// An answer before it becomes bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its content type.
    pub kind: &'static str,
    /// Its body.
    pub body: String,
}

impl Head {
    /// The one value of a header; none if it is not there.
    ///
    /// # Errors
    ///
    /// It is there twice.
    pub fn header(&self, name: &str) -> Result<Option<&str>> {
        let mut all = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = all.next();
        ensure!(all.next().is_none(), "the header {name} comes twice");
        Ok(first)
    }

    /// Without parameters, in lower case.
    pub fn content_type(&self) -> String {
        let whole = self.header("content-type").ok().flatten().unwrap_or_default();
        whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// A parameter of the query, as it is written.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

impl Answer {
    /// One in JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, kind: "application/json", body: body.to_string() }
    }

    /// One in plain text.
    pub fn text(status: u16, body: String) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body }
    }

    /// As it goes out.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { status, kind, body } = self;
        let length = body.len();
        format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    }
}

/// Reads what is before the body; none: the client has gone.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Head>> {
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
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').with_context(|| format!("no header: {line:?}"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut head =
        Head { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), headers, length: 0 };
    ensure!(head.header("transfer-encoding")?.is_none(), "a body without a length");
    head.length = head.header("content-length")?.map_or(Ok(0), str::parse).context("content-length")?;
    ensure!(head.length <= LARGEST_BODY, "a body of {} bytes", head.length);
    Ok(Some(head))
}

/// Reads the body.
pub(crate) async fn body(stream: &mut (impl AsyncRead + Unpin), head: Head) -> Result<Request> {
    let mut body = vec![0; head.length];
    stream.read_exact(&mut body).await?;
    Ok(Request { head, body })
}

pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<()> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}
