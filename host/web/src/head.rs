//! The head of a request, by the letter of RFC 9112. Where a reader is free to be lenient this one refuses.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{Trouble, bad, refuse};
use crate::limits::Limits;
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) framing: Framing,
    /// Whether the other side can take another answer on this connection.
    pub(crate) keep_alive: bool,
    /// Whether it waits to be asked for the body.
    pub(crate) expects_continue: bool,
}

/// Where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes.
    Length(u64),
    Chunked,
}

/// Room for the method and version beside the URL.
const REQUEST_LINE: usize = 40;

const URL_TOO_LONG: Trouble = refuse(StatusCode::URI_TOO_LONG, "the URL is too long");
const TOO_LARGE: Trouble = refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too large");
const TOO_MANY: Trouble = refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "there are too many headers");

/// Reads a head that has begun.
pub(crate) async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    limits: &Limits,
) -> Result<Head, Trouble> {
    // Said at once, since what speaks another protocol waits for an answer and may never send a line.
    if !matches!(wire.peek().await?, b'A'..=b'Z' | b'a'..=b'z' | b'\r' | b'\n') {
        return Err(bad("this is not HTTP; if it is TLS, the server expects none here"));
    }
    let mut line = wire.line(limits.url_bytes + REQUEST_LINE, URL_TOO_LONG).await?;
    if line.is_empty() {
        // Old clients end a body with a line of its own, which RFC 9112, section 2.2, lets pass before a request.
        line = wire.line(limits.url_bytes + REQUEST_LINE, URL_TOO_LONG).await?;
    }
    let start = Start::parse(&line, limits.url_bytes)?;
    let mut headers = HeaderMap::new();
    let mut left = limits.header_bytes;
    loop {
        let line = wire.line(left.saturating_sub(2), TOO_LARGE).await?;
        if line.is_empty() {
            return assemble(start, headers);
        }
        if headers.len() >= limits.headers {
            return Err(TOO_MANY);
        }
        left = left.saturating_sub(line.len() + 2);
        let (name, value) = header(&line)?;
        headers.append(name, value);
    }
}

struct Start {
    method: Method,
    path: String,
    query: String,
    /// 1.1, or else 1.0.
    modern: bool,
}

impl Start {
    fn parse(line: &[u8], url_bytes: usize) -> Result<Start, Trouble> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad("the first line is not method, path and version with one space between"));
        };
        let modern = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            [b'H', b'T', b'T', b'P', b'/', ..] => {
                return Err(refuse(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "write HTTP/1.1"));
            }
            _ => return Err(bad("the first line has no version")),
        };
        let method = Method::from_bytes(method).map_err(|_| bad("the method cannot be read"))?;
        if target.len() > url_bytes {
            return Err(URL_TOO_LONG);
        }
        // Requests to proxies name a host here, which might be another one than that of the header.
        if !target.starts_with(b"/") {
            return Err(bad("the path does not begin with a slash"));
        }
        if !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
            return Err(bad("the path holds a character that must be written percent-encoded"));
        }
        let target = std::str::from_utf8(target).map_err(|_| bad("the path is not ASCII"))?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Start { method, path: path.to_owned(), query: query.to_owned(), modern })
    }
}

fn header(line: &Bytes) -> Result<(HeaderName, HeaderValue), Trouble> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(bad("a header is folded over several lines"));
    }
    let colon = memchr::memchr(b':', line).ok_or(bad("a header has no colon"))?;
    let (name, value) = line.split_at(colon);
    // A space before the colon is no part of a name, so it is refused here.
    let name = HeaderName::from_bytes(name).map_err(|_| bad("the name of a header cannot be read"))?;
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    let value = HeaderValue::from_bytes(value).map_err(|_| bad("a header holds a control character"))?;
    Ok((name, value))
}

fn assemble(start: Start, headers: HeaderMap) -> Result<Head, Trouble> {
    let Start { method, path, query, modern } = start;
    match (headers.get_all(header::HOST).iter().count(), modern) {
        (1, _) | (0, false) => {}
        (0, true) => return Err(bad("the header `host` is missing")),
        _ => return Err(bad("the header `host` stands there more than once")),
    }
    let framing = framing(&headers, modern)?;
    let expects_continue = match headers.get(header::EXPECT) {
        None => false,
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => modern,
        Some(_) => return Err(refuse(StatusCode::EXPECTATION_FAILED, "only 100-continue can be expected")),
    };
    let mut options =
        headers.get_all(header::CONNECTION).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    let keep_alive = modern && !options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
    Ok(Head { method, path, query, headers, framing, keep_alive, expects_continue })
}

/// RFC 9112, section 6.3, without the cases where it lets a server choose.
fn framing(headers: &HeaderMap, modern: bool) -> Result<Framing, Trouble> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (lengths.next(), lengths.next(), codings.next(), codings.next()) {
        (None, _, None, _) => Ok(Framing::Length(0)),
        (Some(length), None, None, _) => {
            let digits = length.as_bytes();
            let number = (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
                .then(|| length.to_str().ok()?.parse().ok())
                .flatten();
            number.map(Framing::Length).ok_or(bad("the content-length is no number"))
        }
        (None, _, Some(coding), None) if modern && coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            Ok(Framing::Chunked)
        }
        (None, _, Some(_), None) if modern => {
            Err(refuse(StatusCode::NOT_IMPLEMENTED, "no transfer-encoding but chunked can be read"))
        }
        (Some(_), Some(_), ..) => Err(bad("there is more than one content-length")),
        (Some(_), _, Some(_), _) => Err(bad("there are both content-length and transfer-encoding")),
        (None, _, Some(_), Some(_)) => Err(bad("there is more than one transfer-encoding")),
        (None, _, Some(_), None) => Err(bad("HTTP/1.0 has no transfer-encoding")),
    }
}
