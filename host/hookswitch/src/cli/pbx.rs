//! `hookswitch pbx`: how the phone systems are, and what they can do.

mod recording;
mod restrictions;

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, Subcommand};
use hookswitch_call::site::Station;
use hookswitch_pbx::{Ability, Feature, Features, Source};
use tokio::runtime::Runtime;

use super::{
    Common, auth,
    calls::time,
    output::{self, Style},
};
use crate::{
    config,
    shown::printable,
    sources::{self, Kind},
    status,
};

/// Look at the phone systems.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Status(Status),
    Test(Test),
    Kinds(Kinds),
    Recording(recording::Options),
    Restrictions(restrictions::Options),
}

/// Show whether the phone systems of the running service are connected, and when they last said something.
///
/// The exit code is 1 if one is not connected, or silent in working hours.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch pbx status
  hookswitch pbx status office             this one, with its extensions
  hookswitch pbx status --json | jq '.[].state'")]
pub(super) struct Status {
    /// Only this one, the NAME of `[pbx.NAME]`, with its extensions.
    name: Option<String>,
}

/// Reach a phone system as the configuration says, log in, and show what will work and what will not.
///
/// Needs no running service, and changes nothing at the phone system. The exit code is 1 if it cannot be reached.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch pbx test office
  hookswitch pbx test office --json")]
pub(super) struct Test {
    /// The NAME of `[pbx.NAME]`.
    name: String,
}

/// List the kinds of phone systems, or show what one can do, as `pbx test` does for a configured one.
///
/// Needs no configuration.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch pbx kinds
  hookswitch pbx kinds yeastar
  hookswitch pbx kinds --json")]
pub(super) struct Kinds {
    /// Only this one, as `kind` in `[pbx.NAME]` names it.
    kind: Option<String>,
}

pub(super) fn run(common: &Common, command: &Command) -> miette::Result<ExitCode> {
    match command {
        Command::Status(options) => status(common, options),
        Command::Test(options) => test(common, options),
        Command::Kinds(options) => kinds(common, options),
        Command::Recording(options) => recording::run(common, options),
        Command::Restrictions(options) => restrictions::run(common, options),
    }
}

/// Whether all is well with a phone system.
pub(super) fn is_well(pbx: &status::Pbx) -> bool {
    !matches!(pbx.state.as_str(), "disconnected" | "silent")
}

/// How a phone system is, in a line.
pub(super) fn told(pbx: &status::Pbx) -> String {
    let since = pbx.since.map(|since| format!(" since {}", time(since))).unwrap_or_default();
    match pbx.state.as_str() {
        "waiting" => "not heard of yet".to_owned(),
        "silent" => format!("connected{since}, but nothing is heard in working hours"),
        "disconnected" => {
            let reason = pbx.reason.as_deref().map(printable).unwrap_or_default();
            format!("NOT CONNECTED{since}: {reason}")
        }
        state => format!("{state}{since}"),
    }
}

