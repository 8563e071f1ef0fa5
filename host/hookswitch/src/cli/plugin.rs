//! `hookswitch plugin`: the vendor's kit.

mod accept;
mod build;
mod call;
mod check;
mod dev;
mod inspect;
mod new;
mod project;
mod record;
mod replay;
mod sign;
mod stories;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use super::Common;

/// Write, test and prove a plugin, without a phone system or a CRM at hand.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    New(new::Options),
    Build(build::Options),
    Dev(dev::Options),
    Test(test::Options),
    Run(call::Options),
    Inspect(inspect::Options),
    Check(check::Options),
    Stories(stories::Options),
    Record(record::Options),
    Replay(replay::Replay),
    Compare(replay::Compare),
    Key(sign::Key),
    Sign(sign::Sign),
    Verify(sign::Verify),
    Accept(accept::Options),
}

pub(super) fn run(common: &Common, command: &Command) -> miette::Result<ExitCode> {
    match command {
        Command::New(options) => new::run(common, options),
        Command::Build(options) => build::run(common, options),
        Command::Dev(options) => dev::run(common, options),
        Command::Run(options) => call::run(common, options),
        Command::Check(options) => check::run(common, options),
        Command::Inspect(options) => inspect::run(common, options),
        Command::Test(options) => test::run(common, options),
        Command::Stories(options) => stories::run(common, options),
        Command::Record(options) => record::run(common, options),
        Command::Replay(options) => replay::replay(common, options),
        Command::Compare(options) => replay::compare(common, options),
        Command::Key(options) => sign::key(common, options),
        Command::Sign(options) => sign::sign(common, options),
        Command::Verify(options) => sign::check(common, options),
        Command::Accept(options) => accept::run(common, options),
    }
}
