//! `hookswitch reload`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::{Common, output};
use crate::{
    config,
    control::{Client, Error},
};

/// Have the running service take up the configuration and the plugins as they are on disk now.
///
/// Nothing is lost: work under way ends with the configuration that it began with. If something is wrong, the service
/// says what, and runs on as before; the exit code is 1 then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch check && hookswitch reload    look first, then take it up
  hookswitch reload --json                 one JSON object with what changed")]
pub(super) struct Options {}

/// What changed, as JSON has it.
#[derive(Debug, Serialize)]
struct Reloaded<'a> {
    changes: &'a [String],
}

pub(super) fn run(common: &Common, _: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    let client = Client::connect(&data).map_err(|error| miette::miette!("{error}"))?;
    let Some(mut client) = client else {
        return Err(miette::miette!(
            help = "`hookswitch run` reads the configuration when it starts; if it runs, is `data` the same for it?",
            "no service runs on {}: there is nothing to reload",
            data.display()
        ));
    };
    let changes = match client.reload() {
        Ok(changes) => changes,
        // It has its own form, with the place in the file: it is not wrapped into another report.
        Err(Error::Refused(why)) if !common.json => {
            eprintln!("the change is refused, everything runs on as before:\n\n{why}");
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(miette::miette!("{error}")),
    };
    if common.json {
        output::json(&Reloaded { changes: &changes })?;
    } else if changes.is_empty() {
        output::line("nothing has changed")?;
    } else {
        changes.iter().try_for_each(|change| output::line(&output::printable(change)))?;
    }
    Ok(ExitCode::SUCCESS)
}
