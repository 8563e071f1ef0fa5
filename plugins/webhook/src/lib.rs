//! Webhooks: every event of a call as a post to an address of the admin's choice, signed by the host as Standard Webhooks
//! 1.0 says, with a body of this plugin's, one from the admin's template, or one like those of the 3CX webhooks module
//! ("sheet" is the fact sheet *3CX*, part C).
//!
//! `event` reads what the host hands over, `options` the settings. `attached`, `template` and `three_cx` make bodies; `attached`
//! and `three_cx` are pure, and what they must know of earlier events of a call is a `line` and an `end` that `memory` keeps.
//! `post` sends. `deliver` brings all together for events, `recordings` for the files of calls and their words.

mod attached;
mod deliver;
mod event;
mod id;
mod memory;
mod options;
mod post;
mod recordings;
#[cfg(test)]
mod sample;
mod setup;
mod template;
mod three_cx;

struct Webhook;

hookswitch_sdk::export!(Webhook: Plugin, Feed, Recordings);
