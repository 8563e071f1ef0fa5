//! Zendesk: callers, tickets with the call in them, and the caller's page in the agent's browser.
//!
//! Facts about Zendesk ("sheet") are cited by the section of the fact sheet *Helpdesk / CRM REST facts for call plugins*.
//! What is decided is kept apart from what is sent. `answer`, `caption`, `person`, `record`, `text`, `transcript` and `voice`
//! are pure. `account` is the only module that sends, `memory` the only one that stores, `options` reads the settings. `case`
//! is a ticket that is written into, whatever state it is in, and looks before it writes again. `setup`, `lookup`,
//! `contacts`, `tickets`, `journal`, `cards`, `recordings` and `directory` are the exports, which bring all together.

mod account;
mod answer;
mod caption;
mod cards;
mod case;
mod contacts;
mod directory;
mod journal;
mod lookup;
mod memory;
mod options;
mod person;
mod record;
mod recordings;
#[cfg(test)]
mod sample;
mod setup;
mod text;
mod tickets;
mod transcript;
mod voice;

struct Zendesk;

hookswitch_sdk::export!(Zendesk: Plugin, Lookup, Contacts, Journal, Tickets, Cards, Recordings, Directory);
