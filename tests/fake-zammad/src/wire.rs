//! HTTP/1.1, byte by byte.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::answer::Answer;

const LONGEST_HEAD: usize = 32 << 10;
const LARGEST_BODY: usize = 64 << 10;

/// A request as it came.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Without parameters.
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
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
    let (mut length, mut content_type) = (0, String::new());
    for line in lines {
        let (name, value) = line.split_once(':').with_context(|| format!("no header: {line:?}"))?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().context("content-length")?,
            "content-type" => content_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
            "transfer-encoding" => bail!("a body without a length"),
            _ => {}
        }
    }
    ensure!(length <= LARGEST_BODY, "a body of {length} bytes");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request { method: method.to_owned(), target: target.to_owned(), content_type, body }))
}

pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), answer: &Answer) -> Result<()> {
    let Answer { status, kind, body } = answer;
    let length = body.len();
    let text = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await?;
    Ok(stream.flush().await?)
}
