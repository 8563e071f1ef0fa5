//! The way in: an HTTPS server with bounds on everything, and the proofs that a posted message comes from where it
//! says.
//!
//! A [`Server`] reads requests, one after the other on each connection, and hands each one whole to a [`Handler`]. Who
//! connects is nobody until proven otherwise, so:
//!
//! - everything has a bound ([`Limits`]): connections in all and per source, bytes, header lines, and the time of every
//!   step; what goes beyond is answered with what was too much, and the connection is closed;
//! - a request is read by the letter of RFC 9112 and refused where two readers might read it differently (bare line
//!   feeds, folded lines, two lengths). This is why the reading is done here, in `wire`, `head` and `body`: general
//!   servers are lenient by design, take a bare line feed for a line's end, and hide a length beside chunks;
//! - whose address a request has is said by the connection, and by headers only if the admin trusts who connects;
//! - nothing of a request is logged but its source, and why it was refused: paths and queries hold tokens.
//!
//! What a message proves is decided by [`check`], apart from how it was received.

mod answer;
mod body;
mod connection;
mod error;
pub mod form;
mod forwarded;
mod head;
mod limits;
mod message;
mod network;
mod proof;
mod seldom;
mod server;
mod tls;
mod visitors;
mod wire;

pub use bytes::Bytes;
pub use error::SetupError;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use limits::Limits;
pub use message::{Handler, Request, Response};
pub use network::{InvalidNetwork, Network};
pub use proof::{Place, Proof, Proven, Refused, Replays, Token, check};
pub use server::{Options, Server};
pub use tls::TlsFiles;
