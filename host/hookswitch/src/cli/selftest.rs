//! `hookswitch selftest`.

mod accept;
mod disk;
mod durability;
mod load;
mod rounds;
mod verdict;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Common;

/// Try out, on this machine, what Hookswitch promises.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    test: Test,
}

#[derive(Debug, Subcommand)]
enum Test {
    Durability(durability::Options),
    /// Accept invented calls until killed (started by `durability`).
    #[command(hide = true)]
    Accept(accept::Options),
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    match &options.test {
        Test::Durability(options) => durability::run(common, options),
        Test::Accept(options) => accept::run(options),
    }
}
