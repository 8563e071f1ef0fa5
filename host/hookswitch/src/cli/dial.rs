//! `hookswitch dial`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::{Common, auth, output};
use crate::{
    config::{self, Loaded},
    dials::rules::{Cleared, Rules},
    shown::printable,
};

/// Have a phone system make a call: the agent's phone rings first, and when it is picked up the number is dialled.
///
/// The number may be written as people write it; `[pbx.NAME.dial-rules]` says what may be dialled, and as which digits.
/// What becomes of the call is shown by `hookswitch calls`, like any other.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch dial +493012345678 --from 201
  hookswitch dial \"030 12345678\" --from 201 --pbx office
  hookswitch dial 030/12345678 --from 201 --dry-run
                                           which digits would the phone system get, and by which rule?")]
pub(super) struct Options {
    /// The number.
    number: String,
    /// The extension whose phone rings first.
    #[arg(long, value_name = "EXTENSION")]
    from: String,
    /// Which phone system, the NAME of `[pbx.NAME]`; not needed where there is only one.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
    /// Dial nothing; show what would be dialled. Needs no running service.
    #[arg(long)]
    dry_run: bool,
    /// With `--dry-run`: the number of the business that is to be shown.
    #[arg(long, value_name = "NUMBER", requires = "dry_run")]
    line: Option<String>,
}

/// What would be dialled.
#[derive(Serialize)]
struct Shown<'a> {
    pbx: &'a str,
    extension: &'a str,
    number: &'a str,
    #[serde(flatten)]
    cleared: &'a Cleared,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let Options { number, from, pbx, dry_run, line } = options;
    if *dry_run {
        let loaded = config::load(&common.config)?;
        return show(common, &loaded, pbx.as_deref(), from, number, line.as_deref().unwrap_or_default());
    }
    let mut client = auth::service(common)?;
    let dialled = client.dial(pbx.clone(), from.clone(), number.clone()).map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        output::json(&dialled)?;
    } else {
        let call = dialled.call.map(|call| format!(" as call {}", printable(call.as_str()))).unwrap_or_default();
        output::line(&format!("{} rings {from}, and dials {number} when it is picked up{call}", dialled.pbx))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(
    common: &Common,
    loaded: &Loaded,
    pbx: Option<&str>,
    from: &str,
    number: &str,
    line: &str,
) -> miette::Result<ExitCode> {
    let systems = &loaded.config.pbx;
    let known = || systems.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let (name, system) = match pbx {
        Some(pbx) => systems.get_key_value(pbx),
        None if systems.len() == 1 => systems.first_key_value(),
        None => return Err(miette::miette!("there are several phone systems; name one with --pbx: {}", known())),
    }
    .ok_or_else(|| miette::miette!("there is no such phone system; there are: {}", known()))?;
    let numbering = system.numbering(line, loaded.config.server.region.as_deref());
    let cleared = Rules { rules: &system.common.dial_rules, numbering }.clear(number, line);
    let cleared = cleared.map_err(|barred| miette::miette!("{}", printable(&barred.to_string())))?;
    if common.json {
        output::json(&Shown { pbx: name, extension: from, number, cleared: &cleared })?;
    } else {
        let read = cleared.e164.as_deref().unwrap_or("an internal number");
        output::line(&format!("{} is read as {read}", printable(number)))?;
        output::line(&format!("{name} rings {from} and dials {} ({})", cleared.digits, printable(&cleared.rule)))?;
    }
    Ok(ExitCode::SUCCESS)
}
