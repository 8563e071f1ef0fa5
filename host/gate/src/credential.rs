//! Secrets that the host puts into requests. A plugin knows a credential by its handle only.

use std::fmt;
use std::sync::Arc;

use hookswitch_signature::{InvalidScheme, Scheme, Signer, basic};
use secrecy::{ExposeSecret, SecretString};

use crate::error::Malformed;
use crate::grant::Grant;
use crate::origin::Origin;
use crate::place::{InvalidPlace, Place};
use crate::redact::{SHORTEST, of_url};
use crate::target::{Target, check_characters, climbs};
use crate::tokens::{Token, Tokens};

/// A credential of one plugin. Its `Debug` shows the kind and where it goes, never the secret.
pub struct Credential {
    kind: Kind,
    /// Where the secret may go.
    origins: Vec<Grant>,
}

enum Kind {
    None,
    /// The requests' URLs are below `path`, which is without trailing slash.
    BaseUrl {
        origin: Origin,
        path: SecretString,
    },
    /// `value` is put at a place. It is the secret, or is made of it.
    Fixed {
        name: &'static str,
        secret: SecretString,
        value: SecretString,
        place: Place,
    },
    Tokens {
        tokens: Arc<dyn Tokens>,
        place: Place,
    },
    Signature {
        signer: Box<Signer>,
        key: SecretString,
    },
    /// Goes where a placeholder stands, and nowhere else.
    Secret(SecretString),
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
    #[error(
        "a token or key in a header is made of ASCII letters, digits and punctuation, without spaces and line breaks"
    )]
    TokenCharacters,
    #[error("the user name holds a `:` or a line break, which would be read as something else")]
    User,
    #[error("the password holds a control character, such as a line break")]
    Password,
    #[error(
        "the secret is shorter than {SHORTEST} characters, which could not be told from other text in answers and logs"
    )]
    Short,
    #[error("the place of the secret: {0}")]
    Place(#[from] InvalidPlace),
    #[error("the signature: {0}")]
    Signature(#[from] InvalidScheme),
}

/// Each takes the secret without the white space around it, as files have it at their end, and refuses one of fewer than
/// 8 characters. `origins` says where the secret may go.
impl Credential {
    /// Makes a credential that adds nothing: for a CRM that asks for none although the plugin names one.
    pub fn none() -> Credential {
        Credential { kind: Kind::None, origins: Vec::new() }
    }

    /// Makes a credential from a URL that is a secret as a whole, such as
    /// `https://acme.bitrix24.com/rest/7/k3yk3yk3yk3yk3y1/`. The plugin's URLs are paths below it.
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
        let path = target.path_and_query.path().trim_end_matches('/').into();
        let origins = vec![Grant::from(&target.origin)];
        Ok(Credential { kind: Kind::BaseUrl { origin: target.origin, path }, origins })
    }

    /// Makes a credential that is sent as `Authorization: Bearer …` (RFC 6750, section 2.1).
    pub fn bearer(token: &SecretString, origins: Vec<Grant>) -> Result<Credential, InvalidCredential> {
        Credential::fixed("bearer", token, Place::default(), origins)
    }

    /// Makes a credential from a key, for any place of the request.
    pub fn api_key(key: &SecretString, place: Place, origins: Vec<Grant>) -> Result<Credential, InvalidCredential> {
        Credential::fixed("api-key", key, place, origins)
    }

    /// Makes a credential that is sent as `Authorization: Basic …` (RFC 7617), in UTF-8. The user name is no secret.
    pub fn basic(user: &str, password: &SecretString, origins: Vec<Grant>) -> Result<Credential, InvalidCredential> {
        let password = long_enough(password)?;
        Credential::basic_pair(user, password.expose_secret(), password.clone(), origins)
    }

    /// The same where the user name is the key, and the password says nothing: `key:X`, `key:`.
    pub fn basic_key(key: &SecretString, password: &str, origins: Vec<Grant>) -> Result<Credential, InvalidCredential> {
        let key = long_enough(key)?;
        Credential::basic_pair(key.expose_secret(), password, key.clone(), origins)
    }

    /// Makes a credential from tokens that are fetched and renewed. A request whose token is refused is repeated once
    /// with another.
    pub fn tokens(tokens: Arc<dyn Tokens>, place: Place, origins: Vec<Grant>) -> Result<Credential, InvalidCredential> {
        place.check()?;
        Ok(Credential { kind: Kind::Tokens { tokens, place }, origins })
    }

    /// Makes a credential that signs each request's body. `id` goes with the key where the scheme names who signs.
    pub fn signature(
        scheme: &Scheme,
        key: &SecretString,
        id: Option<&str>,
        origins: Vec<Grant>,
    ) -> Result<Credential, InvalidCredential> {
        let key = long_enough(key)?;
        let signer = Box::new(Signer::new(scheme, &key, id)?);
        for (name, _) in signer.sign(b"", 0, "") {
            Place::Header { name: name.to_string(), prefix: String::new() }.check()?;
        }
        Ok(Credential { kind: Kind::Signature { signer, key }, origins })
    }

    /// Makes a credential that goes only where its placeholder stands. A request that names it gets nothing added.
    pub fn secret(value: &SecretString, origins: Vec<Grant>) -> Result<Credential, InvalidCredential> {
        Ok(Credential { kind: Kind::Secret(long_enough(value)?), origins })
    }

    fn fixed(
        name: &'static str,
        secret: &SecretString,
        place: Place,
        origins: Vec<Grant>,
    ) -> Result<Credential, InvalidCredential> {
        place.check()?;
        let text = secret.expose_secret().trim();
        if matches!(place, Place::Header { .. }) && !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidCredential::TokenCharacters);
        }
        let secret = long_enough(secret)?;
        Ok(Credential { kind: Kind::Fixed { name, value: secret.clone(), secret, place }, origins })
    }

    fn basic_pair(
        user: &str,
        password: &str,
        secret: SecretString,
        origins: Vec<Grant>,
    ) -> Result<Credential, InvalidCredential> {
        if user.contains(|c: char| c == ':' || c.is_control()) {
            return Err(InvalidCredential::User);
        }
        if password.contains(char::is_control) {
            return Err(InvalidCredential::Password);
        }
        let value = basic(user, password);
        let place = Place::Header { name: "Authorization".into(), prefix: "Basic ".into() };
        Ok(Credential { kind: Kind::Fixed { name: "basic", secret, value, place }, origins })
    }

    /// Returns where a base URL leads, which the admin's `allow.http` must contain; `None` for other kinds.
    pub fn origin(&self) -> Option<&Origin> {
        match &self.kind {
            Kind::BaseUrl { origin, .. } => Some(origin),
            _ => None,
        }
    }

    /// Gives the target of a request that names this credential, and has this token of it.
    pub(crate) fn aim(&self, url: &str, token: Option<&Token>) -> Result<Target, Malformed> {
        if let Kind::BaseUrl { origin, path } = &self.kind {
            return Target::below(origin, path.expose_secret(), url);
        }
        match (Target::absolute(url), token.and_then(|token| token.base.as_ref())) {
            (Err(Malformed::UrlNotAbsolute), Some(base)) => {
                let base = Target::of(base)?;
                Target::below(&base.origin, base.path_and_query.path().trim_end_matches('/'), url)
            }
            (target, _) => target,
        }
    }

    /// Says whether the secret may go to the target.
    pub(crate) fn is_for(&self, target: &Target) -> bool {
        matches!(self.kind, Kind::None) || self.origins.iter().any(|grant| grant.covers(target))
    }

    /// What is put into a request, and where. Of a credential with tokens it is the one of this moment.
    pub(crate) fn value<'a>(&'a self, token: Option<&'a Token>) -> Option<(&'a Place, &'a SecretString)> {
        match &self.kind {
            Kind::Fixed { value, place, .. } => Some((place, value)),
            Kind::Tokens { place, .. } => Some((place, &token?.value)),
            Kind::None | Kind::BaseUrl { .. } | Kind::Signature { .. } | Kind::Secret(_) => None,
        }
    }

    /// The value that placeholders stand for, of the kinds where it stays the same.
    pub(crate) fn pasted(&self) -> Option<&SecretString> {
        match &self.kind {
            Kind::Fixed { secret, .. } | Kind::Signature { key: secret, .. } | Kind::Secret(secret) => Some(secret),
            Kind::None | Kind::BaseUrl { .. } | Kind::Tokens { .. } => None,
        }
    }

    pub(crate) fn source(&self) -> Option<&Arc<dyn Tokens>> {
        match &self.kind {
            Kind::Tokens { tokens, .. } => Some(tokens),
            _ => None,
        }
    }

    pub(crate) fn signer(&self) -> Option<&Signer> {
        match &self.kind {
            Kind::Signature { signer, .. } => Some(signer),
            _ => None,
        }
    }

    /// The target as it may be shown: what stands for a secret base is `{handle}`.
    pub(crate) fn shown(&self, handle: &str, target: &Target) -> String {
        match &self.kind {
            Kind::BaseUrl { path, .. } => {
                let full = target.path_and_query.as_str();
                format!("{{{handle}}}{}", full.strip_prefix(path.expose_secret()).unwrap_or_default())
            }
            _ => target.to_string(),
        }
    }

    /// Every text that gives the secret away, wherever it turns up.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        match &self.kind {
            Kind::None => Vec::new(),
            Kind::BaseUrl { origin, path } => {
                let path = path.expose_secret();
                let last = path.rsplit('/').next().unwrap_or_default();
                let is_key = |part: &str| is_key(part, if part == last { 6 } else { SHORTEST });
                of_url(origin, path, is_key).into_iter().map(SecretString::from).collect()
            }
            Kind::Fixed { secret, value, .. } => vec![secret.clone(), value.clone()],
            Kind::Tokens { tokens, .. } => tokens.secrets(),
            Kind::Signature { key, .. } => vec![key.clone()],
            Kind::Secret(secret) => vec![secret.clone()],
        }
    }
}

fn long_enough(secret: &SecretString) -> Result<SecretString, InvalidCredential> {
    let secret = SecretString::from(secret.expose_secret().trim());
    let long = secret.expose_secret().chars().count() >= SHORTEST;
    if long { Ok(secret) } else { Err(InvalidCredential::Short) }
}

fn is_key(part: &str, shortest: usize) -> bool {
    let mixed = part.bytes().any(|b| b.is_ascii_digit()) && part.bytes().any(|b| b.is_ascii_alphabetic());
    part.len() >= 16 || (part.len() >= shortest && mixed)
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.kind {
            Kind::None => return f.write_str("Credential(none)"),
            Kind::BaseUrl { origin, .. } => return write!(f, "Credential(base-url below {origin})"),
            Kind::Fixed { name, .. } => name,
            Kind::Tokens { .. } => "tokens",
            Kind::Signature { .. } => "signature",
            Kind::Secret(_) => "secret",
        };
        write!(f, "Credential({name} for")?;
        self.origins.iter().try_for_each(|origin| write!(f, " {origin}"))?;
        f.write_str(")")
    }
}
