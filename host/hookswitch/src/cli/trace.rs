//! `hookswitch trace`.

mod document;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hookswitch_journal::{CallRef, Reader, jobs::State};

use self::document::{Document, PluginWork};
use super::{
    Common, jobs,
    output::{self, Style},
    runs,
};
use crate::{
    config::{self, Loaded},
    kit::trace::Trace,
};

/// Show everything that happened to one call.
///
/// The events, the number as it was read, each plugin function with its requests and their answers, and what became of
/// the work for the CRM.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch trace 1795230418.0            as `hookswitch calls` lists it; its beginning is enough
  hookswitch trace office/1795230418.0     where several phone systems have such a call
  hookswitch trace 1795230418.0 --bodies   with what was sent and answered
  hookswitch trace 1795230418.0 --export call.json --mask
                                           to be played again with `hookswitch plugin replay`
  hookswitch trace 1795230418.0 --json     everything, for a program or a bug report")]
pub(super) struct Options {
    /// The call, or the beginning of its name.
    call: String,
    /// Show the bodies of requests and answers too.
    #[arg(long)]
    bodies: bool,
    /// Write what a plugin did to a file, for `hookswitch plugin replay`.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Which plugin, where several worked on the call.
    #[arg(long, value_name = "NAME", requires = "export")]
    plugin: Option<String>,
    /// Invent numbers, names and addresses of persons in the export.
    #[arg(long, requires = "export")]
    mask: bool,
}

/// Calls that are named when a name is ambiguous.
const CANDIDATES: u32 = 10;

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    let reader = Reader::open(&data).map_err(|error| miette::miette!("{error}"))?;
    let found = reader.read(|view| view.calls_named(&options.call, CANDIDATES));
    let mut found = found.map_err(|error| miette::miette!("{error}"))?;
    let entry = match (found.pop(), found.as_slice()) {
        (Some(entry), []) => entry,
        (None, _) => {
            return Err(miette::miette!(
                help = "`hookswitch calls` lists the calls; they are kept for `server.keep`",
                "there is no call {:?}",
                options.call
            ));
        }
        (Some(last), others) => {
            let names: Vec<_> =
                others.iter().chain([&last]).map(|entry| format!("{}/{}", entry.call.pbx, entry.call.chain)).collect();
            return Err(miette::miette!(
                help = "write more of it",
                "several calls are called so: {}",
                names.join(", ")
            ));
        }
    };
    if let Some(path) = &options.export {
        return export(&loaded, &reader, options, path, &CallRef::from(&entry.call));
    }
    let document = reader.read(|view| Document::gather(view, &loaded.config, entry));
    let document = document.map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        output::json(&document)?;
    } else {
        print(&document, options.bodies)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what one plugin did in a call to a file.
fn export(
    loaded: &Loaded,
    reader: &Reader,
    options: &Options,
    path: &Path,
    call: &CallRef,
) -> miette::Result<ExitCode> {
    let runs = reader.read(|view| view.runs_of(call)).map_err(|error| miette::miette!("{error}"))?;
    let mut plugins: Vec<&str> = runs.iter().map(|run| run.begun.plugin.as_str()).collect();
    plugins.sort_unstable();
    plugins.dedup();
    let plugin = match (&options.plugin, plugins.as_slice()) {
        (Some(name), all) if all.contains(&name.as_str()) => name.clone(),
        (None, [only]) => (*only).to_owned(),
        (_, all) => {
            let help = format!("--plugin is one of: {}", all.join(", "));
            return Err(miette::miette!(help = help, "which plugin is to be exported?"));
        }
    };
    let own = runs.into_iter().filter(|run| run.begun.plugin == plugin).collect();
    let trace = reader.read(|view| Trace::gather(view, loaded, &plugin, own));
    let mut trace = trace.map_err(|error| miette::miette!("{error}"))?;
    if options.mask {
        trace = trace.masked().map_err(|error| miette::miette!("{error}"))?;
    }
    let text = serde_json::to_string_pretty(&trace).map_err(|error| miette::miette!("{error}"))?;
    std::fs::write(path, text).map_err(|error| miette::miette!("{}: {error}", path.display()))?;
    let count = trace.doings.len();
    output::line(&format!("{}: {count} runs of {plugin}, for `hookswitch plugin replay`", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn print(document: &Document, bodies: bool) -> miette::Result<()> {
    let line = |text: &str| output::line(&output::printable(text));
    let heading = |text: &str| output::line(&output::style(&output::printable(text), Style::Bold));
    heading(&format!("call {} on {}", document.call.chain, document.call.pbx))?;
    for (name, value) in document.summary() {
        line(&format!("  {name:<10} {value}"))?;
    }
    output::line("")?;
    heading("events")?;
    for event in &document.events {
        line(&format!(
            "  {}  leg {}  {:<13} {}",
            runs::clock(&document.zone, event.at),
            event.leg,
            event.what.name(),
            document::detail(event)
        ))?;
    }
    for plugin in &document.plugins {
        output::line("")?;
        print_plugin(document, plugin, bodies)?;
    }
    Ok(())
}

fn print_plugin(document: &Document, plugin: &PluginWork, bodies: bool) -> miette::Result<()> {
    output::line(&output::style(&output::printable(&format!("plugin {}", plugin.name)), Style::Bold))?;
    for run in &plugin.runs {
        run.print(&document.zone, bodies)?;
    }
    let ranking = plugin.dossier.as_ref().and_then(|dossier| dossier.get("ranking")?.as_array());
    for (place, why) in ranking.into_iter().flatten().filter_map(|why| why.as_str()).enumerate() {
        output::line(&output::printable(&format!("  contact {}. {why}", place + 1)))?;
    }
    for job in &plugin.jobs {
        let problem =
            job.problem.as_deref().map(|problem| format!(": {}", output::printable(problem))).unwrap_or_default();
        let (state, tries) = (jobs::state(job.state), jobs::tries(job.attempt));
        output::line(&format!("  job {} {:<8} {state}, {tries}{problem}", job.id, job.kind))?;
        if job.state == State::Parked {
            output::line(&format!("      what can be done: `hookswitch jobs show {}`", job.id))?;
        }
    }
    Ok(())
}
