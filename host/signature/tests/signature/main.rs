//! Signatures through the public door of the crate.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

mod parts;
mod refusals;
mod vectors;
