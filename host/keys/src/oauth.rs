//! What goes to a provider and comes back, as bytes: no clock, no network, no state.
//!
//! RFC 6749 (OAuth 2.0), RFC 7636 (PKCE), RFC 7009 (revocation), RFC 9207 (`iss`).

pub(crate) mod answer;
pub(crate) mod authorize;
pub(crate) mod request;
pub(crate) mod secret;
