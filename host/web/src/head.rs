//! Heads that `hyper` reads and this server does not take.

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{StatusCode, Uri, Version, header};

use crate::error::{Refusal, bad, refuse};

/// The path and the query, as sent.
///
/// # Errors
///
/// It is no path, or longer than `most` bytes.
pub(crate) fn target(uri: &Uri, most: usize) -> Result<(String, String), Refusal> {
    let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
    // Requests to proxies name a host here, which might be another one than that of the header.
    if uri.authority().is_some() || !target.starts_with('/') {
        return Err(bad("the path does not begin with a slash"));
    }
    if target.len() > most {
        return Err(refuse(StatusCode::URI_TOO_LONG, "the URL is too long"));
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("the path holds a character that must be written percent-encoded"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok((path.to_owned(), query.to_owned()))
}

/// Refuses a head that leaves open which host is meant (RFC 9112, section 3.2), or how the body is coded: `hyper` takes
/// off the chunks and passes on what is below them as it is.
pub(crate) fn check(head: &Parts) -> Result<(), Refusal> {
    match (head.headers.get_all(header::HOST).iter().count(), head.version) {
        (1, _) | (0, Version::HTTP_10) => {}
        (0, _) => return Err(bad("the header `host` is missing")),
        _ => return Err(bad("the header `host` stands there more than once")),
    }
    let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(refuse(StatusCode::NOT_IMPLEMENTED, "no transfer-encoding but chunked can be read")),
    }
}
