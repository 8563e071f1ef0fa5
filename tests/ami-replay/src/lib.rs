//! A stand-in for the manager interface (AMI) of an Asterisk, for tests and demonstrations.
//!
//! It listens on a real socket, logs clients in, answers their requests, and plays recorded traces to them byte for byte.
//! What it knows of the protocol comes from recordings of a live server; it shares no code with the client under test.
//!
//! Answers that the recording client had asked for are left out of a playing; our client's own requests are answered
//! from the state of everything played so far, so a client that connects in mid-call gets a truthful listing.

mod answers;
mod connection;
mod fault;
mod fresh;
mod listings;
mod login;
mod message;
mod orders;
mod playback;
mod queues;
mod server;
mod switchboard;
mod tls;
mod trace;
mod world;

pub use fault::Fault;
pub use login::Classes;
pub use message::Message;
pub use playback::{Boundaries, Cue, Playback, Played};
pub use server::{Options, Server};
pub use trace::Trace;
pub use world::Action;
