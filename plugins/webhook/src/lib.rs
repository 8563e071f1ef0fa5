//! Webhooks: every event of a call as a post to an address of the admin's choice, signed by the host as Standard Webhooks
//! 1.0 says, with a body of this plugin's, one from the admin's template, or one like those of the 3CX webhooks module
//! ("sheet" is the fact sheet *3CX*, part C).
//!
//! `event` reads what the host hands over, `options` the settings. `template` and `three_cx` make bodies; `three_cx` is
//! pure, and what it must know of earlier events of a call is a `line` that `memory` keeps. `post` sends, `deliver` brings all
//! together.

mod deliver;
mod event;
mod id;
mod memory;
mod options;
mod post;
#[cfg(test)]
mod sample;
mod setup;
mod template;
mod three_cx;

struct Webhook;

hookswitch_sdk::export!(Webhook: Plugin, Feed);
