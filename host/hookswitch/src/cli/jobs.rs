//! `hookswitch jobs`.

mod decide;
mod list;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use hookswitch_journal::jobs::State;

use super::{
    Common,
    output::{self, Style},
};
use crate::config;

/// List the work for the CRMs, and decide about what was given up.
///
/// Each call makes jobs: find or create the contact, register the call, write the journal entry, correct it. A job that
/// a CRM refuses for good, or that failed too often, is parked: it is kept, and waits for a person to say `retry` or
/// `skip`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch jobs list                     everything that is not done yet
  hookswitch jobs list --state parked      what needs a decision
  hookswitch jobs show 12                  why it is where it is, with each request and answer
  hookswitch jobs retry 12 13              try these again, now
  hookswitch jobs skip 12 --reason \"test call\"
                                           it will not be done
  hookswitch jobs retry-all --plugin bitrix24
                                           after the CRM was repaired")]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(list::Options),
    Show(show::Options),
    Retry(decide::Retry),
    Skip(decide::Skip),
    RetryAll(decide::RetryAll),
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    match &options.action {
        Action::List(options) => list::run(common, &loaded, options),
        Action::Show(options) => show::run(common, &loaded, options),
        Action::Retry(options) => decide::retry(common, &loaded, options),
        Action::Skip(options) => decide::skip(common, &loaded, options),
        Action::RetryAll(options) => decide::retry_all(common, &loaded, options),
    }
}

/// A job's state as a styled word.
pub(super) fn state(state: State) -> String {
    let style = match state {
        State::Done => Style::Good,
        State::Parked => Style::Bad,
        State::Waiting | State::Running | State::Skipped => Style::Dim,
    };
    output::style(state.token(), style)
}

/// How often a job was tried, in words.
pub(super) fn tries(attempt: u32) -> String {
    if attempt == 1 { "1 try".to_owned() } else { format!("{attempt} tries") }
}
