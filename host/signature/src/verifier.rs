//! A scheme with its key, for those who only check.

use secrecy::SecretString;

use crate::error::{InvalidScheme, Refused};
use crate::parts::{PartsVerifier, Received};
use crate::scheme::Scheme;
use crate::signer::{Signer, Verified};

/// Checks signatures, by any scheme and with one key. Its `Debug` shows no key.
#[derive(Clone, Debug)]
pub struct Verifier(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// The scheme signs headers and body, and so can be used both ways.
    Message(Box<Signer>),
    Parts(Box<PartsVerifier>),
}

impl Verifier {
    /// A verifier with `key` as the other side shows it. `id` goes with the key where the scheme names who signs.
    ///
    /// # Errors
    ///
    /// The scheme contradicts itself, or key or id do not fit it.
    pub fn new(scheme: &Scheme, key: &SecretString, id: Option<&str>) -> Result<Verifier, InvalidScheme> {
        Ok(Verifier(match scheme {
            Scheme::Parts(parts) => Kind::Parts(Box::new(PartsVerifier::new(parts, key, id)?)),
            _ => Kind::Message(Box::new(Signer::new(scheme, key, id)?)),
        }))
    }

    /// What a signature proves, in the words of the plugin contract: `hmac-sha256`, `timestamp`.
    pub fn proves(&self) -> &[&'static str] {
        match &self.0 {
            Kind::Message(signer) => signer.proves(),
            Kind::Parts(parts) => parts.proves(),
        }
    }

    /// Checks the signature of a request that was received at `now`, in Unix seconds.
    ///
    /// # Errors
    ///
    /// The request is not to be believed.
    pub fn verify(&self, received: &Received<'_>, now: u64) -> Result<Verified, Refused> {
        match &self.0 {
            Kind::Message(signer) => signer.verify(received.headers, received.body, now),
            Kind::Parts(parts) => parts.verify(received),
        }
    }
}
