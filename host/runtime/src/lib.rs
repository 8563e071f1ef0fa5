//! The sandbox: loads plugins, and runs each call of one in a fresh instance under limits.
//!
//! A plugin is a WebAssembly component, and hostile until proven otherwise. [`Engine::load`] has its bytes judged and
//! compiled in a bounded child process, and keeps the result in a cache that only this host can have written. A [`Component`] has one method for each function of the contract; each call takes a [`Job`] (the
//! services that the plugin may use, its limits, its seed) and gives an [`Outcome`] (the result, and what it cost).
//!
//! What this crate promises:
//!
//! - No instance lives longer than its call: after a trap, a time-out or a dropped future nothing of it is left.
//! - Nothing real is linked. Imports of the contract reach [`Services`] only, after every argument was measured;
//!   `wasi:` imports get inert stand-ins with the job's clock and random numbers.
//! - Callers wait for a free slot; running out of slots is never an error.
//! - The CPU budget counts the guest alone: time in the host's services is the host's.

mod backtrace;
mod cache;
mod compile;
mod component;
pub mod contract;
mod engine;
mod imports;
mod inspect;
mod job;
mod load;
mod memory;
mod meter;
mod outcome;
mod run;
mod services;
mod state;
mod text;
mod wasi;

pub use compile::{Failure as CompileFailure, compile_child_main};
pub use component::{Component, Exports};
pub use engine::{Engine, Options, StartError};
pub use inspect::Refusal;
pub use job::{Grace, Job, Limits};
pub use load::{Hash, LoadError};
pub use outcome::{CallError, Outcome, Usage};
pub use services::{Denied, DocumentChange, DocumentQuery, Services};
