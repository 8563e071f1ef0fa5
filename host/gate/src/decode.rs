//! Unpacks compressed answers (RFC 9110, section 8.4): what comes out is bounded, since a few bytes can stand for any
//! number, and secrets are searched for in it.

use std::fmt;

use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::exchange::Failure;

/// What is asked for in `accept-encoding`.
pub(crate) const ACCEPTED: &str = "gzip, br, deflate";

/// Codings one around the other. A second one happens where a proxy packs what was packed; a third is a trick.
const MAX_CODINGS: usize = 2;

/// Bytes that may come out of each byte that came, once there are more than [`FREE`] of them.
const MAX_RATIO: usize = 100;
const FREE: usize = 64 * 1024;

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Brotli => "br",
        })
    }
}

/// Unpacks a body of at most `limit` bytes on the wire to at most as many. Headers that speak of the packed body go.
pub(crate) async fn unpacked(headers: &mut HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Failure> {
    if body.is_empty() {
        return Ok(body);
    }
    let codings = codings(headers)?;
    if codings.is_empty() {
        return Ok(body);
    }
    let wire = body.len();
    let mut bytes = body;
    // They are named in the order in which they were applied.
    for coding in codings.into_iter().rev() {
        bytes = unpack(coding, &bytes, wire, limit).await?;
    }
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    Ok(bytes)
}

fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, Failure> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in value.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            match name.to_ascii_lowercase().as_slice() {
                b"" | b"identity" => {}
                b"gzip" | b"x-gzip" => codings.push(Coding::Gzip),
                b"deflate" => codings.push(Coding::Deflate),
                b"br" => codings.push(Coding::Brotli),
                other => {
                    let name: String = other.escape_ascii().map(char::from).take(40).collect();
                    return Err(Failure::InDoubt(format!(
                        "the answer is encoded as `{name}`, which was not asked for; asked for was {ACCEPTED}"
                    )));
                }
            }
        }
    }
    if codings.len() > MAX_CODINGS {
        let count = codings.len();
        return Err(Failure::InDoubt(format!(
            "the answer is compressed {count} times over, {MAX_CODINGS} are unpacked"
        )));
    }
    Ok(codings)
}

async fn unpack(coding: Coding, mut packed: &[u8], wire: usize, limit: usize) -> Result<Bytes, Failure> {
    let broken = |cause: &dyn fmt::Display| {
        Failure::InDoubt(format!("the answer cannot be unpacked: its {coding} coding is broken: {cause}"))
    };
    let mut bytes = Vec::new();
    let mut chunk = vec![0; FREE];
    {
        let source = &mut packed;
        let mut decoder: Box<dyn AsyncRead + Send + Unpin> = match coding {
            Coding::Gzip => {
                let mut decoder = GzipDecoder::new(source);
                decoder.multiple_members(true);
                Box::new(decoder)
            }
            Coding::Deflate if has_zlib_header(source) => Box::new(ZlibDecoder::new(source)),
            Coding::Deflate => Box::new(DeflateDecoder::new(source)),
            Coding::Brotli => Box::new(BrotliDecoder::new(source)),
        };
        loop {
            let read = decoder.read(&mut chunk).await.map_err(|error| broken(&error))?;
            if read == 0 {
                break;
            }
            bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
            if bytes.len() > limit {
                return Err(Failure::TooLarge { part: "body", limit: format!("{limit} bytes") });
            }
            if bytes.len() > FREE && bytes.len() / MAX_RATIO > wire {
                let limit = format!("{MAX_RATIO} times what came over the wire");
                return Err(Failure::TooLarge { part: "body", limit });
            }
            // Unpacking waits for nobody; other tasks and the deadline get their turn here.
            tokio::task::yield_now().await;
        }
    }
    if packed.is_empty() { Ok(bytes.into()) } else { Err(broken(&"bytes follow its end")) }
}

/// Tells the zlib format, which the standard calls `deflate` (RFC 1950, section 2.2), from the bare stream, which some
/// servers send by that name.
fn has_zlib_header(packed: &[u8]) -> bool {
    matches!(packed, [method, flags, ..] if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}
