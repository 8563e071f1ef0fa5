#![allow(clippy::unwrap_used, reason = "a bench may panic")]
fn main() {}
