//! Signatures through the public door of the crate.

mod refusals;
mod vectors;
