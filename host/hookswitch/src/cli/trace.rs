//! `hookswitch trace`.

mod document;

use std::process::ExitCode;

use clap::Args;
use hookswitch_journal::{Reader, jobs::State};

use self::document::{Document, PluginWork};
use super::{
    Common, jobs,
    output::{self, Style},
    runs,
};
use crate::config;

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
  hookswitch trace 1795230418.0 --json     everything, for a program or a bug report")]
pub(super) struct Options {
    /// The call, or the beginning of its name.
    call: String,
    /// Show the bodies of requests and answers too.
    #[arg(long)]
    bodies: bool,
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
    let document = reader.read(|view| Document::gather(view, &loaded.config, entry));
    let document = document.map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        output::json(&document)?;
    } else {
        print(&document, options.bodies)?;
    }
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
