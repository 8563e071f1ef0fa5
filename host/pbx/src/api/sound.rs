//! Sound by HTTP: as long as it is, and never believed to be sound because somebody says 200.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header, request, response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    time::{timeout, timeout_at},
};
use url::Url;

use super::wire::{Wire, innermost};
use crate::{
    Fetched, Unfetched,
    recordings::{LARGEST, LONGEST, SILENCE, UNFINISHED, wav},
};

/// So many bytes show what it is, before any of them is passed on.
const BEGINNING: usize = 80;

/// An answer whose body is still to come.
#[derive(Debug)]
pub(crate) struct Opened {
    head: response::Parts,
    body: Incoming,
}

impl Wire {
    /// Asks for what lies at a whole address. Redirects are answers like any other.
    pub(crate) async fn open(&self, from: &Url, headers: Vec<(HeaderName, HeaderValue)>) -> Result<Opened, Unfetched> {
        let mut request = request::Request::new(Full::<Bytes>::default());
        *request.uri_mut() = from.as_str().parse().map_err(|_| Unfetched::Failed("its address is none".to_owned()))?;
        request.headers_mut().extend(headers);
        let answer = timeout(SILENCE, self.request(request)).await.map_err(|_| silent())?;
        let (head, body) = answer.map_err(|error| Unfetched::Failed(error.text))?.into_parts();
        Ok(Opened { head, body })
    }
}

impl Opened {
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// Where it leads instead, as it stands there.
    pub(crate) fn location(&self) -> Option<&str> {
        self.head.headers.get(header::LOCATION)?.to_str().ok()
    }

    /// Writes it to `to` as it comes. Anything but sound with status 200 is an error, and nothing of it is written.
    pub(crate) async fn save(self, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let end = tokio::time::Instant::now() + LONGEST;
        let late = |_| Unfetched::Failed(format!("it takes longer than {} hours", LONGEST.as_secs() / 3600));
        timeout_at(end, self.copy(to)).await.map_err(late)?
    }

    async fn copy(mut self, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let status = self.status();
        match status {
            200 => {}
            404 | 410 => return Err(Unfetched::Missing(format!("HTTP {status}"))),
            401 | 403 => return Err(Unfetched::Forbidden(format!("HTTP {status}"))),
            300..=399 => {
                return Err(Unfetched::Failed(format!("HTTP {status}: it leads elsewhere, and is not followed there")));
            }
            _ => return Err(Unfetched::Failed(format!("HTTP {status}"))),
        }
        let said = said(&self.head.headers);
        if said.is_some_and(|bytes| bytes > LARGEST) {
            return Err(Unfetched::too_large());
        }
        let (mut bytes, mut beginning) = (0_u64, Some(Vec::new()));
        while let Some(frame) = timeout(SILENCE, self.body.frame()).await.map_err(|_| silent())? {
            let frame = frame.map_err(|error| Unfetched::Failed(format!("it broke off: {}", innermost(&error))))?;
            let Ok(part) = frame.into_data() else { continue };
            bytes = bytes.saturating_add(part.len() as u64);
            if bytes > LARGEST {
                return Err(Unfetched::too_large());
            }
            match &mut beginning {
                None => to.write_all(&part).await.map_err(Unfetched::unwritten)?,
                Some(start) => {
                    start.extend_from_slice(&part);
                    if start.len() >= BEGINNING {
                        judge(&self.head.headers, start)?;
                        to.write_all(start).await.map_err(Unfetched::unwritten)?;
                        beginning = None;
                    }
                }
            }
        }
        if let Some(whole) = beginning {
            judge(&self.head.headers, &whole)?;
            to.write_all(&whole).await.map_err(Unfetched::unwritten)?;
        }
        to.flush().await.map_err(Unfetched::unwritten)?;
        Ok(Fetched { bytes, content_type: text(&self.head.headers, &header::CONTENT_TYPE).to_owned() })
    }
}

/// Refuses what is no sound, and sound that is not whole yet.
fn judge(headers: &HeaderMap, beginning: &[u8]) -> Result<(), Unfetched> {
    let start = beginning.get(..BEGINNING).unwrap_or(beginning);
    if start.is_empty() {
        return Err(Unfetched::Missing("it is empty".to_owned()));
    }
    let kind = text(headers, &header::CONTENT_TYPE);
    if is_page(kind) || is_markup(start) || is_prose(start) {
        // It may repeat numbers, or what it was asked for.
        tracing::debug!(start = %String::from_utf8_lossy(start).escape_debug(), "the answer is no sound");
        let kind: String = kind.chars().take(80).collect();
        let length = said(headers).map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
        let text = format!("the answer is no sound but a page or message (`{}`{length})", kind.escape_debug());
        return Err(Unfetched::Failed(text));
    }
    let packed = text(headers, &header::CONTENT_ENCODING);
    if !matches!(packed, "" | "identity") {
        return Err(Unfetched::Failed(format!("it comes packed ({}), which was not asked for", packed.escape_debug())));
    }
    let whole = said(headers).is_none_or(|bytes| wav::is_whole(start, bytes));
    if !whole && age(headers).is_some_and(|age| age < UNFINISHED) {
        return Err(Unfetched::Missing("it is still being written".to_owned()));
    }
    Ok(())
}

