//! `[server]`: the host itself.

use std::{net::SocketAddr, path::PathBuf};

use hookswitch_call::number::Region;
use hookswitch_web::Network;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};
use url::{Host, Url};

use super::{Fault, Secret, Size, Span};

/// `[server]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Server {
    /// The folder that holds calls, jobs and caches. Only this program should be able to read it.
    pub(crate) data: PathBuf,
    /// How a number without a country code is read, where its line says nothing else: `"DE"`.
    pub(crate) region: Option<String>,
    /// The time zone of texts written into a CRM: `"Europe/Berlin"`. Default: the machine's.
    pub(crate) timezone: Option<String>,
    /// A call without any news for this long is asked for no more and closed as lost. Default 4 hours.
    pub(crate) call_limit: Span,
    /// Calls are kept for this long after their end. Default 30 days.
    pub(crate) keep: Span,
    /// What plugins asked for and were answered is kept for this long. Default 7 days.
    pub(crate) keep_traces: Span,
    /// The journal may grow to this size; above it the oldest traces of finished calls go before their time. Default 8
    /// GiB.
    pub(crate) journal_size: Size,
    /// Where CRMs and browsers are served: `"0.0.0.0:8443"`. Default: nowhere.
    pub(crate) listen: Option<SocketAddr>,
    /// What that address is called from outside: `"https://calls.example.com"`.
    pub(crate) public_url: Option<PublicUrl>,
    /// The certificate of that name. Without one, only this machine and `trusted-proxies` are served.
    pub(crate) tls: Option<TlsFiles>,
    /// Reverse proxies whose word about a caller's address is taken, as addresses or CIDR.
    pub(crate) trusted_proxies: Vec<Network>,
    /// What opens the store of tokens in `data`. Default: a file beside it, made at the first start.
    pub(crate) key: Option<Key>,
    /// `server.admin`: what an admin's tools may ask.
    pub(crate) admin: Option<Admin>,
}

/// `server.tls`: PEM files. They are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsFiles {
    /// The certificate, and those of its issuers.
    pub(crate) certificate: PathBuf,
    /// Its private key, readable by nobody else.
    pub(crate) key: PathBuf,
}

/// `server.key`: where the key of the store comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) enum Key {
    /// An environment variable holds it.
    Env(String),
    /// A file holds it.
    File(PathBuf),
    /// The service manager hands it over under this name (systemd's `LoadCredential`).
    Credential(String),
}

/// `server.admin`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Admin {
    /// Where: `"127.0.0.1:9100"`.
    pub(crate) listen: SocketAddr,
    /// What must be shown as `Authorization: Bearer …`. Needed where others than this machine are served.
    pub(crate) token: Option<Secret>,
}

/// `server.public-url`, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

impl PublicUrl {
    /// The address of something on this server. `path` begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The part of it that stands before every path: empty, or `/calls`.
    pub(crate) fn prefix(&self) -> &str {
        let authority = self.0.split_once("://").map_or("", |(_, rest)| rest);
        authority.find('/').and_then(|slash| authority.get(slash..)).unwrap_or_default()
    }

    /// Scheme, host and port, as browsers write the origin of a page.
    pub(crate) fn origin(&self) -> &str {
        self.0.strip_suffix(self.prefix()).unwrap_or(&self.0)
    }

    /// Whether browsers reach it by TLS; if not, it is on this machine.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.starts_with("https:")
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "is no url; write it like \"https://calls.example.com\"")?;
        let here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err("names no host; write it like \"https://calls.example.com\""),
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            return Err("must begin with https://: sign-ins and posts of CRMs pass it");
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err("is more than scheme, host, port and path");
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|fault| de::Error::custom(format!("`{text}` {fault}")))
    }
}

impl Default for Server {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            data: PathBuf::from("/var/lib/hookswitch"),
            region: None,
            timezone: None,
            call_limit: Span(std::time::Duration::from_secs(4 * HOUR)),
            keep: Span(std::time::Duration::from_secs(30 * 24 * HOUR)),
            keep_traces: Span(std::time::Duration::from_secs(7 * 24 * HOUR)),
            journal_size: Size(8 << 30),
            listen: None,
            public_url: None,
            tls: None,
            trusted_proxies: Vec::new(),
            key: None,
            admin: None,
        }
    }
}

impl Server {
    pub(super) fn validate(&self) -> Result<(), Fault> {
        check_region(&["server", "region"], self.region.as_deref())?;
        if let Some(name) = &self.timezone {
            TimeZone::get(name).map_err(|_| {
                Fault::new(
                    &["server", "timezone"],
                    format!("unknown time zone `{name}`"),
                    "write it like \"Europe/Berlin\"",
                )
            })?;
        }
        if let Some(listen) = self.listen
            && self.tls.is_none()
            && self.trusted_proxies.is_empty()
            && !listen.ip().is_loopback()
        {
            return Err(Fault::new(
                &["server", "listen"],
                "without a certificate everybody on the network could read what comes in",
                "give `tls = { certificate = \"…\", key = \"…\" }`, or listen on 127.0.0.1 behind a reverse proxy, or name \
                 the proxies that speak TLS for it: `trusted-proxies = [\"10.0.0.5\"]`",
            ));
        }
        if let Some(admin) = &self.admin
            && admin.token.is_none()
            && !admin.listen.ip().is_loopback()
        {
            return Err(Fault::new(
                &["server", "admin"],
                "everybody on the network could ask",
                "listen on 127.0.0.1, or ask for a token: `token = { file = \"/etc/hookswitch/admin-token\" }`",
            ));
        }
        Ok(())
    }

    /// The time zone of texts.
    pub(crate) fn zone(&self) -> TimeZone {
        self.timezone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system)
    }
}

/// A region must be a country that the numbering plans know.
pub(super) fn check_region(path: &[&str], region: Option<&str>) -> Result<(), Fault> {
    match region {
        Some(code) if Region::from_code(code).is_none() => Err(Fault::new(
            path,
            format!("`{code}` is no country"),
            "write the two letters of ISO 3166-1, like \"DE\" or \"US\"",
        )),
        _ => Ok(()),
    }
}
