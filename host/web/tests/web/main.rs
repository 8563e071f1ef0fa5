//! The server on real sockets, and proofs through the public door.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

mod answers;
mod framing;
mod fuzz;
mod limits;
mod logs;
mod proofs;
mod proxies;
mod slow;
mod stop;
mod tls;
mod world;
