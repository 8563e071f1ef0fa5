//! What the admin allows a plugin to call: `allow.http = ["https://*.example.com:8443/api"]`.

use std::fmt;
use std::str::FromStr;

use http::Method;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use url::Url;

use crate::error::Malformed;
use crate::headers;
use crate::origin::{Host, Origin};
use crate::target::{Target, climbs};

/// One entry of `allow.http`: scheme, host, port and optionally the beginning of a path, as text or, where only some
/// methods are allowed, as a table: `{ url = "https://crm.example.com", methods = ["GET", "POST"] }`.
///
/// The host is exact, or `*.` and a domain, which stands for one or more labels before it (not for the domain
/// itself). An address as host opens this address, even an internal one. Default ports may be left out.
///
/// ```
/// use hookswitch_gate::Grant;
/// let grant: Grant = "https://*.bitrix24.com".parse()?;
/// assert!(grant.matches(&"https://acme.bitrix24.com/rest/".parse()?));
/// assert!(!grant.matches(&"https://evilbitrix24.com/rest/".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The origin as written, without the wildcard.
    origin: Origin,
    /// Whether the host is everything *below* the origin's host.
    subdomains: bool,
    /// Empty, or the beginning of the path, without trailing slash.
    path: String,
    /// In the order of the alphabet; `None` are all.
    methods: Option<Vec<String>>,
}

impl Grant {
    /// Says whether the grant covers a URL, for whatever methods. User info and fragment play no part, they are never
    /// sent.
    pub fn matches(&self, url: &Url) -> bool {
        Target::of(url).is_ok_and(|target| self.covers(&target))
    }

    /// Says whether everything that `other` covers is covered by this grant too.
    pub fn contains(&self, other: &Grant) -> bool {
        let same_domain = self.subdomains && other.subdomains && self.origin == other.origin;
        let below = self.covers_origin(&other.origin) && (self.subdomains || !other.subdomains);
        (same_domain || below) && self.covers_path(&other.path) && self.covers_methods(other.methods.as_deref())
    }

    /// The same grant for one method only.
    pub(crate) fn only(self, method: &Method) -> Grant {
        Grant { methods: Some(vec![method.to_string()]), ..self }
    }

    pub(crate) fn permits(&self, method: &Method) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|allowed| allowed == method.as_str()))
    }

    fn covers_methods(&self, others: Option<&[String]>) -> bool {
        match (&self.methods, others) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(methods), Some(others)) => others.iter().all(|other| methods.contains(other)),
        }
    }

    pub(crate) fn covers(&self, target: &Target) -> bool {
        self.covers_origin(&target.origin) && self.covers_path(target.path_and_query.path())
    }

    fn covers_origin(&self, origin: &Origin) -> bool {
        let host = match (self.subdomains, self.origin.host(), origin.host()) {
            (false, granted, asked) => granted == asked,
            (true, Host::Name(domain), Host::Name(name)) => {
                name.strip_suffix(domain.as_str()).is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
            }
            (true, _, _) => false,
        };
        host && self.origin.scheme() == origin.scheme() && self.origin.port() == origin.port()
    }

    fn covers_path(&self, path: &str) -> bool {
        if self.path.is_empty() {
            return true;
        }
        // A server that decodes before it routes would leave the granted part.
        path.strip_prefix(&self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !climbs(path)
    }
}

impl From<&Origin> for Grant {
    /// The grant for everything at one origin.
    fn from(origin: &Origin) -> Grant {
        Grant { origin: origin.clone(), subdomains: false, path: String::new(), methods: None }
    }
}

/// Why a text is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrant {
    #[error("`{text}` says no scheme; write `https://{text}` (or `http://…` where the CRM has no TLS)")]
    Scheme { text: String },
    #[error("`*` stands only as the whole first label of the host, as in `https://*.example.com`")]
    Wildcard,
    #[error(
        "`*.{domain}` would cover everybody's hosts; name the domain of the CRM, as in `https://*.example.{domain}`"
    )]
    PublicSuffix { domain: String },
    #[error("a grant has no query; end it after the path")]
    Query,
    #[error("the path of a grant has no `.` or `..` in it, encoded or not")]
    Dots,
    #[error("`methods` names no method; leave it out to allow all")]
    NoMethods,
    #[error(transparent)]
    Url(#[from] Malformed),
}

impl FromStr for Grant {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Grant, InvalidGrant> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(InvalidGrant::Scheme { text: text.to_owned() });
        };
        let (subdomains, rest) = match rest.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, rest),
        };
        if rest.contains('*') {
            return Err(InvalidGrant::Wildcard);
        }
        if rest.contains('?') {
            return Err(InvalidGrant::Query);
        }
        if rest.split_once('/').is_some_and(|(_, path)| climbs(path)) {
            return Err(InvalidGrant::Dots);
        }
        let target = Target::absolute(&format!("{scheme}://{rest}"))?;
        if subdomains {
            check_domain(target.origin.host())?;
        }
        let path = target.path_and_query.path().trim_end_matches('/').to_owned();
        Ok(Grant { origin: target.origin, subdomains, path, methods: None })
    }
}

/// Refuses a wildcard right below a registry's suffix (`*.com`, `*.co.uk`). Names that only a local network knows
/// (`*.lan`) are the admin's own.
fn check_domain(host: &Host) -> Result<(), InvalidGrant> {
    let Host::Name(domain) = host else { return Err(InvalidGrant::Wildcard) };
    let suffix = psl::suffix(domain.as_bytes()).filter(|suffix| suffix.typ() == Some(psl::Type::Icann));
    match suffix {
        Some(suffix) if suffix == domain.as_bytes() => Err(InvalidGrant::PublicSuffix { domain: domain.clone() }),
        _ => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Grant, D::Error> {
        deserializer.deserialize_any(GrantVisitor)
    }
}

struct GrantVisitor;

/// What a grant for some methods is written as.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: String,
    methods: Option<Vec<String>>,
}

impl<'de> Visitor<'de> for GrantVisitor {
    type Value = Grant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`\"https://crm.example.com\"` or `{ url = \"https://crm.example.com\", methods = [\"GET\"] }`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Grant, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Grant, A::Error> {
        let Table { url, methods } = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let grant: Grant = url.parse().map_err(de::Error::custom)?;
        let methods = methods.map(checked_methods).transpose().map_err(de::Error::custom)?;
        Ok(Grant { methods, ..grant })
    }
}

fn checked_methods(mut methods: Vec<String>) -> Result<Vec<String>, InvalidGrant> {
    if methods.is_empty() {
        return Err(InvalidGrant::NoMethods);
    }
    for method in &methods {
        headers::method(method)?;
    }
    methods.sort_unstable();
    methods.dedup();
    Ok(methods)
}

/// Writes the grant in its canonical spelling, as it stands in TOML (text without its quotes), which reads back as the
/// same grant.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.methods {
            None => self.fmt_url(f),
            Some(methods) => {
                f.write_str("{ url = \"")?;
                self.fmt_url(f)?;
                write!(f, "\", methods = {methods:?} }}")
            }
        }
    }
}

impl Grant {
    fn fmt_url(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin.to_string();
        match origin.split_once("://") {
            Some((scheme, authority)) if self.subdomains => write!(f, "{scheme}://*.{authority}{}", self.path),
            _ => write!(f, "{origin}{}", self.path),
        }
    }
}
