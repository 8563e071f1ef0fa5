//! Asterisk, over its Manager Interface (AMI, protocol version 2 and later: Asterisk 12 and newer).
//!
//! - [`Config`] says how the PBX is reached, and [`Site`] what nothing on the wire says of it.
//! - [`Source`] keeps a connection and reports what happens; [`check`] tries one out.
//! - [`Decoder`] cuts the byte stream into messages, [`Switchboard`] knows what they mean: both are pure.

mod backoff;
mod check;
mod config;
mod error;
mod framing;
mod glob;
mod link;
mod login;
mod message;
mod request;
mod resync;
mod site;
mod source;
mod switchboard;

pub use check::{Facts, check};
pub use config::{Config, Login, Patience, Tls};
pub use error::{Circumstance, Error};
pub use framing::{Decoder, Excess, Frame};
pub use glob::Glob;
pub use site::Site;
pub use source::Source;
pub use switchboard::{RollCall, Switchboard};
