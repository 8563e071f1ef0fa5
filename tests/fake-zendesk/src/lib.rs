//! A strict, stateful stand-in for a Zendesk account.
//!
//! It speaks Zendesk's REST interface over real sockets, refuses what a real account refuses, complains of what a real
//! one would swallow, and keeps everything that it was told, so that a test can ask what an agent would have seen. It is
//! written from the fact sheet `crm-helpdesks.md`, section 1 ("the sheet" in comments), as raw bytes and shares nothing
//! with the code that it judges.
//!
//! A client comes to `https://acme.zendesk.com` through the account's own proxy ([`Account::proxy`]) and believes its
//! authority ([`Account::ca_pem`]): no address has to be any other than in life.

mod account;
mod answer;
mod control;
mod door;
mod fault;
mod fields;
mod moment;
mod options;
mod routes;
mod seed;
mod snapshot;
mod ticket;
mod tls;
mod upload;
mod user;
mod voice;
mod wire;
mod world;

pub use account::{Account, Timeout};
pub use fault::{Effect, Fault};
pub use moment::{Moment, Phase, Then};
pub use options::Options;
