//! The recordings that the host holds. The manifest asks for it with
//! [`Manifest::recordings`](crate::Manifest::recordings).
//!
//! To upload one, name its id in the body of a request ([`Part`](crate::http::Part)): then its bytes never pass through
//! the plugin.

use crate::bindings::imports::hookswitch::plugin::recording;
use crate::{Failure, Problem, Recording};

/// Finds the files of a call, by `call.chain`, in the order of leg and index. Empty: none, or none yet.
pub fn of_call(chain: &str) -> Vec<Recording> {
    recording::of_call(chain)
}

/// Reads at most `length` bytes from `offset`, 1 MiB at a time. Fewer bytes than asked: that was the end.
///
/// # Errors
/// *Other*, with the host's words: there is no such recording, or it cannot be read.
pub fn read(id: &str, offset: u64, length: u32) -> Result<Vec<u8>, Failure> {
    recording::read(id, offset, length).map_err(|detail| {
        let (code, text) = ("recording".into(), "the recording cannot be read".into());
        Failure::Other(Problem { code, text, detail })
    })
}

/// Makes a link to the file on the host's public address. It works for `ttl_s` seconds, with `once` for a single
/// download.
///
/// # Errors
/// *Not configured*: what is missing, as when no public address is configured.
pub fn sign_link(id: &str, ttl_s: u32, once: bool) -> Result<String, Failure> {
    recording::sign_link(id, ttl_s, once).map_err(Failure::NotConfigured)
}
