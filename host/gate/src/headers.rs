//! The method and headers of a request, as a plugin may choose them.

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Malformed;

/// Headers of a request or an answer at most, and the bytes of their names and values.
pub(crate) const MAX_HEADERS: usize = 64;
pub(crate) const MAX_HEADER_BYTES: usize = 16 * 1024;

const FRAMING: &str = "the host frames the request";
const HOP: &str = "it belongs to the connection, which the host keeps";
const ENCODING: &str = "the host asks for compressed answers and unpacks them";

/// What decides where a request goes or where it ends (RFC 9110, sections 7.2, 7.6.1 and 10.1.1; RFC 9112, section 6).
const FORBIDDEN: &[(&str, &str)] = &[
    ("host", "it follows from the url"),
    ("content-length", FRAMING),
    ("transfer-encoding", FRAMING),
    ("trailer", FRAMING),
    ("expect", FRAMING),
    ("te", HOP),
    ("connection", HOP),
    ("keep-alive", HOP),
    ("upgrade", HOP),
    ("http2-settings", HOP),
    ("accept-encoding", ENCODING),
];

/// Takes a method in capitals. `CONNECT` and `TRACE` would change what the connection is.
pub(crate) fn method(text: &str) -> Result<Method, Malformed> {
    let plain = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    let refused = || Malformed::Method { method: text.chars().take(32).collect() };
    if !plain || text == "CONNECT" || text == "TRACE" {
        return Err(refused());
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| refused())
}

/// Takes the headers that a plugin sets. `fill` gives the value that is sent, where it is another one with a secret in
/// it.
pub(crate) fn checked(
    fields: &[(String, String)],
    mut fill: impl FnMut(&str) -> Option<String>,
) -> Result<HeaderMap, Malformed> {
    if fields.len() > MAX_HEADERS {
        return Err(Malformed::HeaderCount { limit: MAX_HEADERS });
    }
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Malformed::HeaderName { name: name.chars().take(64).collect() })?;
        if let Some(reason) = forbidden(key.as_str()) {
            return Err(Malformed::HeaderForbidden { name: key.to_string(), reason });
        }
        let unfit = |_| Malformed::HeaderValue { name: key.to_string() };
        let value = match fill(value) {
            Some(filled) => {
                let mut value = HeaderValue::from_bytes(filled.as_bytes()).map_err(unfit)?;
                value.set_sensitive(true);
                value
            }
            None => HeaderValue::from_bytes(value.as_bytes()).map_err(unfit)?,
        };
        headers.append(key, value);
    }
    check_size(&headers)?;
    Ok(headers)
}

/// Holds headers against the bounds.
pub(crate) fn check_size(headers: &HeaderMap) -> Result<(), Malformed> {
    if headers.len() > MAX_HEADERS {
        return Err(Malformed::HeaderCount { limit: MAX_HEADERS });
    }
    if headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > MAX_HEADER_BYTES {
        return Err(Malformed::HeaderSize { limit: MAX_HEADER_BYTES });
    }
    Ok(())
}

/// Says why nobody but the host sets a header, if it is one of those.
pub(crate) fn forbidden(name: &str) -> Option<&'static str> {
    if name.starts_with("proxy-") {
        return Some(HOP);
    }
    FORBIDDEN.iter().find(|(forbidden, _)| *forbidden == name).map(|(_, reason)| *reason)
}
