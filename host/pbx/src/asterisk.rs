//! Asterisk, over its Manager Interface (AMI, protocol version 2 and later: Asterisk 12 and newer).
//!
//! - [`Config`] says how the PBX is reached, and [`Site`] what nothing on the wire says of it.
//! - [`Asterisk`] keeps a connection and reports what happens.
//! - [`Decoder`] cuts the byte stream into messages, [`Switchboard`] knows what they mean: both are pure.

mod check;
mod config;
mod error;
mod features;
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

pub use check::check;
pub use config::{Config, Login, Patience, Tls};
pub use error::{Circumstance, Error};
pub use framing::{Decoder, Excess, Frame};
pub use glob::Glob;
pub use site::Site;
pub use source::Asterisk;
pub use switchboard::{RollCall, Switchboard};
