//! Signing in: a browser is sent to the provider and comes back with a code, which is exchanged at once.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use url::Url;

use crate::error::StoreError;

/// How long a sign-in may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);
/// Sign-ins that may be begun at once for one credential; one more ends the oldest.
const MOST: usize = 8;

/// A sign-in that was begun.
pub struct SignIn {
    /// Where the browser is to go. It holds the `state`, so it is shown to nobody but the one who signs in.
    pub url: Url,
    /// By what the provider's answer is known again.
    pub state: SecretString,
    /// How long it can be used.
    pub expires_in: Duration,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// Why a sign-in came to nothing. No text holds a secret, and what the provider said is escaped.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error(
        "{address:?} is no address that a provider can send a browser back to; it is https, with a host and without `#`"
    )]
    RedirectUri { address: String },
    #[error("the provider's answer cannot be read; begin the sign-in anew")]
    Callback,
    #[error("this sign-in was not begun here, or it has been used; begin it anew")]
    Unknown,
    #[error("this sign-in took longer than ten minutes; begin it anew")]
    Expired,
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error(
        "the answer comes from {found:?}, not from {expected:?}; if that is the right provider, correct `authorize.issuer`"
    )]
    Issuer { expected: String, found: String },
    #[error("the provider's answer has no code in it; begin the sign-in anew")]
    NoCode,
    #[error("the code could not be exchanged for a token: {0}; begin the sign-in anew")]
    Exchange(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One sign-in, until the browser is back.
pub(crate) struct Begun {
    pub(crate) state: SecretString,
    pub(crate) verifier: Option<SecretString>,
    pub(crate) redirect_uri: String,
    pub(crate) ends: Instant,
}

/// The sign-ins of one credential that were begun. They are in memory only: after a restart one begins anew.
#[derive(Default)]
pub(crate) struct Pending(VecDeque<Begun>);

impl Pending {
    pub(crate) fn add(&mut self, begun: Begun, now: Instant) {
        self.0.retain(|begun| now < begun.ends);
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(begun);
    }

    /// Takes the sign-in with this state out, so that it cannot be used again. All are compared, each in constant time.
    pub(crate) fn take(&mut self, state: &SecretString, now: Instant) -> Result<Begun, SignInError> {
        let state = state.expose_secret().as_bytes();
        let same = |begun: &Begun| bool::from(begun.state.expose_secret().as_bytes().ct_eq(state));
        let found =
            self.0.iter().enumerate().fold(None, |found, (at, begun)| if same(begun) { Some(at) } else { found });
        let begun = found.and_then(|at| self.0.remove(at)).ok_or(SignInError::Unknown)?;
        if now < begun.ends { Ok(begun) } else { Err(SignInError::Expired) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(state: &str, ends: Instant) -> Begun {
        Begun { state: state.into(), verifier: None, redirect_uri: String::new(), ends }
    }

    #[test]
    fn a_state_is_good_once_in_time_and_only_among_the_last_eight() {
        let now = Instant::now();
        let mut pending = Pending::default();
        for number in 0..9 {
            pending.add(begun(&format!("state {number}"), now + PATIENCE), now);
        }
        assert!(matches!(pending.take(&"state 0".into(), now), Err(SignInError::Unknown)));
        assert!(matches!(pending.take(&"state".into(), now), Err(SignInError::Unknown)));
        assert!(pending.take(&"state 8".into(), now).is_ok());
        assert!(matches!(pending.take(&"state 8".into(), now), Err(SignInError::Unknown)));
        assert!(matches!(pending.take(&"state 7".into(), now + PATIENCE), Err(SignInError::Expired)));
        assert!(matches!(pending.take(&"state 7".into(), now), Err(SignInError::Unknown)));
        pending.add(begun("late", now + PATIENCE * 2), now + PATIENCE);
        assert_eq!(pending.0.len(), 1, "what has run out is kept");
    }
}
