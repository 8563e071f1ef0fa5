//! The rules of the gate as plainly as they can be said, for http and https URLs read by the `url` crate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// A grant, in parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub(crate) scheme: &'static str,
    /// A name, or an address without brackets.
    pub(crate) host: &'static str,
    /// Whether the host is everything below the name.
    pub(crate) below: bool,
    pub(crate) port: u16,
    /// Without a slash at its end.
    pub(crate) path: &'static str,
    /// All, if there is none.
    pub(crate) methods: &'static [&'static str],
}

/// A network, as its first address and the number of bits that count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open(pub(crate) IpAddr, pub(crate) u32);

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) scheme: String,
    /// In the order in which they are tried.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) port: u16,
    pub(crate) host_header: String,
    pub(crate) line: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No URL that means the same to everybody.
    Malformed,
    Denied,
    /// The name is not known.
    Nowhere,
    Sent(Sent),
}

pub(crate) fn judge(
    text: &str,
    method: &str,
    grants: &[Allowed],
    open: &[Open],
    zone: impl Fn(&str) -> Vec<IpAddr>,
) -> Verdict {
    let Some(url) = read(text) else { return Verdict::Malformed };
    let Some(host) = host(&url) else { return Verdict::Malformed };
    let port = url.port_or_known_default().unwrap();
    if port == 0 {
        return Verdict::Malformed;
    }
    if !grants.iter().any(|grant| covers(grant, &url, &host, port, method)) {
        return Verdict::Denied;
    }
    let addresses = match host.parse::<IpAddr>() {
        // Whoever grants an address means it.
        Ok(address) => vec![address],
        Err(_) => {
            let found: Vec<IpAddr> = zone(&host).into_iter().map(plain).collect();
            if found.is_empty() {
                return Verdict::Nowhere;
            }
            if !found.iter().all(|address| is_open(*address, open)) {
                return Verdict::Denied;
            }
            // IPv4 first.
            let (mut four, six): (Vec<IpAddr>, Vec<IpAddr>) = found.into_iter().partition(IpAddr::is_ipv4);
            four.extend(six);
            four
        }
    };
    let shown = if host.contains(':') { format!("[{host}]") } else { host };
    let usual = if url.scheme() == "https" { 443 } else { 80 };
    let host_header = if port == usual { shown } else { format!("{shown}:{port}") };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let line = format!("{method} {}{query} HTTP/1.1", url.path());
    Verdict::Sent(Sent { scheme: url.scheme().to_owned(), addresses, port, host_header, line })
}

/// Reads a text that no two readers understand differently.
fn read(text: &str) -> Option<Url> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == '#';
    if text.len() > 16 * 1024 || text.contains(odd) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
        || authority.is_empty()
        || authority.contains('@')
    {
        return None;
    }
    Url::parse(text).ok().filter(|url| url.as_str().len() <= 16 * 1024)
}

/// The host, in the one spelling that is compared.
fn host(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(plain(address.into()).to_string()),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let plain = |label: &str| {
                let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
                !label.is_empty() && label.len() <= 63 && label.chars().all(usual)
            };
            (name.len() <= 253 && name.split('.').all(plain)).then(|| name.to_owned())
        }
    }
}

/// An IPv4 address in an IPv6 spelling is the IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) if six.segments()[..6] == [0, 0, 0, 0, 0, 0xffff] => {
            let octets = six.octets();
            Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15]).into()
        }
        other => other,
    }
}

fn covers(grant: &Allowed, url: &Url, host: &str, port: u16, method: &str) -> bool {
    let is_name = host.parse::<IpAddr>().is_err();
    let same_host = match grant.below {
        false => host == grant.host,
        true => is_name && host.len() > grant.host.len() + 1 && host.ends_with(&format!(".{}", grant.host)),
    };
    let same_path = grant.path.is_empty()
        || (url.path() == grant.path || url.path().starts_with(&format!("{}/", grant.path))) && !climbs(url.path());
    let same_method = grant.methods.is_empty() || grant.methods.contains(&method);
    same_host && same_path && same_method && url.scheme() == grant.scheme && port == grant.port
}

/// Whether somebody who decodes a path, and decodes it again, finds a step upwards in it.
fn climbs(path: &str) -> bool {
    let mut readings = vec![path.as_bytes().to_vec()];
    loop {
        let last = readings.last().unwrap();
        let next = decode(last);
        if next == *last {
            break;
        }
        readings.push(next);
    }
    // Who encodes four times over means no good.
    readings.len() > 4
        || readings.iter().any(|reading| {
            let text = String::from_utf8_lossy(reading).replace('\\', "/");
            text.split('/').map(|segment| segment.split(';').next().unwrap()).any(|name| name == "." || name == "..")
        })
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (other, ..) => {
                decoded.push(other);
                at += 1;
            }
        }
    }
    decoded
}

/// All addresses of the test are of this machine, and open only by a network that says so.
fn is_open(address: IpAddr, open: &[Open]) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(four.to_bits()) << 96, 32),
        IpAddr::V6(six) => (six.to_bits(), 128),
    };
    let (wanted, size) = bits(address);
    open.iter().any(|Open(first, length)| {
        let (first, size_of_first) = bits(*first);
        size == size_of_first && (wanted ^ first).leading_zeros() >= *length
    })
}

pub(crate) fn four(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

pub(crate) const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
