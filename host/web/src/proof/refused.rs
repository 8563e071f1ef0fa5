//! Why a message is not believed. Texts are for the log of the admin; the sender needs to know only that it is so.

use std::net::IpAddr;

use hookswitch_signature::InvalidScheme;

use crate::form::TooManyFields;

/// Why a message is not believed. No text holds a secret, or anything that the message says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing was asked to be proven, so nothing is.
    #[error("the hook declares no proof")]
    Unproven,
    /// Ours to mend: the admin has not given the secret.
    #[error("the credential `{handle}` has no value")]
    NoSecret { handle: String },
    /// Ours to mend: the scheme, its key or its id cannot be used.
    #[error("the signature cannot be checked: {0}")]
    Scheme(#[from] InvalidScheme),
    #[error("it comes from {address}, which is in none of the networks")]
    Source { address: IpAddr },
    #[error("the {place} is missing")]
    Missing { place: String },
    #[error("the {place} stands there more than once")]
    Repeated { place: String },
    #[error("the {place} is wrong")]
    Wrong { place: String },
    #[error("{0}")]
    Signature(#[from] hookswitch_signature::Refused),
    #[error("its body is no form")]
    NoForm,
    #[error("its body is no JSON")]
    NoJson,
    #[error(transparent)]
    Fields(#[from] TooManyFields),
    /// It was believed before, word for word.
    #[error("it has been received before")]
    Replayed,
}
