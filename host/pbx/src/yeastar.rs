//! Yeastar P-Series, over its OpenAPI 1.0 (sheet `pbx-yeastar.md`, part B).
//!
//! - [`Config`] says how the PBX is reached, [`Ground`] what its numbers are, [`Times`] how it writes times.
//! - [`Yeastar`] keeps a subscription by WebSocket, or takes posts of a webhook, and asks where something is doubtful.
//! - [`Event`] reads a message, [`Exchange`] knows what it means for the calls: both are pure.

mod archive;
mod cdr;
mod check;
mod client;
mod config;
mod control;
mod door;
mod event;
mod exchange;
mod features;
mod ground;
mod news;
mod phonebook;
mod source;
mod subscription;
mod talk;
mod times;
mod wire;
mod work;

pub use config::{Config, Events, Patience};
pub use event::{Event, Unreadable};
pub use exchange::{Asked, Exchange, Gap, Heard, Roll};
pub use features::FEATURES;
pub use ground::Ground;
pub use news::Directory;
pub use source::Yeastar;
pub use times::Times;