/// Whether this type is what error pages and messages have. Plain text is none: many a server calls sound so that it does
/// not know.
fn is_page(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/json" | "text/json" | "text/xml" | "application/xml")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

/// Whether it begins as pages and messages do, whatever it is called. One byte would not do: raw sound begins with any.
fn is_markup(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = match start {
        [b'<', ..] => start.len() > 4,
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [b'"' | b'}', ..]),
        [b'[', rest @ ..] => matches!(rest.trim_ascii_start(), [b'"' | b'{' | b'[' | b']', ..]),
        _ => false,
    };
    begins && start.iter().take(16).all(is_readable)
}

/// Whether it is words and nothing else. Silence in G.711 may be letters for a while; a space is a loud sound there.
fn is_prose(start: &[u8]) -> bool {
    let start = start.trim_ascii();
    start.iter().any(u8::is_ascii_whitespace) && start.iter().all(is_readable)
}

fn is_readable(byte: &u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// How long ago it was changed, by the clock of the server that says so.
fn age(headers: &HeaderMap) -> Option<Duration> {
    let moment = |name| jiff::fmt::rfc2822::parse(text(headers, name)).ok().map(|at| at.timestamp());
    let since = moment(&header::DATE)?.duration_since(moment(&header::LAST_MODIFIED)?);
    Some(Duration::try_from(since).unwrap_or_default())
}

/// How many bytes there are to come, as the answer says it.
fn said(headers: &HeaderMap) -> Option<u64> {
    text(headers, &header::CONTENT_LENGTH).parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn silent() -> Unfetched {
    Unfetched::Failed(format!("nothing came for {} s", SILENCE.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(HeaderName, &'static str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn pages_and_messages_are_told_from_sound_by_type_and_by_their_beginning() {
        let types = ["text/html; charset=utf-8", "application/json", "application/problem+json", "Text/XML"];
        for kind in types {
            assert!(is_page(kind), "{kind}");
        }
        for kind in ["audio/mpeg", "application/octet-stream", "text/plain", ""] {
            assert!(!is_page(kind), "{kind}");
        }
        let pages: [&[u8]; 7] = [
            b"<!DOCTYPE html><html>",
            b"\xef\xbb\xbf\r\n <html><body>File not found",
            b"{\"errcode\":10004}",
            b"{ \"errcode\": 10004 }",
            b"{}",
            b"[{\"error\":404}]",
            b"[]",
        ];
        for page in pages {
            assert!(is_markup(page), "{page:?}");
        }
        assert!(is_prose(b"Recording not found\r\n") && is_prose(b"404:\tno such file"));
        // G.711 knows no head: any byte may be the first. Its silence may look like letters.
        let sounds: [&[u8]; 8] = [
            b"RIFF\x24\0\0\0WAVEfmt ",
            b"ID3\x04",
            b"<\xff\xfe<\x7f",
            b"{\"\xff\xfe\x01",
            b"[\"\xff\xfe\x01",
            b"{{{{",
            b"UUUTTTUUVVUUUU",
            b"~}|~~}{ \xff~",
        ];
        for sound in sounds {
            assert!(!is_markup(sound) && !is_prose(sound), "{sound:?}");
        }
    }

    #[test]
    fn a_wav_whose_head_does_not_fit_is_waited_for_while_the_server_says_that_it_is_young() {
        let written = |modified| {
            headers(&[
                (header::CONTENT_TYPE, "audio/x-wav"),
                (header::CONTENT_LENGTH, "3244"),
                (header::DATE, "Tue, 05 Mar 2024 09:15:30 GMT"),
                (header::LAST_MODIFIED, modified),
            ])
        };
        let (young, old) = (written("Tue, 05 Mar 2024 09:15:29 GMT"), written("Tue, 05 Mar 2024 09:10:29 GMT"));
        let head = |size: u32| [b"RIFF".as_slice(), &size.to_le_bytes(), b"WAVEfmt "].concat();
        assert!(matches!(judge(&young, &head(36)), Err(Unfetched::Missing(_))));
        assert_eq!(judge(&young, &head(3236)), Ok(()));
        assert_eq!(judge(&old, &head(36)), Ok(()));
    }
}
