//! A file as an answer: whole or a part of it, or only the news that nothing has changed (RFC 9110, sections 13 and 14).

use std::ops::RangeInclusive;
use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_range_header::parse_range_header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::message::{Request, Response};
use crate::outgoing::Slice;

/// Characters of a file's name that need no escape in `filename*` (RFC 8187, section 3.2.1).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A file that never changes.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Where it is.
    pub path: PathBuf,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// `audio/mpeg`.
    pub content_type: String,
    /// How it is called where it is saved.
    pub name: String,
    /// A text that no other content has: letters and digits.
    pub tag: String,
}

impl Whole {
    /// The answer to a `GET` or `HEAD`: 200, 206, 304 or 416. Of several ranges none is taken, and the answer is the
    /// whole file, as the RFC lets a server choose.
    pub fn answer(&self, request: &Request) -> Response {
        let tag = format!("\"{}\"", self.tag);
        let asked = &request.headers;
        if let Some(known) = value(asked, &header::IF_MATCH)
            && !is_among(known, &tag)
        {
            return self.headed(Response::new(StatusCode::PRECONDITION_FAILED), &tag);
        }
        if let Some(known) = value(asked, &header::IF_NONE_MATCH)
            && is_among(known, &tag)
        {
            return self.headed(Response::new(StatusCode::NOT_MODIFIED), &tag);
        }
        // A part of another file than the one that is known would be of no use.
        let still = value(asked, &header::IF_RANGE).is_none_or(|known| known.trim() == tag);
        let wanted = value(asked, &header::RANGE).filter(|_| still).and_then(|range| self.range(range));
        let (status, from, bytes) = match wanted {
            None => (StatusCode::OK, 0, self.bytes),
            Some(Ok(range)) => (StatusCode::PARTIAL_CONTENT, *range.start(), range.end() - range.start() + 1),
            Some(Err(())) => {
                let of = [(header::CONTENT_RANGE, format!("bytes */{}", self.bytes))];
                let response = Response::text(StatusCode::RANGE_NOT_SATISFIABLE, "the file has no such part\n");
                return with_all(response, of).with(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            }
        };
        let slice = Slice { path: self.path.clone(), from, bytes };
        let response = self.headed(Response { file: Some(slice), ..Response::new(status) }, &tag);
        let part = (status == StatusCode::PARTIAL_CONTENT)
            .then(|| format!("bytes {from}-{}/{}", from + bytes.saturating_sub(1), self.bytes));
        let own =
            [(header::CONTENT_TYPE, self.content_type.clone()), (header::CONTENT_DISPOSITION, self.disposition())];
        with_all(response, own.into_iter().chain(part.map(|part| (header::CONTENT_RANGE, part))))
    }

    fn headed(&self, response: Response, tag: &str) -> Response {
        // For whoever asked, and worth asking again whether it is still there.
        let own = [(header::ETAG, tag.to_owned()), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
        with_all(response, own).with(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
    }

    /// The part that is asked for; none where the answer is the whole file.
    fn range(&self, range: &str) -> Option<Result<RangeInclusive<u64>, ()>> {
        let parsed = parse_range_header(range).ok()?;
        match parsed.validate(self.bytes) {
            Ok(ranges) => match ranges.as_slice() {
                [only] => Some(Ok(only.clone())),
                _ => None,
            },
            Err(_) => Some(Err(())),
        }
    }

    /// Shown in a browser where it can be, and saved under its name.
    fn disposition(&self) -> String {
        let plain: String = self
            .name
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() || "-._ +".contains(char) { char } else { '_' })
            .collect();
        format!("inline; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(&self.name, PLAIN))
    }
}

fn value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a list of tags has this one; weak ones are the same here, as the content never changes.
fn is_among(list: &str, tag: &str) -> bool {
    list.trim() == "*" || list.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}

fn with_all(response: Response, headers: impl IntoIterator<Item = (HeaderName, String)>) -> Response {
    headers.into_iter().fold(response, |response, (name, value)| match HeaderValue::from_str(&value) {
        Ok(value) => response.with(name, value),
        Err(_) => response,
    })
}

#[cfg(test)]
mod tests;
