//! The hash itself, keyed or not.

use aws_lc_rs::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};

use crate::scheme::Algorithm;

#[derive(Clone, Debug)]
pub(crate) enum Digest {
    Hmac(Box<hmac::Key>),
    /// A plain hash over parts of which one is this key.
    Concat(Algorithm, SecretString),
}

impl Digest {
    pub(crate) fn hmac(algorithm: Algorithm, key: &[u8]) -> Digest {
        let algorithm = match algorithm {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        };
        Digest::Hmac(Box::new(hmac::Key::new(algorithm, key)))
    }

    pub(crate) fn key(&self) -> &[u8] {
        match self {
            Digest::Hmac(_) => &[],
            Digest::Concat(_, key) => key.expose_secret().as_bytes(),
        }
    }

    pub(crate) fn begin(&self) -> Running {
        match self {
            Digest::Hmac(key) => Running::Hmac(Box::new(hmac::Context::with_key(key))),
            Digest::Concat(algorithm, _) => Running::Concat(digest::Context::new(match algorithm {
                Algorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
                Algorithm::Sha256 => &digest::SHA256,
                Algorithm::Sha512 => &digest::SHA512,
            })),
        }
    }
}

/// A hash over bytes that come one after another.
pub(crate) enum Running {
    Hmac(Box<hmac::Context>),
    Concat(digest::Context),
}

impl Running {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Running::Hmac(context) => context.update(bytes),
            Running::Concat(context) => context.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Running::Hmac(context) => context.sign().as_ref().to_vec(),
            Running::Concat(context) => context.finish().as_ref().to_vec(),
        }
    }
}
