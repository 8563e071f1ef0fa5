//! Where a credential comes from that does not stay the same: a token that is fetched, and renewed in time.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;
use url::Url;

use crate::gate::Gate;

/// A source of tokens for one credential of one plugin.
#[async_trait]
pub trait Tokens: fmt::Debug + Send + Sync {
    /// Gives a token that is good now, as far as this side knows. Where one must be fetched, `gate` carries the request
    /// ([`Gate::fetch`]); whatever the load, one request at a time is under way. It goes on, with a clone of the gate,
    /// when whoever wanted the token has gone: the answer may hold the only token that is good from now on.
    ///
    /// # Errors
    ///
    /// There is none, and the request that wanted it is not sent.
    async fn current(&self, gate: &Gate) -> Result<Token, NoToken>;

    /// Gives another token, since the CRM refused `refused`. Where that one has been replaced meanwhile, nothing is
    /// fetched.
    ///
    /// # Errors
    ///
    /// There is no other; the plugin gets the CRM's answer as it came.
    async fn renewed(&self, refused: &Token, gate: &Gate) -> Result<Token, NoToken>;

    /// Says whether an answer means that the token is not good (any more): status 401, or what the configuration calls
    /// a token error. Such a request was surely not carried out.
    fn is_refusal(&self, status: u16, body: &[u8]) -> bool;

    /// Everything that must be taken out of answers and logs: all tokens that are known, past and present, and the
    /// client's secret.
    fn secrets(&self) -> Vec<SecretString>;
}

/// A token, as it goes out.
#[derive(Clone, Debug)]
pub struct Token {
    /// The value that goes into the request.
    pub value: SecretString,
    /// Counts the tokens of one credential; a renewed one has a higher number.
    pub generation: u64,
    /// Where the API is, if the token's answer names it (`api_domain`, `instance_url`); requests with this credential may
    /// then be written relative to it. The grants must cover it as any other address.
    pub base: Option<Url>,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// Somebody must sign in (again); no waiting will help. The text says how.
    #[error("{0}")]
    SignIn(String),
    /// The token endpoint could not be asked, or could not answer now.
    #[error("{0}")]
    Later(String),
}
