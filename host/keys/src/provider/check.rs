//! What cannot work is refused before anybody tries to sign in.

use hookswitch_gate::Grant;
use url::{Host, Url};

use crate::provider::{Answer, Authorize, Client, ClientAuth, Encoding, Endpoint, Fetch, Provider};

/// Parameters that protect a sign-in, and are made anew for each.
const OURS: &[&str] = &["state", "code_challenge", "code_challenge_method"];

/// What is wrong with what was written of a provider. `key` is where, as in `token.url`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProvider {
    #[error(
        "`{key}` is not https; tokens go over http only where the admin has granted it: allow.http = [\"{origin}\"]"
    )]
    NotHttps { key: &'static str, origin: String },
    #[error("`{key}` has a user name, a password or a fragment; write the bare address")]
    UrlParts { key: &'static str },
    #[error("`{key}` has the parameter `{name}`, which is made anew for each sign-in; leave it out")]
    Ours { key: &'static str, name: String },
    #[error(
        "`token.encoding = \"query\"` is a request without a body, so the client's secret cannot be in one; write `token.client-auth = \"query\"`, or \"basic\""
    )]
    NoBody,
    #[error(
        "`token.client-auth` is {auth:?}, which needs the client's secret, and there is none; give it, or write \"none\" for a public client"
    )]
    NoSecret { auth: ClientAuth },
    #[error("the client has a secret, and `token.client-auth = \"none\"` never shows it; leave one of them out")]
    UnusedSecret,
    #[error("a public client without PKCE would let anybody use its codes; leave `authorize.pkce` at true")]
    Unprotected,
    #[error("the client's id is empty")]
    NoClient,
    #[error("`{key}` is empty, and without it no answer can be understood")]
    NoPath { key: &'static str },
    #[error("the scope {scope:?} has a space, comma or control character in it; write one scope per entry")]
    Scope { scope: String },
    #[error("`token-error` names no text and no field, and `status-401` is off: no answer would ever be a token error")]
    NoTokenError,
}

impl Provider {
    /// Finds what cannot work.
    ///
    /// # Errors
    ///
    /// The first such thing, with its key and how to mend it.
    pub fn check(&self, client: &Client, grants: &[Grant]) -> Result<(), InvalidProvider> {
        let Authorize { url, scopes, parameters, pkce, .. } = &self.authorize;
        // The browser goes there and not the gate, but `state` in the clear would be anybody's.
        check_url("authorize.url", url, grants)?;
        check_scopes(scopes)?;
        let in_url = url.query_pairs().map(|(name, _)| ("authorize.url", name.into_owned()));
        let further = parameters.keys().map(|name| ("authorize.parameters", name.clone()));
        if let Some((key, name)) = in_url.chain(further).find(|(_, name)| OURS.contains(&name.as_str())) {
            return Err(InvalidProvider::Ours { key, name });
        }
        if let Some(url) = &self.revoke_url {
            check_url("revoke-url", url, grants)?;
        }
        self.token.check(client, grants)?;
        if !pkce && self.token.client_auth == ClientAuth::None {
            return Err(InvalidProvider::Unprotected);
        }
        self.answer.check()?;
        if self.answer.refresh_token.is_empty() {
            return Err(InvalidProvider::NoPath { key: "answer.refresh-token" });
        }
        if self.token_error.is_never() { Err(InvalidProvider::NoTokenError) } else { Ok(()) }
    }
}

impl Fetch {
    /// Finds what cannot work.
    ///
    /// # Errors
    ///
    /// The first such thing, with its key and how to mend it.
    pub fn check(&self, client: &Client, grants: &[Grant]) -> Result<(), InvalidProvider> {
        check_scopes(&self.scopes)?;
        self.token.check(client, grants)?;
        self.answer.check()?;
        if self.token_error.is_never() { Err(InvalidProvider::NoTokenError) } else { Ok(()) }
    }
}

impl Endpoint {
    fn check(&self, client: &Client, grants: &[Grant]) -> Result<(), InvalidProvider> {
        check_url("token.url", &self.url, grants)?;
        if self.encoding == Encoding::Query && self.client_auth == ClientAuth::Post {
            return Err(InvalidProvider::NoBody);
        }
        match (self.client_auth, &client.secret) {
            _ if client.id.is_empty() && !self.names.client_id.is_empty() => Err(InvalidProvider::NoClient),
            (ClientAuth::None, Some(_)) => Err(InvalidProvider::UnusedSecret),
            (ClientAuth::None, None) | (_, Some(_)) => Ok(()),
            (auth, None) => Err(InvalidProvider::NoSecret { auth }),
        }
    }
}

impl Answer {
    fn check(&self) -> Result<(), InvalidProvider> {
        if self.access_token.is_empty() { Err(InvalidProvider::NoPath { key: "answer.access-token" }) } else { Ok(()) }
    }
}

fn check_scopes(scopes: &[String]) -> Result<(), InvalidProvider> {
    let odd =
        |scope: &&String| scope.is_empty() || scope.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',');
    match scopes.iter().find(odd) {
        Some(scope) => Err(InvalidProvider::Scope { scope: scope.clone() }),
        None => Ok(()),
    }
}

fn check_url(key: &'static str, url: &Url, grants: &[Grant]) -> Result<(), InvalidProvider> {
    if !is_bare(url) {
        return Err(InvalidProvider::UrlParts { key });
    }
    if !is_secure(url, grants) {
        return Err(InvalidProvider::NotHttps { key, origin: url.origin().ascii_serialization() });
    }
    Ok(())
}

/// Says whether an address has nothing but scheme, host, port, path and query.
pub(crate) fn is_bare(url: &Url) -> bool {
    let host = match url.host() {
        Some(Host::Domain(name)) => !name.is_empty(),
        other => other.is_some(),
    };
    host && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

/// Says whether tokens may go to an address: over https, or over http where the admin has granted just that.
pub(crate) fn is_secure(url: &Url, grants: &[Grant]) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && grants.iter().any(|grant| grant.matches(url)))
}
