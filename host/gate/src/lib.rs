//! The gate: the one place of Hookswitch that opens outbound sockets to CRMs.
//!
//! A plugin hands a [`Request`] to its [`Gate`]; what leaves the machine is decided here and nowhere else:
//!
//! 1. the URL is parsed once into an origin and a path; from then on only this parsed form exists, so what is
//!    checked is what is dialled, named in `Host` and asked for in the TLS handshake;
//! 2. a [`Grant`] of the admin must cover it;
//! 3. a [`Credential`] puts its secret in at its [`Place`], and placeholders are filled in, only towards the origins that
//!    each secret is meant for;
//! 4. the name is resolved once, every address is judged (internal ones need a [`Network`] grant), and exactly a
//!    judged address is dialled;
//! 5. one HTTP/1.1 exchange happens, bounded in time and bytes, and the answer is scrubbed of secrets before anybody
//!    sees it.
//!
//! The gate refuses to follow redirects unless the admin says so, keep cookies, read proxy settings from the
//! environment, or send a request a second time unless it is certain that the first never left or was refused for its
//! token. Each plugin has its own gate and so its own connections; a changed configuration makes a new gate, which leaves
//! no connection of the old rules behind.

mod allow;
mod carry;
mod check;
mod client_certificate;
mod connect;
mod credential;
mod decode;
mod enclosure;
mod error;
mod exchange;
mod fill;
mod gate;
mod grant;
mod headers;
mod json;
mod keep;
mod limits;
mod network;
mod origin;
mod place;
mod pool;
mod proxy;
mod redact;
mod redirect;
mod renew;
mod request;
mod resolve;
mod secrets;
mod spelling;
mod target;
mod tls;
mod tokens;
mod trust;
mod vault;

pub use client_certificate::ClientCertificate;
pub use credential::{Credential, InvalidCredential};
pub use enclosure::{Enclosure, Source};
pub use error::{Cure, Denial, Error, Malformed, SetupError, Stage};
pub use gate::{Gate, Options};
pub use grant::{Grant, InvalidGrant};
pub use hyper::body::Bytes;
pub use limits::Limits;
pub use network::{InvalidNetwork, Network};
pub use origin::{Host, Origin, Scheme};
pub use place::{InvalidPlace, Place};
pub use proxy::{InvalidProxy, Proxy};
pub use request::{Request, Response, Sent, Timings};
pub use resolve::Resolver;
pub use secrets::NoPlaceholder;
pub use tokens::{NoToken, Token, Tokens};
pub use trust::{InvalidPin, Pin};
pub use vault::{Kept, Vault};
