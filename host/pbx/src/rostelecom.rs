//! The cloud PBX of Rostelecom ("Virtual ATS"), over its integration API (`pbx-rostelecom.md`).
//!
//! It posts what goes on, and is asked for the rest: what became of a call (`call_info`), who there is (`users_info`),
//! and, as it says nothing twice, what was missed (`domain_call_history`). Recordings and the restrictions of users
//! are had when somebody wants them. Both sides sign every request.
//!
//! - [`Config`] says how it is reached, and how its words are read where the sheet only guesses.
//! - [`Rostelecom`] answers and asks.
//! - Pure: [`Posted`] is one event, [`Ledger`] knows what events and [`Record`]s mean, [`Log`] and [`history`] are
//!   formats of their own, [`Roster`] is who there is.

mod client;
mod closing;
mod config;
mod control;
mod features;
pub mod history;
mod ledger;
mod log;
mod moment;
mod posted;
mod posts;
mod record;
mod recordings;
mod restrictions;
mod roster;
mod scalar;
mod session;
mod source;
mod uri;
mod work;

pub use config::{Codes, Config, History, Patience, PinAs, RuleWords, Words};
pub use features::FEATURES;
pub use ledger::{Found, Ledger};
pub use log::{Log, Step, What};
pub use moment::Zone;
pub use posted::{Posted, State};
pub use record::Record;
pub use roster::Roster;
pub use source::Rostelecom;
