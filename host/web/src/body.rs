//! The body of a request: so many bytes, or chunks (RFC 9112, section 7.1).

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{Trouble, bad, refuse};
use crate::head::Framing;
use crate::wire::Wire;

const TOO_LARGE: Trouble = refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");

/// The size of a chunk in hex, and extensions, which nobody uses.
const SIZE_LINE: usize = 256;

/// Refuses a body that says of itself that it is too large, before any of it is read.
pub(crate) fn fits(framing: Framing, most: usize) -> Result<(), Trouble> {
    match framing {
        Framing::Length(length) if usize::try_from(length).is_ok_and(|length| length <= most) => Ok(()),
        Framing::Length(_) => Err(TOO_LARGE),
        Framing::Chunked => Ok(()),
    }
}

/// Reads a body of at most `most` bytes, which [`fits`].
pub(crate) async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    framing: Framing,
    most: usize,
) -> Result<Bytes, Trouble> {
    match framing {
        Framing::Length(length) => wire.exactly(usize::try_from(length).map_err(|_| TOO_LARGE)?).await,
        Framing::Chunked => chunks(wire, most).await,
    }
}

async fn chunks<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, most: usize) -> Result<Bytes, Trouble> {
    let mut body = BytesMut::new();
    // What is around the chunks is bounded like the chunks.
    let mut around = most;
    let mut spend = |bytes: usize| around.checked_sub(bytes).map(|left| around = left).ok_or(TOO_LARGE);
    loop {
        let line = wire.line(SIZE_LINE, bad("the line before a chunk is too long")).await?;
        spend(line.len())?;
        let size = size(&line)?;
        if size == 0 {
            break;
        }
        if size > most - body.len() {
            return Err(TOO_LARGE);
        }
        body.extend_from_slice(&wire.exactly(size).await?);
        if wire.exactly(2).await? != b"\r\n"[..] {
            return Err(bad("a chunk is longer than it says"));
        }
    }
    // Headers after the body belong to no part of the request that anybody reads.
    loop {
        let trailer = wire.line(most, TOO_LARGE).await?;
        spend(trailer.len())?;
        if trailer.is_empty() {
            return Ok(body.freeze());
        }
    }
}

fn size(line: &[u8]) -> Result<usize, Trouble> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extensions) = line.split_at(digits);
    let extended = matches!(extensions.trim_ascii_start(), [] | [b';', ..])
        && extensions.iter().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t'));
    // A space without an extension after it is nothing.
    let bare = extensions.is_empty() || extensions.contains(&b';');
    // Eight digits are 4 GiB, far beyond any limit, and no number that can overflow.
    match digits.len() {
        1..=8 if extended && bare => std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .ok_or(bad("the size of a chunk cannot be read")),
        _ => Err(bad("the size of a chunk cannot be read")),
    }
}
