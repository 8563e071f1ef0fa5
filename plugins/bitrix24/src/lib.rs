//! Bitrix24: cards, contacts and calls on an inbound webhook.
//!
//! Facts about the portal ("sheet") are cited by the section of the fact sheet *Bitrix24 for a telephony plugin*. What
//! is decided is kept apart from what is sent. `answer`, `batch`, `entity`, `finish`, `people`, `record`, `refusal`,
//! `registration`, `status`, `text`, `transcript` and `value` are pure. `portal` is the only module that sends, `memory` the
//! only one that stores, `options` reads the settings. `statistics` and `timeline` look before they
//! write. `setup`, `lookup`, `contacts`, `journal`, `cards`, `recordings`, `commands` and `directory` are the exports, which
//! bring both together.

mod answer;
mod batch;
mod cards;
mod commands;
mod contacts;
mod directory;
mod entity;
mod finish;
mod journal;
mod lookup;
mod memory;
mod options;
mod people;
mod portal;
mod record;
mod recordings;
mod refusal;
mod registration;
#[cfg(test)]
mod sample;
mod search;
mod setup;
mod statistics;
mod status;
mod text;
mod timeline;
mod transcript;
mod value;

struct Bitrix24;

hookswitch_sdk::export!(Bitrix24: Plugin, Lookup, Contacts, Journal, Cards, Recordings, Directory, Commands);
