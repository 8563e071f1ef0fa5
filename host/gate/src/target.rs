//! From the text of a URL to the target of a request. The text is not looked at again afterwards.

use std::borrow::Cow;
use std::fmt;

use http::uri::PathAndQuery;
use percent_encoding::percent_decode;
use url::Url;

use crate::error::Malformed;
use crate::origin::{Origin, Scheme};

/// Bytes of a URL at most, the secret base included.
pub(crate) const MAX_URL: usize = 16 * 1024;

/// How many times over a path may be percent-encoded. More than two is no accident, and each costs a pass.
const MAX_ENCODINGS: usize = 4;

/// Where a request goes: an origin, and what stands in the request line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) origin: Origin,
    pub(crate) path_and_query: PathAndQuery,
}

impl Target {
    /// Takes an absolute URL, `https://host/…` or `http://host/…`.
    pub(crate) fn absolute(text: &str) -> Result<Target, Malformed> {
        check_characters(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(Malformed::UrlNotAbsolute)?;
        if !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
            return Err(Malformed::UrlNotAbsolute);
        }
        if Scheme::parse(scheme).is_none() {
            return Err(Malformed::UrlScheme { scheme: scheme.to_owned() });
        }
        // The URL standard of browsers skips any number of slashes here; no honest caller needs that.
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(Malformed::UrlHost);
        }
        if authority.contains('@') {
            return Err(Malformed::UrlUserInfo);
        }
        Target::of(&Url::parse(text)?)
    }

    /// Takes a path (with query) below a base that the caller keeps secret. `base` is a path without trailing slash.
    /// The result cannot lie outside of `base`, however `relative` is written.
    pub(crate) fn below(origin: &Origin, base: &str, relative: &str) -> Result<Target, Malformed> {
        check_characters(relative)?;
        let path = relative.split('?').next().unwrap_or_default();
        if path.starts_with('/') {
            return Err(Malformed::RelativeSlash);
        }
        if path.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err(Malformed::RelativeScheme);
        }
        if climbs(path) {
            return Err(Malformed::RelativeDots);
        }
        let url = Url::parse(&format!("{origin}{base}/{relative}"))?;
        let target = Target::of(&url)?;
        // The checks above promise this; it is asked again of the result, which is what will be sent.
        let inside = target.path_and_query.path().strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
        if target.origin == *origin && inside { Ok(target) } else { Err(Malformed::RelativeDots) }
    }

    /// Takes the parts of a parsed URL that a request needs; user info and fragment are never sent.
    pub(crate) fn of(url: &Url) -> Result<Target, Malformed> {
        let origin = Origin::of(url).ok_or(Malformed::UrlHost)?;
        let text = match url.query() {
            Some(query) => Cow::Owned(format!("{}?{query}", url.path())),
            None => Cow::Borrowed(url.path()),
        };
        if text.len() > MAX_URL {
            return Err(Malformed::UrlLength { limit: MAX_URL });
        }
        let path_and_query =
            PathAndQuery::from_maybe_shared(text.into_owned().into_bytes()).map_err(|_| Malformed::UrlPath)?;
        Ok(Target { origin, path_and_query })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path_and_query)
    }
}

/// Refuses what URL parsers drop or rewrite silently, so that the URL somebody reads is the URL that is sent.
pub(crate) fn check_characters(text: &str) -> Result<(), Malformed> {
    if text.len() > MAX_URL {
        return Err(Malformed::UrlLength { limit: MAX_URL });
    }
    let odd = |c: &char| c.is_control() || c.is_whitespace() || *c == '\\';
    if let Some(character) = text.chars().find(odd) {
        return Err(Malformed::UrlCharacter { character });
    }
    if text.contains('#') { Err(Malformed::UrlFragment) } else { Ok(()) }
}

/// Says whether a server could read a step up (or on the spot) out of a path: `..`, `%2e%2e`, `..%2f`, `..;x`, also
/// encoded several times.
pub(crate) fn climbs(path: &str) -> bool {
    let mut path = path.as_bytes().to_vec();
    for _ in 0..MAX_ENCODINGS {
        let decoded: Vec<u8> = percent_decode(&path).collect();
        if decoded == path {
            return path.split(|b| matches!(b, b'/' | b'\\')).any(|segment| {
                let name = segment.split(|b| *b == b';').next().unwrap_or_default();
                name == b"." || name == b".."
            });
        }
        path = decoded;
    }
    true
}
