//! A strict, stateful stand-in for a Zammad with its generic CTI switched on (fact sheet `crm-helpdesks.md`, section 7.1,
//! "the sheet" in comments; what it says to bad posts is from Zammad's own source, `cti_controller.rb` and `cti/log.rb`).
//!
//! It speaks HTTPS, refuses what a real one refuses, complains of what a real one would swallow, and keeps the caller log,
//! which is the verdict. It shares nothing with the code that it judges.

mod answer;
mod call;
mod cti;
mod door;
mod fault;
mod fields;
mod wire;
mod zammad;

pub use call::Call;
pub use fault::{Fault, Phase, Trap};
pub use zammad::Zammad;
