//! The vocabulary of calls and the one state machine that decides what happened.
//!
//! Data flows one way: a PBX source turns bytes into [`Signal`]s ("what the PBX said"), the [`Tracker`] turns signals
//! into [`Event`]s and keeps one [`Call`] record per conversation ("what a CRM cares about"). Everything here is pure:
//! no I/O, no clock, no randomness. What "missed", "answered by" and "transferred" mean is decided here, once, for
//! every PBX.
//!
//! - [`signal`]: what sources say.
//! - [`site`]: what sources say of the phone system itself.
//! - [`event`]: what the tracker concludes.
//! - [`record`]: the state of one call.
//! - [`tracker`]: the state machine.
//! - [`number`]: telephone numbers, normalised once.

pub mod event;
mod id;
pub mod number;
pub mod record;
pub mod signal;
pub mod site;
pub mod tracker;

pub use event::Event;
pub use id::{Chain, Extension, Millis, PbxName};
pub use record::Call;
pub use signal::Signal;
pub use site::Site;
pub use tracker::Tracker;