fn status(common: &Common, options: &Status) -> miette::Result<ExitCode> {
    let mut all = auth::service(common)?.status().map_err(|error| miette::miette!("{error}"))?.pbx;
    if let Some(name) = &options.name {
        let known: Vec<_> = all.iter().map(|pbx| pbx.name.clone()).collect();
        all.retain(|pbx| pbx.name == *name);
        if all.is_empty() {
            return Err(miette::miette!("the service has no phone system `{name}`; it has: {}", known.join(", ")));
        }
    }
    let good = all.iter().all(is_well);
    if common.json {
        output::json(&all)?;
    } else {
        for pbx in &all {
            show(pbx, options.name.is_some())?;
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(pbx: &status::Pbx, whole: bool) -> miette::Result<()> {
    let style = if is_well(pbx) { Style::Good } else { Style::Bad };
    output::line(&format!("{} ({})  {}", pbx.name, pbx.kind, output::style(&told(pbx), style)))?;
    let heard =
        pbx.heard.map_or_else(|| "nothing heard since the start".to_owned(), |at| format!("last heard {}", time(at)));
    output::line(&format!("  {heard}; calls that go on: {}", pbx.calls))?;
    if !whole {
        return Ok(());
    }
    let rows: Vec<_> =
        pbx.extensions.stations().map(|(extension, station)| row(&extension.to_string(), station)).collect();
    if rows.is_empty() {
        output::line("  it has said nothing of its extensions")
    } else {
        output::table(&["EXTENSION", "NAME", "PHONE", "PRESENCE", "FORWARDED TO", "QUEUES"], &rows)
    }
}

fn row(extension: &str, station: &Station) -> Vec<String> {
    let phone = match (station.registered, station.phone) {
        (Some(false), _) => "not registered".to_owned(),
        (_, Some(state)) => state.token().to_owned(),
        (Some(true), None) => "registered".to_owned(),
        (None, None) => String::new(),
    };
    let queues = station.queues.iter().map(|(queue, change)| format!("{} ({})", queue, change.token()));
    vec![
        extension.to_owned(),
        station.name.clone(),
        phone,
        station.presence.clone().unwrap_or_default(),
        station.forwarding.clone().unwrap_or_default(),
        queues.collect::<Vec<_>>().join(", "),
    ]
}

/// The phone system as it is configured, and something to wait for its answers with.
fn open(common: &Common, name: &str) -> miette::Result<(Box<dyn Source>, Runtime)> {
    let loaded = config::load(&common.config)?;
    let source = sources::open(name, &loaded).map_err(|error| miette::miette!("{error}"))?;
    let runtime = Runtime::new().map_err(|error| miette::miette!("cannot start threads: {error}"))?;
    Ok((source, runtime))
}

fn test(common: &Common, Test { name }: &Test) -> miette::Result<ExitCode> {
    let (source, runtime) = open(common, name)?;
    let outcome = runtime.block_on(source.check());
    if common.json {
        let (found, warnings, error) = match &outcome {
            Ok(checked) => (Some(&checked.found), checked.warnings.as_slice(), None),
            Err(error) => (None, [].as_slice(), Some(error)),
        };
        output::json(&serde_json::json!({
            "pbx": name, "found": found, "warnings": warnings, "error": error,
            "features": by_name(source.features()),
        }))?;
    } else {
        match &outcome {
            Ok(checked) => {
                output::line(&format!("{}  {}", output::style("ok     ", Style::Good), printable(&checked.found)))?;
                for warning in &checked.warnings {
                    output::line(&format!("{}  {}", output::style("warning", Style::Bold), printable(warning)))?;
                }
            }
            Err(error) => output::line(&format!("{}  {}", output::style("FAILED ", Style::Bad), printable(error)))?,
        }
        output::line("")?;
        show_features(source.features())?;
    }
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn by_name(features: Features) -> BTreeMap<&'static str, String> {
    features.all().map(|(feature, ability)| (feature.name(), ability.to_string())).collect()
}

fn show_features(features: Features) -> miette::Result<()> {
    let row = |(feature, ability): (Feature, Ability)| vec![feature.name().to_owned(), ability.to_string()];
    output::table(&["FEATURE", "WHETHER IT WORKS"], &features.all().map(row).collect::<Vec<_>>())
}

fn kinds(common: &Common, Kinds { kind }: &Kinds) -> miette::Result<ExitCode> {
    let mut kinds = sources::KINDS.to_vec();
    if let Some(name) = kind {
        kinds.retain(|kind| kind.name == name);
        if kinds.is_empty() {
            let known = sources::KINDS.map(|kind| kind.name).join(", ");
            return Err(miette::miette!("there is no kind `{name}`; there are: {known}"));
        }
    }
    if common.json {
        let told = |kind: &Kind| serde_json::json!({ "kind": kind.name, "about": kind.about, "features": by_name(kind.features) });
        output::json(&kinds.iter().map(told).collect::<Vec<_>>())?;
    } else if let (Some(_), [kind]) = (kind, kinds.as_slice()) {
        output::line(&format!("{}: {}", kind.name, kind.about))?;
        show_features(kind.features)?;
    } else {
        let rows: Vec<_> = kinds.iter().map(|kind| vec![kind.name.to_owned(), kind.about.to_owned()]).collect();
        output::table(&["KIND", "WHAT IT IS"], &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}
