//! Posts of the webhooks module beside a 3CX, as raw bytes from the sheet (`pbx-3cx.md`, part C), and what the call history
//! makes of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod dialects;
mod door;
mod fuzz;
mod office;
mod orders;
mod replays;
mod sites;
mod times;
