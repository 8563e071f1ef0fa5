//! `hookswitch plugin`: the vendor's kit.

mod build;
mod call;
mod check;
mod dev;
mod inspect;
mod project;
mod stories;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use super::Common;

/// Write, test and prove a plugin, without a phone system or a CRM at hand.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Build(build::Options),
    Dev(dev::Options),
    Test(test::Options),
    Run(call::Options),
    Inspect(inspect::Options),
    Check(check::Options),
    Stories(stories::Options),
}

pub(super) fn run(common: &Common, command: &Command) -> miette::Result<ExitCode> {
    match command {
        Command::Build(options) => build::run(common, options),
        Command::Dev(options) => dev::run(common, options),
        Command::Run(options) => call::run(common, options),
        Command::Check(options) => check::run(common, options),
        Command::Inspect(options) => inspect::run(common, options),
        Command::Test(options) => test::run(common, options),
        Command::Stories(options) => stories::run(common, options),
    }
}
