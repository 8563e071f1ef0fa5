//! Asterisk, over its Manager Interface (AMI, protocol version 2 and later: Asterisk 12 and newer).
//!
//! - [`Config`] says how the PBX is reached, and [`Site`] what nothing on the wire says of it.
//! - [`Asterisk`] keeps a connection and reports what happens.
//! - [`Decoder`] cuts the byte stream into messages, [`Switchboard`] and [`Roster`] know what they mean: all are pure.
//! - Calls are made and ended over the same connection ([`Dialling`]); the dial plan asks where callers should go by
//!   FastAGI or by HTTP ([`Routing`]).
//!
//! The Asterisk REST Interface (ARI) is not used: it has no queues and no Linkedid, and what it has beyond AMI, calls that
//! are held by an application outside, is nothing that a CRM asks for.

pub mod agi;
mod archive;
mod check;
mod config;
mod control;
mod dialling;
mod error;
mod features;
mod framing;
mod glob;
mod link;
mod login;
mod message;
mod orders;
mod recordings;
mod request;
mod resync;
mod roster;
mod routing;
mod site;
mod source;
mod switchboard;

pub use archive::Archive;
pub use check::check;
pub use config::{Config, Login, Patience, Tls};
pub use dialling::{Dialling, Unusable};
pub use error::{Circumstance, Error};
pub use features::FEATURES;
pub use framing::{Decoder, Excess, Frame};
pub use glob::Glob;
pub use recordings::Recordings;
pub use roster::Roster;
pub use routing::{Agi, Routing};
pub use site::Site;
pub use source::Asterisk;
pub use switchboard::{RollCall, Switchboard};
