//! The keys through their public doors: real files, real processes, real signals, and a strict provider on real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

mod configuration;
mod crash;
mod faults;
mod fetching;
mod opening;
mod providers;
mod renewing;
mod secrecy;
mod sign_in;
mod vaults;
mod world;
