//! The stand-in, driven over real sockets: what it takes of recordings, and above all what it refuses.

mod client;
mod uploads;
