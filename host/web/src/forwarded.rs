//! Who sent a request that came through proxies.
//!
//! A proxy appends the address that it sees to `X-Forwarded-For`, or writes it into `Forwarded` (RFC 7239). What stands
//! to the left of that was there before, and may be anybody's invention. So the list is read from the right: as long as
//! who says something is trusted, what it says is believed.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};

use crate::error::{Refusal, bad};
use crate::network::Network;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) source: IpAddr,
    pub(crate) secure: bool,
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// `here` is what the connection itself says.
///
/// # Errors
///
/// What a trusted proxy says cannot be read, or it says two things.
pub(crate) fn origin(here: Origin, headers: &HeaderMap, trusted: &[Network]) -> Result<Origin, Refusal> {
    if !trusts(trusted, here.source) {
        return Ok(here);
    }
    let plain = plain(headers)?;
    let standard = standard(headers)?;
    let source = match (plain.client(trusted)?, standard.client(trusted)?) {
        (None, None) => here.source,
        (Some(source), None) | (None, Some(source)) => source,
        (Some(one), Some(other)) if one == other => one,
        // Proxies write one of the two and let the other pass as the client sent it; nobody can say which.
        _ => return Err(bad("x-forwarded-for and forwarded name different sources")),
    };
    let mut schemes = plain.schemes.iter().chain(&standard.schemes).peekable();
    // One hop in the open is enough for others to have read it.
    let secure = if schemes.peek().is_some() { schemes.all(|secure| *secure) } else { here.secure };
    Ok(Origin { source, secure })
}

fn trusts(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// What one kind of header says, the nearest proxy's word last.
#[derive(Debug, Default)]
struct Said {
    /// None for a node without an address (`unknown`, `_hidden`).
    hops: Vec<Option<IpAddr>>,
    /// For each word about the scheme, whether it was https.
    schemes: Vec<bool>,
}

impl Said {
    fn client(&self, trusted: &[Network]) -> Result<Option<IpAddr>, Refusal> {
        let mut client = None;
        for hop in self.hops.iter().rev() {
            let hop = hop.ok_or(bad("a trusted proxy does not tell the address of its client"))?;
            client = Some(hop);
            if !trusts(trusted, hop) {
                break;
            }
        }
        Ok(client)
    }
}

fn plain(headers: &HeaderMap) -> Result<Said, Refusal> {
    let hops = values(headers, &FOR)?.iter().map(|value| address(value)).collect();
    let schemes = values(headers, &PROTO)?.iter().map(|value| value.eq_ignore_ascii_case("https")).collect();
    Ok(Said { hops, schemes })
}

/// `for=192.0.2.60;proto=https;by=203.0.113.43, for="[2001:db8::1]:4711"`.
fn standard(headers: &HeaderMap) -> Result<Said, Refusal> {
    let mut said = Said::default();
    for element in values(headers, &header::FORWARDED)? {
        let mut hop = None;
        for pair in element.split(';') {
            let (name, value) = pair.split_once('=').ok_or(bad("the header `forwarded` cannot be read"))?;
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop = address(value),
                "proto" => said.schemes.push(value.eq_ignore_ascii_case("https")),
                _ => {}
            }
        }
        said.hops.push(hop);
    }
    Ok(said)
}

/// The elements of a list header, over all its lines. Quoted commas stand in no address and no scheme.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Vec<&'a str>, Refusal> {
    let mut values = Vec::new();
    for line in headers.get_all(name) {
        let line = line.to_str().map_err(|_| bad("a header of a proxy cannot be read"))?;
        values.extend(line.split(',').map(str::trim));
    }
    Ok(values)
}

/// With or without a port, with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
