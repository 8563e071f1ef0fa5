//! Asterisk, over its Manager Interface (AMI, protocol version 2 and later: Asterisk 12 and newer).
//!
//! - [`Decoder`] cuts the byte stream into messages, [`Switchboard`] knows what they mean: both are pure.

mod framing;
mod glob;
mod message;
mod site;
mod switchboard;

pub use framing::{Decoder, Excess, Frame};
pub use glob::Glob;
pub use site::Site;
pub use switchboard::{RollCall, Switchboard};
