//! `hookswitch plugin`: the vendor's kit.

mod project;
mod stories;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use super::Common;

/// Write, test and prove a plugin, without a phone system or a CRM at hand.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Test(test::Options),
    Stories(stories::Options),
}

pub(super) fn run(common: &Common, command: &Command) -> miette::Result<ExitCode> {
    match command {
        Command::Test(options) => test::run(common, options),
        Command::Stories(options) => stories::run(common, options),
    }
}
