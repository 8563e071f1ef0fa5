//! Any phone system that posts what happens, described in TOML alone (`pbx-webhook.md`).
//!
//! A [`Description`] says where things stand in a message ([`Value`], [`Moment`], [`Choice`]) and which message means
//! what ([`Event`]): one table for each kind of message, in it one table for each fact that follows. There is no
//! language of expressions: what a description cannot say, a program in between can, and posts it in our own format.
//!
//! Posts come at `/pbx/NAME/…`. Who posts is proven first; a message is acknowledged when what it says is durable. A
//! message that fits no event says nothing to us and is acknowledged as well.

mod answer;
mod choice;
mod codec;
mod condition;
mod config;
mod description;
mod event;
mod facts;
mod features;
mod message;
mod moment;
mod order;
mod place;
mod posts;
mod reading;
mod repeats;
mod routing;
mod source;
mod value;

pub use answer::Answer;
pub use choice::Choice;
pub use codec::{Told, Unfit};
pub use condition::Conditions;
pub use config::Config;
pub use description::Description;
pub use event::Event;
pub use features::FEATURES;
pub use message::{Body, Post, Unreadable};
pub use moment::{Moment, Time};
pub use place::{InvalidPlace, Place};
pub use routing::Routing;
pub use source::Webhook;
pub use value::Value;
