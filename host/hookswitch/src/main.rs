//! The program: phone systems on one side, CRM plugins on the other.
//!
//! Data flows one way: PBX source → [`intake`] (tracker, journal) → [`dispatch`] → plugin → CRM.

mod case;
mod cli;
mod clock;
mod code;
mod config;
mod control;
mod desk;
mod dials;
mod dispatch;
mod dossier;
mod explain;
mod feed;
mod find;
mod floor;
mod health;
mod imprint;
mod intake;
mod keeper;
mod keys;
mod kit;
mod line;
mod lines;
mod manifest;
mod metrics;
mod news;
mod outbox;
mod phonebook;
mod plan;
mod rank;
mod rate;
mod recordings;
mod reload;
mod resume;
mod retry;
mod route;
mod screen;
mod service;
mod session;
mod shown;
mod sites;
mod sources;
mod station;
mod status;
mod task;
mod texts;
mod updates;
mod users;
mod view;
mod web;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
