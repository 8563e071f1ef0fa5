//! The "webhooks" module beside a 3CX: a service that posts what happens to calls (sheet `pbx-3cx.md`, part C). Nobody can
//! ask it anything, so all that is known of a call is what was posted.
//!
//! - [`Config`] says who may post and what the posts mean, [`Names`] how this build of the module spells them;
//! - [`Hooks`] takes the posts in;
//! - [`Post`] reads one, [`Told`] is what it says, [`Calls`] what follows from it: all of them pure.

mod calls;
mod door;
mod features;
mod id;
mod known;
mod names;
mod post;
mod source;
mod told;

pub use calls::Calls;
pub use features::FEATURES;
pub use id::{CallId, Clock, InvalidId};
pub use names::{Events, Fields, Names};
pub use post::{Post, Unreadable};
pub use source::{Config, Hooks};
pub use told::{About, Told};
