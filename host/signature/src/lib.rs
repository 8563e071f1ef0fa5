//! Signatures of messages: computed for those that leave, checked in constant time on those that come in. Pure.
//!
//! A [`Scheme`] says how somebody signs: what is hashed, in which order, and in which headers it travels. A [`Signer`]
//! is a scheme with its key. Schemes of phone systems and CRMs are in `pbx-webhook.md`, section 8; all of them are a
//! hash over a list of parts, so a further one is a further source of parts and not a further signer.
//!
//! What is signed are the bytes on the wire: sign what is sent, check what was received, before anybody parses it.

mod digest;
mod error;
mod scheme;
mod signer;
mod template;

pub use error::{InvalidScheme, Refused};
pub use scheme::{Algorithm, Encoding, Header, Scheme, Window};
pub use signer::{Signer, Verified};
pub use template::Template;
