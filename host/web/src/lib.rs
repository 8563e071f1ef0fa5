//! The way in: an HTTPS server with bounds on everything, and the proofs that a posted message comes from where it
//! says.
//!
//! A [`Server`] hands each request whole to a [`Handler`]. The protocol is `hyper`'s: it reads requests one after the
//! other on each connection, by RFC 9112 where that is strict and where it is lenient (a line feed alone ends a line;
//! chunks outweigh a length, and the connection is closed then). Who connects is nobody until proven otherwise, so:
//!
//! - everything has a bound ([`Limits`]): connections in all and per source, bytes, header lines, and the time of every
//!   step; what goes beyond is answered with what was too much where that can be said, and the connection is closed;
//! - what `hyper` would let pass and a plugin could misunderstand is refused: no `host` or two, a target that names
//!   another host, codings below the chunks;
//! - whose address a request has is said by the connection, and by headers only if the admin trusts who connects;
//! - nothing of a request is logged but its source, and why it was refused: paths and queries hold tokens.
//!
//! What a message proves is decided by [`check`], apart from how it was received.

mod answer;
mod connection;
mod error;
mod exchange;
mod file;
pub mod form;
mod forwarded;
mod head;
mod limits;
mod message;
mod network;
mod outgoing;
mod proof;
mod seldom;
mod server;
mod tls;
mod visitors;

pub use bytes::Bytes;
pub use error::SetupError;
pub use file::Whole;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use limits::Limits;
pub use message::{Handler, Request, Response};
pub use network::{InvalidNetwork, Network};
pub use outgoing::Slice;
pub use proof::{Place, Proof, Proven, Refused, Replays, Token, check};
pub use server::{Options, Server};
pub use tls::TlsFiles;
