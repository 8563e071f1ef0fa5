//! Secrets that the host puts into requests. A plugin knows a credential by its handle only.

use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Malformed;
use crate::grant::Grant;
use crate::origin::Origin;
use crate::target::{Target, check_characters, climbs};

/// A credential of one plugin. Its `Debug` shows the kind and where it goes, never the secret.
pub struct Credential(Kind);

enum Kind {
    None,
    BaseUrl { origin: Origin, path: SecretString },
    Bearer { token: SecretString, origins: Vec<Grant> },
}

/// Why a text is no secret of its kind. The text is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    #[error("the base url is not usable: {0}")]
    Url(#[from] Malformed),
    #[error("the base url has a query; only a path may carry the secret")]
    Query,
    #[error("the path of the base url has a `.` or `..` in it")]
    Dots,
    #[error("a bearer token is made of ASCII letters, digits and punctuation, without spaces and line breaks")]
    TokenCharacters,
    #[error(
        "the secret is shorter than {SHORTEST} characters, which could not be told from other text in answers and logs"
    )]
    Short,
}

/// Characters that a token has at least. Shorter texts occur by chance, and removing them would garble answers.
const SHORTEST: usize = 8;

impl Credential {
    /// Makes a credential that adds nothing: for a CRM that asks for none although the plugin names one.
    pub fn none() -> Credential {
        Credential(Kind::None)
    }

    /// Makes a credential from a URL that is a secret as a whole, such as
    /// `https://acme.bitrix24.com/rest/7/k3yk3yk3yk3yk3y1/`. The plugin's URLs are paths below it. White space around
    /// it, as files have it at their end, is ignored.
    pub fn base_url(secret: &SecretString) -> Result<Credential, InvalidCredential> {
        let text = secret.expose_secret().trim();
        check_characters(text)?;
        if text.contains('?') {
            return Err(InvalidCredential::Query);
        }
        if text.split_once("://").is_some_and(|(_, rest)| climbs(rest)) {
            return Err(InvalidCredential::Dots);
        }
        let target = Target::absolute(text)?;
        let path = target.path_and_query.path().trim_end_matches('/');
        Ok(Credential(Kind::BaseUrl { origin: target.origin, path: path.into() }))
    }

    /// Makes a credential that is sent as `Authorization: Bearer …` (RFC 6750, section 2.1), only to what `origins`
    /// cover. White space around the token is ignored.
    pub fn bearer(token: &SecretString, origins: Vec<Grant>) -> Result<Credential, InvalidCredential> {
        let token = token.expose_secret().trim();
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidCredential::TokenCharacters);
        }
        if token.len() < SHORTEST {
            return Err(InvalidCredential::Short);
        }
        Ok(Credential(Kind::Bearer { token: token.into(), origins }))
    }

    /// Returns where a base URL leads, which the admin's `allow.http` must contain; `None` for other kinds.
    pub fn origin(&self) -> Option<&Origin> {
        match &self.0 {
            Kind::BaseUrl { origin, .. } => Some(origin),
            Kind::None | Kind::Bearer { .. } => None,
        }
    }

    /// Gives the target of a request that names this credential.
    pub(crate) fn aim(&self, url: &str) -> Result<Target, Malformed> {
        match &self.0 {
            Kind::BaseUrl { origin, path } => Target::below(origin, path.expose_secret(), url),
            Kind::None | Kind::Bearer { .. } => Target::absolute(url),
        }
    }

    /// Says whether the secret may go to the target.
    pub(crate) fn is_for(&self, target: &Target) -> bool {
        match &self.0 {
            Kind::None => true,
            Kind::BaseUrl { origin, .. } => *origin == target.origin,
            Kind::Bearer { origins, .. } => origins.iter().any(|grant| grant.covers(target)),
        }
    }

    /// The value of the `Authorization` header, for the kinds that set it.
    pub(crate) fn authorization(&self) -> Option<SecretString> {
        match &self.0 {
            Kind::Bearer { token, .. } => Some(format!("Bearer {}", token.expose_secret()).into()),
            Kind::None | Kind::BaseUrl { .. } => None,
        }
    }

    /// The target as it may be shown: what stands for a secret is `{handle}`.
    pub(crate) fn shown(&self, handle: &str, target: &Target) -> String {
        let full = target.path_and_query.as_str();
        match &self.0 {
            Kind::BaseUrl { path, .. } => {
                format!("{{{handle}}}{}", full.strip_prefix(path.expose_secret()).unwrap_or_default())
            }
            Kind::None | Kind::Bearer { .. } => format!("{}{full}", target.origin),
        }
    }

    /// Every text that gives the secret away, wherever it turns up.
    ///
    /// Of a base URL these are the URL, its path, and the parts of the path that look like a key and not like a word
    /// of the API (`rest`, `v1`, a user's number): removing those from answers would garble them.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        match &self.0 {
            Kind::None => Vec::new(),
            Kind::Bearer { token, .. } => vec![token.clone()],
            Kind::BaseUrl { origin, path } => {
                let path = path.expose_secret();
                let last = path.rsplit('/').next().unwrap_or_default();
                let mut secrets: Vec<String> = path
                    .split('/')
                    .filter(|part| is_key(part, if *part == last { 6 } else { SHORTEST }))
                    .map(str::to_owned)
                    .collect();
                if path.len() >= SHORTEST || !secrets.is_empty() {
                    secrets.push(format!("{origin}{path}"));
                    secrets.push(path.to_owned());
                }
                let decoded = |text: &String| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
                let decoded: Vec<String> = secrets.iter().filter_map(decoded).collect();
                secrets.extend(decoded);
                secrets.into_iter().map(SecretString::from).collect()
            }
        }
    }
}

fn is_key(part: &str, shortest: usize) -> bool {
    let mixed = part.bytes().any(|b| b.is_ascii_digit()) && part.bytes().any(|b| b.is_ascii_alphabetic());
    part.len() >= 16 || (part.len() >= shortest && mixed)
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::None => f.write_str("Credential(none)"),
            Kind::BaseUrl { origin, .. } => write!(f, "Credential(base-url below {origin})"),
            Kind::Bearer { origins, .. } => {
                f.write_str("Credential(bearer for")?;
                origins.iter().try_for_each(|origin| write!(f, " {origin}"))?;
                f.write_str(")")
            }
        }
    }
}
