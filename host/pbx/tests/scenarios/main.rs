//! What happens on an Asterisk in cases that the recordings here do not show, as the reference describes their messages.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod click_to_call;
mod numbers;
mod outcomes;
mod parking;
mod phones;
mod queues;
mod recordings;
mod story;
mod transfers;
mod wire;
