//! Proofs that a message comes from where it says: what a manifest declares in `hooks[].verify`, and the check of it.

use hookswitch_signature::{Header, Scheme};
use http::HeaderName;
use serde::Deserialize;

use crate::network::Network;

mod check;
mod refused;
mod replays;

pub use check::{Proven, check};
pub use refused::Refused;
pub use replays::Replays;

/// One thing that must hold of a message. In JSON and TOML a table with its `kind`; `secret` is the handle of a
/// credential.
///
/// ```
/// use hookswitch_web::Proof;
/// let proofs: Vec<Proof> = serde_json::from_str(
///     r#"[
///         { "kind": "form-field", "field": "auth[application_token]", "secret": "hook" },
///         { "kind": "token", "header": "Authorization", "prefix": "Token ", "secret": "hook" },
///         { "kind": "signature", "scheme": { "kind": "standard-webhooks" }, "secret": "key" },
///         { "kind": "source", "networks": ["192.0.2.0/24", "2001:db8::7"] }
///     ]"#,
/// )?;
/// assert_eq!(proofs.iter().filter_map(Proof::secret).collect::<Vec<_>>(), ["hook", "hook", "key"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Proof {
    /// A field of a posted form is the secret.
    FormField { field: String, secret: String },
    /// A text in a JSON body is the secret; the path has dots between the keys: `auth.token`.
    JsonField { path: String, secret: String },
    /// A header, or a parameter of the query, is the secret.
    Token(Token),
    /// The message is signed with the secret.
    Signature {
        scheme: Scheme,
        secret: String,
        /// Who signs, for schemes that say so.
        id: Option<String>,
    },
    /// Basic authentication (RFC 7617) with the secret as password.
    Basic { user: String, secret: String },
    /// It comes from one of these networks.
    Source { networks: Vec<Network> },
}

impl Proof {
    /// The handle of the secret that it needs.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Proof::FormField { secret, .. }
            | Proof::JsonField { secret, .. }
            | Proof::Signature { secret, .. }
            | Proof::Basic { secret, .. } => Some(secret),
            Proof::Token(token) => Some(&token.secret),
            Proof::Source { .. } => None,
        }
    }
}

/// A secret that is sent along.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenToken")]
pub struct Token {
    pub place: Place,
    pub secret: String,
    /// What stands before it, such as `Bearer `.
    pub prefix: String,
}

/// Where a token stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Header(HeaderName),
    /// The name of a parameter. URLs end up in logs of others, so a header is better.
    Query(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WrittenToken {
    header: Option<Header>,
    query: Option<String>,
    secret: String,
    #[serde(default)]
    prefix: String,
}

impl TryFrom<WrittenToken> for Token {
    type Error = &'static str;

    fn try_from(written: WrittenToken) -> Result<Token, &'static str> {
        let WrittenToken { header, query, secret, prefix } = written;
        let place = match (header, query) {
            (Some(header), None) => Place::Header(header.0),
            (None, Some(query)) => Place::Query(query),
            _ => return Err("a token stands in one place: write either `header` or `query`"),
        };
        Ok(Token { place, secret, prefix })
    }
}
