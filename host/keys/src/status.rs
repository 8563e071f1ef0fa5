//! How it stands with a credential, for people.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use crate::address;

/// How it stands with a credential. No text in it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Status {
    /// Nobody has signed in. Of a token that is fetched: none has been needed yet.
    SignedOut,
    SignedIn {
        /// When somebody signed in; of a fetched token: when it was fetched.
        since: Timestamp,
        /// When the present token runs out, if that is known. It is renewed before.
        expires: Option<Timestamp>,
        /// What was allowed, if the provider says so; else what was asked for.
        scopes: Vec<String>,
        /// Where the API is, if the provider says so.
        #[serde(serialize_with = "address::optional::serialize")]
        base: Option<Url>,
        /// Why the last renewal failed; it is tried again.
        trouble: Option<String>,
    },
    /// No waiting helps: somebody must sign in again; of a fetched token: correct the client's id or secret.
    NeedsSignIn { since: Timestamp, reason: String },
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::SignedOut => f.write_str("signed out"),
            Status::SignedIn { since, trouble: None, .. } => write!(f, "signed in since {since:.0}"),
            Status::SignedIn { since, trouble: Some(trouble), .. } => {
                write!(f, "signed in since {since:.0}, but the last renewal failed: {trouble}")
            }
            Status::NeedsSignIn { since, reason } => write!(f, "needs a new sign-in since {since:.0}: {reason}"),
        }
    }
}
