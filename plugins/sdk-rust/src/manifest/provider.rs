//! Where the host gets tokens, and how. Only what differs from the usual is said.

use std::collections::BTreeMap;

use serde::Serialize;

/// A provider where the admin signs in (RFC 6749, section 4.1):
/// `Provider { renew: Some(Renew::Refused), ..Provider::new("https://…/authorize", "https://…/token") }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Provider {
    pub authorize: Authorize,
    pub token: Endpoint,
    pub answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew: Option<Renew>,
    /// Where a sign-in is taken back (RFC 7009).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke_url: Option<String>,
    pub token_error: TokenError,
}

/// An endpoint that gives tokens for a client id and secret alone (RFC 6749, section 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fetch {
    pub token: Endpoint,
    /// `client_credentials`, unless this is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    pub scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<Separator>,
    pub answer: Answer,
    /// 25 minutes, unless this is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    pub token_error: TokenError,
}

/// How the browser is sent to the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Authorize {
    pub url: String,
    pub scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<Separator>,
    /// Further parameters of the query.
    pub parameters: BTreeMap<String, String>,
    /// Only for a provider that refuses PKCE: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkce: Option<bool>,
    /// Only for a provider that knows the address from the app's settings and refuses it here: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<bool>,
    /// What the provider calls itself in `iss` (RFC 9207), if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// Where tokens are asked for, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Endpoint {
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Form>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// Further parameters of every request for a token; none of them secret.
    pub parameters: BTreeMap<String, String>,
    /// What parameters are called that have other names than in the standard: "client-id" → "clientId"; empty: not sent.
    pub names: BTreeMap<String, String>,
}

/// How the parameters of a request for a token are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// POST of a form, the usual.
    Form,
    /// POST of a JSON object.
    Json,
    /// GET with a query.
    Query,
}

/// How the host shows there who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// Id and secret in an `Authorization` header.
    Basic,
    /// Id and secret among the parameters, the usual.
    Post,
    /// Id and secret in the query of the URL.
    Query,
    /// The id only.
    None,
}

/// What stands between scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separator {
    Space,
    Comma,
}

/// When a token that the admin has signed in for is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renew {
    /// Shortly before it runs out and when it is refused, the usual.
    Early,
    /// Only when it is refused.
    Refused,
}

/// How long a fetched token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interval {
    /// As long as the answer says.
    ExpiresIn,
    /// So many minutes; 0: until it is refused.
    #[serde(untagged)]
    Minutes(u32),
}

/// Where the parts of an answer with a token are, where they are not where the standard has them: paths with dots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where the answer names the API's address: `api_domain`, `instance_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Errors after which only a new sign-in helps, besides `invalid_grant`.
    pub over: Vec<String>,
}

/// How the CRM says that a token is not good (any more), if not by status 401 alone. One sign is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TokenError {
    /// False for a CRM that answers 401 for other reasons too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_401: Option<bool>,
    /// A text in the body of an answer whose status is not 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether the text counts in an answer with status 200 too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_in_200: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
}

/// A place in a JSON body and the text there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// With dots: "error.code".
    pub path: String,
    pub value: String,
}

impl Provider {
    /// A provider that does as the standard says.
    pub fn new(authorize_url: &str, token_url: &str) -> Self {
        Self {
            authorize: Authorize { url: authorize_url.into(), ..Authorize::default() },
            token: Endpoint { url: token_url.into(), ..Endpoint::default() },
            answer: Answer::default(),
            renew: None,
            revoke_url: None,
            token_error: TokenError::default(),
        }
    }
}

impl Fetch {
    /// An endpoint that does as the standard says.
    pub fn new(token_url: &str) -> Self {
        Self {
            token: Endpoint { url: token_url.into(), ..Endpoint::default() },
            grant_type: None,
            scopes: Vec::new(),
            separator: None,
            answer: Answer::default(),
            interval: None,
            token_error: TokenError::default(),
        }
    }
}
