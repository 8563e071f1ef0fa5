//! A 3CX of version 20 as the sheet `pbx-3cx.md`, part B, describes it: one live token, rights of the API client, numbers
//! that are monitored, participants, a web socket that tells only that something has changed, and the lists of the XAPI. It
//! refuses what the real one would refuse, and keeps a complaint about what is never right.

mod callcontrol;
mod contacts;
mod door;
mod http;
mod pbx;
mod sound;
mod state;
mod xapi;

pub use pbx::{Options, Pbx};
pub use sound::{Manner, Sound};
pub use state::{CLIENT_ID, CLIENT_SECRET, Request, State};
