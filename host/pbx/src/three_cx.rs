//! 3CX from version 20 on, over its Call Control API and its XAPI (sheet `pbx-3cx.md`, part B).
//!
//! - [`Config`] says how the PBX is reached and what may differ between installations.
//! - [`ThreeCx`] keeps a web socket open, asks for what it announces, and steers the PBX.
//! - [`Board`] knows what participants mean, [`history`] what the call log says: both are pure.

mod aftermath;
mod board;
mod check;
mod command;
mod config;
mod control;
mod directory;
mod features;
mod gateway;
pub mod history;
mod message;
mod number;
mod participant;
mod past;
mod phonebook;
mod recording;
mod routing;
mod session;
mod source;
mod staff;
mod times;
mod token;
mod xapi;

pub use board::{Board, Order, Over};
pub use config::{Config, DialWith, Patience, Rules, Steps};
pub use features::FEATURES;
pub use message::{Entity, Message, Seat, What};
pub use participant::{Dn, Kind, Participant, Status};
pub use source::ThreeCx;
pub use staff::{Staff, differences};
