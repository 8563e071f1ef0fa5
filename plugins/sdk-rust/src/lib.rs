//! Write Hookswitch plugins in Rust.
//!
//! A plugin is a type that implements [`Plugin`] and those of [`Lookup`], [`Contacts`], [`Journal`], [`Tickets`],
//! [`Cards`], [`Recordings`], [`Directory`], [`Routing`], [`Commands`], [`Feed`] and [`Speech`] that it can serve;
//! [`export!`] makes a component's exports of them. What each function is for, when the host calls it and what a failure
//! does is said in the contract, `wit/0.1.0`.
//!
//! ```
//! use hookswitch_sdk::{Call, Contact, Failure, Lookup, Manifest, Number, Plugin, export, http};
//!
//! struct Acme;
//!
//! impl Plugin for Acme {
//!     fn manifest() -> Manifest {
//!         Manifest::new("acme", "Acme CRM", env!("CARGO_PKG_VERSION"))
//!             .serves(["lookup.by-number"])
//!             .base_url("crm", "Address of the CRM", "With its key, as shown on the page Integrations.")
//!     }
//! }
//!
//! impl Lookup for Acme {
//!     fn by_number(number: Number, _call: Option<Call>) -> Result<Vec<Contact>, Failure> {
//!         let answer = http::Request::get("contacts").query("phone", &number.raw).credential("crm").send()?;
//!         let found: Vec<serde_json::Value> = answer.success()?.json()?;
//!         # let _ = found;
//!         Ok(vec![])
//!     }
//! }
//!
//! export!(Acme: Plugin, Lookup);
//! ```
//!
//! A write that the CRM would carry out twice goes through [`search_then_create`], so that a try that was cut off leaves
//! nothing double behind. A list that comes page by page goes through [`pages`](pages()), so that none is missing.
//!
//! Modules: [`http`] talks JSON to the CRM and turns its statuses into failures, [`storage`] keeps values as JSON,
//! [`settings`] reads the admin's settings, [`secrets`] stands for what the plugin may not see, [`manifest`] builds the
//! manifest, [`commands`] is what the CRM posts, [`recording`] reads and links the recordings of calls; the macros
//! [`debug!`], [`info!`] and [`warn!`] write the plugin's log. [`clock`], [`job`], [`people`], [`phone`] and [`random`]
//! are the contract's own.

pub mod bindings;
pub mod commands;
mod contact;
mod export;
mod failure;
pub mod http;
mod log;
pub mod manifest;
mod minutes;
mod once;
mod pages;
mod panic;
pub mod recording;
mod route;
pub mod secrets;
pub mod settings;
pub mod storage;
mod transcript;

pub use bindings::directory::exports::hookswitch::plugin::directory::{Page as UserPage, User};
pub use bindings::feed::exports::hookswitch::plugin::feed::Event;
pub use bindings::imports::hookswitch::plugin::types::{
    Agent, Call, Contact, Delay, Direction, Failure, Fields, Note, Number, PhoneEntry, Problem, Recording, Reference,
    Text, Transcript, Turn,
};
pub use bindings::imports::hookswitch::plugin::{clock, job, logging, people, phone, random};
pub use bindings::journal::exports::hookswitch::plugin::journal::Entry;
pub use bindings::lookup::exports::hookswitch::plugin::lookup::Page as ContactPage;
pub use bindings::routing::exports::hookswitch::plugin::routing::Answer as Route;
pub use bindings::speech::exports::hookswitch::plugin::speech::Progress;
pub use export::{
    Cards, Commands, Contacts, Directory, Feed, Journal, Lookup, Plugin, Recordings, Routing, Speech, Tickets,
};
pub use manifest::Manifest;
pub use minutes::minutes;
pub use once::search_then_create;
pub use pages::pages;
