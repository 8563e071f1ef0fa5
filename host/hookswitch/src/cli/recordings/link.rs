//! `hookswitch recordings link`.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use hookswitch_journal::RecordingId;

use super::open;
use crate::{
    cli::{Common, output},
    control::Client,
};

/// Make a link to a recording, for whoever may listen to it. Everybody who has the link can.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch recordings link 17                  works for an hour
  hookswitch recordings link 17 --for 7d
  hookswitch recordings link 17 --once           works for one download")]
pub(in crate::cli) struct Options {
    /// The recording, as `hookswitch recordings list` shows it.
    id: i64,
    /// How long the link works.
    #[arg(long = "for", default_value = "1h", value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Duration,
    /// The link works for one download.
    #[arg(long)]
    once: bool,
}

pub(super) fn run(common: &Common, Options { id, time, once }: &Options) -> miette::Result<ExitCode> {
    let (loaded, _) = open(common)?;
    let client = Client::connect(&loaded.resolve(&loaded.config.server.data));
    let mut client = client.map_err(|error| miette::miette!("{error}"))?.ok_or_else(|| {
        miette::miette!(
            help = "start it with `hookswitch run`",
            "the service is not running, and nobody would answer the link"
        )
    })?;
    let link = client.link(RecordingId(*id), time.as_secs().max(1), *once);
    let link = link.map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        output::json(&serde_json::json!({ "link": link }))?
    } else {
        output::line(&link)?
    }
    Ok(ExitCode::SUCCESS)
}
