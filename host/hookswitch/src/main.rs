//! The program: phone systems on one side, CRM plugins on the other.
//!
//! Data flows one way: PBX source → [`intake`] (tracker, journal) → [`dispatch`] → plugin → CRM.

mod cli;
mod clock;
mod config;
mod control;
mod conversation;
mod desk;
mod dispatch;
mod dossier;
mod intake;
mod keeper;
mod manifest;
mod plan;
mod retry;
mod service;
mod session;
mod sources;
mod texts;
mod users;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
