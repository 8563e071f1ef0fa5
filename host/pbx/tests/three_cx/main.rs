//! 3CX: from participants and the call log to calls. What the PBX says is written as JSON, as its API sends it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod hostile;
mod line;
mod log;
mod office;
mod replays;
mod staff;
