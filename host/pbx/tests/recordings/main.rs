//! Recordings are fetched whole, or it is said why not: from disks, from servers, from phone systems that want tokens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod clouds;
mod files;
mod links;
mod posted;
mod server;
mod sound;
