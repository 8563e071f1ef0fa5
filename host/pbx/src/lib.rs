//! Phone systems: one module each. A source knows one PBX's protocol and nothing of CRMs; it turns bytes into
//! [`Signal`](hookswitch_call::Signal)s, keeps its connection alive, and steers its PBX as far as that can be steered.
//!
//! - [`Source`] is what the host knows of each of them, [`Features`] what they can do;
//! - [`Outlet`] takes their reports, and says when they are durable;
//! - [`Control`] makes calls, [`Router`] answers the question where a caller should go;
//! - [`Phonebook`], [`Recordings`] and [`Restrictions`] are what some can do besides.

mod api;
pub mod asterisk;
mod backoff;
mod control;
mod feature;
mod phonebook;
mod recordings;
mod restrictions;
pub mod rostelecom;
mod route;
mod socket;
mod source;
pub mod three_cx;
pub mod three_cx_hooks;
mod trust;
pub mod webhook;
pub mod yeastar;

pub use api::Reach;
pub use control::{Control, Dial, Dialled, Refused};
pub use feature::{Ability, Feature, Features};
pub use phonebook::{Entry, Group, Phonebook};
pub use recordings::{
    Fetched, InvalidOrigin, InvalidPattern, LARGEST, Links, Origin, Pass, Pattern, Recordings, Slot, Unfetched,
};
pub use restrictions::{Restrictions, Rules};
pub use route::{Question, Route, Router};
pub use source::{Batch, Begin, Checked, Closed, Outlet, Source, Started};
