//! `hookswitch trace`.

mod document;

use std::process::ExitCode;

use clap::Args;
use hookswitch_journal::Reader;

use self::document::{Document, PluginWork, RequestRow, RunRow};
use super::{
    Common,
    output::{self, Style},
};
use crate::config;

/// Show everything that happened to one call: events, the number as it was read, each plugin function with its requests
/// and their answers, and what became of the work for the CRM.
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
            document.clock(event.at),
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
        print_run(document, run, bodies)?;
    }
    for job in &plugin.jobs {
        let style = match job.state {
            hookswitch_journal::jobs::State::Done => Style::Good,
            hookswitch_journal::jobs::State::Parked => Style::Bad,
            _ => Style::Dim,
        };
        let state = output::style(job.state.token(), style);
        let tries = if job.attempt == 1 { "1 try".to_owned() } else { format!("{} tries", job.attempt) };
        let problem =
            job.problem.as_deref().map(|problem| format!(": {}", output::printable(problem))).unwrap_or_default();
        output::line(&format!("  job {:<8} {state}, {tries}{problem}", job.kind))?;
    }
    Ok(())
}

fn print_run(document: &Document, run: &RunRow, bodies: bool) -> miette::Result<()> {
    let time = run.wall_ms.map_or_else(|| "cut off".to_owned(), |ms| format!("{ms:.1} ms"));
    let outcome = run.outcome.as_deref().unwrap_or("no result");
    let style = if outcome == "ok" { Style::Good } else { Style::Bad };
    let attempt = if run.attempt > 1 { format!(", try {}", run.attempt) } else { String::new() };
    output::line(&format!(
        "  {}  {} {} ({time}{attempt})",
        document.clock(run.started),
        output::printable(&run.function),
        output::style(outcome, style)
    ))?;
    if let Some(problem) = &run.problem {
        for text in problem.lines() {
            output::line(&format!("      {}", output::printable(text)))?;
        }
    }
    run.requests.iter().try_for_each(|request| print_request(document, request, bodies))
}

fn print_request(document: &Document, request: &RequestRow, bodies: bool) -> miette::Result<()> {
    let answer = match (request.status, &request.error) {
        (Some(status), _) => output::style(&status.to_string(), if status < 400 { Style::Good } else { Style::Bad }),
        (None, Some(error)) => output::style(&output::printable(error), Style::Bad),
        (None, None) => output::style("no answer known", Style::Bad),
    };
    let rule =
        request.rule.as_deref().map(|rule| format!(", allowed by {}", output::printable(rule))).unwrap_or_default();
    let total = request
        .timings
        .get("total")
        .and_then(serde_json::Value::as_f64)
        .map(|ms| format!(" in {ms} ms"))
        .unwrap_or_default();
    output::line(&format!(
        "      {}  {} {} ({}) → {answer}{total}{rule}",
        document.clock(request.at),
        request.method,
        output::printable(&request.url),
        request.effect
    ))?;
    if bodies {
        for (mark, body) in [(">", &request.body), ("<", &request.answer)] {
            for text in body.lines() {
                output::line(&output::style(&format!("        {mark} {}", output::printable(text)), Style::Dim))?;
            }
        }
    }
    Ok(())
}
