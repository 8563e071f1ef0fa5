//! The imports of the contract: each function measures its arguments and hands them to the job's
//! [`Services`](crate::Services).
//!
//! What is too long is answered with the error that the function has for it, and never reaches a service. Together all
//! arguments of one call are bounded by the store's host-call fuel before they are even copied out of the guest.

mod clock;
mod documents;
mod http;
mod job;
pub(crate) mod logging;
mod people;
mod phone;
mod random;
mod recording;
mod secrets;
mod settings;
mod storage;

use wasmtime::component::{HasSelf, Linker};

use crate::{contract::bindings, state::State};

/// Makes all imports of the contract available.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::Everything::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

/// Handles and names of all kinds: nothing honest is longer.
const NAME_BYTES: usize = 256;

/// Refuses a text that is longer than the contract has use for.
fn short(what: &str, text: &str, max: usize) -> Result<(), String> {
    if text.len() > max {
        return Err(format!("{what} has {} bytes; at most {max} are allowed", text.len()));
    }
    Ok(())
}

/// The types have no functions of their own.
impl bindings::hookswitch::plugin::types::Host for State {}
