//! What there is to know of a provider of tokens: addresses, names, habits. It comes from the plugin's manifest and the
//! admin's TOML, merged.
//!
//! ```json
//! { "authorize": { "url": "https://accounts.zoho.eu/oauth/v2/auth", "scopes": ["ZohoCRM.modules.ALL"], "separator": "comma",
//!                  "parameters": { "access_type": "offline", "prompt": "consent" } },
//!   "token":     { "url": "https://accounts.zoho.eu/oauth/v2/token" },
//!   "answer":    { "base": "api_domain", "over": ["invalid_code"] },
//!   "revoke-url": "https://accounts.zoho.eu/oauth/v2/token/revoke" }
//! ```

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::address;
use crate::refusal::TokenError;

mod check;

pub use check::InvalidProvider;
pub(crate) use check::{is_bare, is_secure};

/// A provider where somebody signs in (RFC 6749, section 4.1).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Provider {
    pub authorize: Authorize,
    pub token: Endpoint,
    #[serde(default)]
    pub answer: Answer,
    /// When a token is renewed.
    #[serde(default)]
    pub renew: Renew,
    /// After how many days without use the provider forgets a sign-in (Bitrix24: 180, Pipedrive: 60); `tend` renews it
    /// in time.
    pub idle_days: Option<u32>,
    /// Where a sign-in is taken back (RFC 7009); without it signing out only forgets the tokens.
    #[serde(default, with = "address::optional")]
    pub revoke_url: Option<Url>,
    /// How the CRM says that a token is not good.
    #[serde(default)]
    pub token_error: TokenError,
}

/// How the browser is sent to the provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Authorize {
    /// May have a query, which is kept.
    #[serde(deserialize_with = "address::deserialize")]
    pub url: Url,
    /// What is asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What stands between scopes.
    #[serde(default)]
    pub separator: Separator,
    /// Further parameters of the query, such as `access_type`. They replace our own, but for the ones that protect the
    /// sign-in.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Whether to protect the code by PKCE (RFC 7636, S256). Only for providers that refuse it: `false`.
    #[serde(default = "yes")]
    pub pkce: bool,
    /// Whether the redirect address is sent; `false` for providers that know it from the app's settings (Bitrix24).
    #[serde(default = "yes")]
    pub redirect_uri: bool,
    /// What the provider calls itself in the answer's `iss` (RFC 9207). An answer without it, or with another, is refused.
    pub issuer: Option<String>,
}

/// Where tokens are asked for, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Endpoint {
    /// May have a query, which is kept.
    #[serde(deserialize_with = "address::deserialize")]
    pub url: Url,
    #[serde(default)]
    pub encoding: Encoding,
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Further parameters of every request for a token. Secret ones belong to [`Client::parameters`].
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// What the parameters are called.
    #[serde(default)]
    pub names: Names,
}

/// How the parameters of a request for a token are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// POST of a form, as the standard has it.
    #[default]
    Form,
    /// POST of a JSON object.
    Json,
    /// GET with a query (Bitrix24).
    Query,
}

/// How the client shows who it is (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// Id and secret in an `Authorization` header.
    Basic,
    /// Id and secret among the parameters.
    #[default]
    Post,
    /// Id and secret in the query of the URL, wherever the other parameters are.
    Query,
    /// The id only, among the parameters: a public client.
    None,
}

/// What stands between scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separator {
    #[default]
    Space,
    Comma,
}

impl Separator {
    pub(crate) fn join(self, scopes: &[String]) -> String {
        scopes.join(match self {
            Separator::Space => " ",
            Separator::Comma => ",",
        })
    }
}

/// The names of the parameters of a request for a token; an empty one is not sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Names {
    pub grant_type: String,
    pub client_id: String,
    pub client_secret: String,
    pub scope: String,
    pub code: String,
    pub redirect_uri: String,
    pub code_verifier: String,
    pub refresh_token: String,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            grant_type: "grant_type".into(),
            client_id: "client_id".into(),
            client_secret: "client_secret".into(),
            scope: "scope".into(),
            code: "code".into(),
            redirect_uri: "redirect_uri".into(),
            code_verifier: "code_verifier".into(),
            refresh_token: "refresh_token".into(),
        }
    }
}

/// Where the parts of an answer with a token are: paths of names and numbers with dots between, such as `data.token`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Answer {
    pub access_token: String,
    pub refresh_token: String,
    /// Seconds, as a number or a text.
    pub expires_in: String,
    pub scope: String,
    /// The name of an error.
    pub error: String,
    /// Where the answer names the API's address: `api_domain`, `instance_url`, `client_endpoint`.
    pub base: Option<String>,
    /// Further names of errors after which only a new sign-in helps, besides `invalid_grant`.
    pub over: Vec<String>,
}

impl Default for Answer {
    fn default() -> Answer {
        Answer {
            access_token: "access_token".into(),
            refresh_token: "refresh_token".into(),
            expires_in: "expires_in".into(),
            scope: "scope".into(),
            error: "error".into(),
            base: None,
            over: Vec::new(),
        }
    }
}

/// When a token that somebody signed in for is renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renew {
    /// Shortly before it runs out, and when it is refused.
    #[default]
    Early,
    /// Only when it is refused, for providers that forbid anything else (Bitrix24).
    Refused,
}

/// A token endpoint that gives a token for the client's own credentials (RFC 6749, section 4.4), or for others that are
/// among the parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fetch {
    pub token: Endpoint,
    #[serde(default = "client_credentials")]
    pub grant_type: String,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub separator: Separator,
    #[serde(default)]
    pub answer: Answer,
    /// After how many minutes the token is renewed (`25`; `0`: never), or `"expires-in"`: as the answer says. It is
    /// renewed in any case when it is refused.
    #[serde(default)]
    pub interval: Interval,
    #[serde(default)]
    pub token_error: TokenError,
}

/// How long a fetched token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub enum Interval {
    Minutes(u32),
    /// As long as the answer says.
    ExpiresIn,
}

impl Default for Interval {
    fn default() -> Interval {
        Interval::Minutes(25)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of minutes or \"expires-in\"")]
enum Written {
    Minutes(u32),
    Word(Word),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    ExpiresIn,
}

impl From<Written> for Interval {
    fn from(written: Written) -> Interval {
        match written {
            Written::Minutes(minutes) => Interval::Minutes(minutes),
            Written::Word(Word::ExpiresIn) => Interval::ExpiresIn,
        }
    }
}

/// Who we are to the provider, as the admin has registered it there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Client {
    pub id: String,
    /// None for a public client.
    pub secret: Option<SecretString>,
    /// Secret parameters of every request for a token, such as the user name and password of a password grant.
    #[serde(default)]
    pub parameters: BTreeMap<String, SecretString>,
}

impl Client {
    /// Everything of it that must not be shown.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = SecretString> {
        self.secret.iter().chain(self.parameters.values()).cloned()
    }
}

fn yes() -> bool {
    true
}

fn client_credentials() -> String {
    "client_credentials".into()
}
