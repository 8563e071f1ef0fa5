//! Signatures of messages: computed for those that leave, checked in constant time on those that come in. Pure.
//!
//! A [`Scheme`] says how somebody signs: what is hashed, in which order, and in which headers it travels. A [`Signer`]
//! is a scheme with its key; a [`Verifier`] only checks, and so does more schemes. Schemes of phone systems and CRMs are in `pbx-webhook.md`, section 8; all of them are a
//! hash over a list of parts, so a further one is a further source of parts and not a further signer.
//!
//! What is signed are the bytes on the wire: sign what is sent, check what was received, before anybody parses it.

mod basic;
mod digest;
mod error;
mod parts;
mod scheme;
mod signer;
mod template;
mod verifier;

pub use basic::basic;
pub use error::{InvalidScheme, Refused};
pub use parts::{Hash, Location, Parts, Received, Signed};
pub use scheme::{Algorithm, Encoding, Header, Scheme, Window};
pub use signer::{Signer, Signing, Verified};
pub use template::Template;
pub use verifier::Verifier;
