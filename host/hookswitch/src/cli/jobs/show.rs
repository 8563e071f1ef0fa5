//! `hookswitch jobs show`.

use std::process::ExitCode;

use clap::Args;
use hookswitch_call::Call;
use hookswitch_journal::{
    Error, JobId, Reader, View,
    calls::Entry,
    jobs::{Job, State},
};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::list::Row;
use crate::{
    cli::{
        Common,
        calls::direction,
        output::{self, Style},
        runs::{RunRow, moment},
    },
    config::Loaded,
    control::Client,
};

/// Show a job: its call, each try with each request and its answer, and what can be done now.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch jobs show 12             as `hookswitch jobs list` and `trace` name it
  hookswitch jobs show 12 --bodies    with what was sent and answered
  hookswitch jobs show 12 --json      everything, for a program or a bug report")]
pub(super) struct Options {
    /// The job's number.
    #[arg(value_name = "ID")]
    job: i64,
    /// Show the bodies of requests and answers too.
    #[arg(long)]
    bodies: bool,
}

/// Everything about a job, as JSON has it.
#[derive(Debug, Serialize)]
struct Document {
    job: Row,
    call: Option<Call>,
    number: Option<String>,
    result: Option<serde_json::Value>,
    runs: Vec<RunRow>,
    /// What can be done now.
    next: Vec<Step>,
}

/// A command that leads on from a job in its state.
#[derive(Debug, Serialize)]
struct Step {
    command: String,
    effect: String,
}

pub(super) fn run(common: &Common, loaded: &Loaded, options: &Options) -> miette::Result<ExitCode> {
    let data = loaded.resolve(&loaded.config.server.data);
    let reader = Reader::open(&data).map_err(|error| miette::miette!("{error}"))?;
    // One that cannot be reached is there.
    let served = Client::connect(&data).map_or(true, |client| client.is_some());
    let found = reader.read(|view| gather(view, JobId(options.job)));
    let Some((job, entry, runs)) = found.map_err(|error| miette::miette!("{error}"))? else {
        return Err(miette::miette!(
            help = "`hookswitch jobs list` lists the jobs; they are kept for `server.keep` after their end",
            "there is no job {}",
            options.job
        ));
    };
    let (call, number) = entry.map(|entry| (entry.call, entry.number)).unzip();
    let configured = loaded.config.plugin.contains_key(&job.plugin);
    let document = Document {
        next: next(&job, configured, served),
        number: number.flatten(),
        result: job.result.clone(),
        job: Row::from(&job),
        call,
        runs,
    };
    if common.json {
        output::json(&document)?;
    } else {
        print(&job, &document, &loaded.config.server.zone(), options.bodies)?;
    }
    Ok(ExitCode::SUCCESS)
}

type Found = Option<(Job, Option<Entry>, Vec<RunRow>)>;

fn gather(view: &View<'_>, id: JobId) -> Result<Found, Error> {
    let Some(job) = view.job(id)? else { return Ok(None) };
    let runs = view.runs_of_job(id)?.into_iter().map(|run| RunRow::gather(view, run)).collect::<Result<_, _>>()?;
    let call = view.call(&job.call)?;
    Ok(Some((job, call, runs)))
}

fn print(job: &Job, document: &Document, zone: &TimeZone, bodies: bool) -> miette::Result<()> {
    let heading = |text: &str| output::line(&output::style(&output::printable(text), Style::Bold));
    heading(&format!("job {}: {} for {}", job.id, job.kind, job.plugin))?;
    for (name, value) in facts(job, document, zone) {
        output::line(&format!("  {name:<10} {value}"))?;
    }
    output::line("")?;
    heading("tries")?;
    if document.runs.is_empty() {
        output::line(if job.attempt == 0 {
            "  none yet"
        } else {
            "  their records have been removed (`server.keep`)"
        })?;
    }
    document.runs.iter().try_for_each(|run| run.print(zone, bodies))?;
    output::line("")?;
    heading("what can be done")?;
    let width = document.next.iter().map(|step| step.command.chars().count()).max().unwrap_or_default();
    document.next.iter().try_for_each(|Step { command, effect }| {
        output::line(&format!("  {:<width$}  {}", output::printable(command), output::printable(effect)))
    })
}

fn facts(job: &Job, document: &Document, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let since = match job.state {
        State::Waiting => format!(", due {}", moment(zone, job.due)),
        _ => job.finished.map(|at| format!(" since {}", moment(zone, at))).unwrap_or_default(),
    };
    let mut facts = vec![("state", format!("{}{since}; {}", super::state(job.state), super::tries(job.attempt)))];
    let problem = job.problem.as_deref().map(|problem| output::printable(&problem.replace('\n', " ")));
    facts.extend(problem.map(|problem| ("problem", problem)));
    let about = document.call.as_ref().map(|call| {
        let number = document.number.as_deref().or(call.external.as_deref()).unwrap_or("unknown number");
        let end = call.ended.as_ref().map_or_else(|| call.state.token(), |end| end.outcome.token());
        format!(", {} {number}, {end}", direction(call.direction))
    });
    facts.push(("call", output::printable(&format!("{}{}", job.call, about.unwrap_or_default()))));
    facts.push(("accepted", moment(zone, job.created)));
    facts.extend(job.component.as_ref().map(|hash| ("component", output::cut(&output::printable(hash), 16))));
    facts.extend(document.result.as_ref().map(|result| ("result", output::printable(&result.to_string()))));
    facts
}

/// Commands that lead on from a job in its state.
fn next(job: &Job, configured: bool, served: bool) -> Vec<Step> {
    let id = job.id;
    let step = |command: String, effect: &str| Step { command, effect: effect.to_owned() };
    let retry = || step(format!("hookswitch jobs retry {id}"), "try it again, when the problem is mended");
    let skip = || step(format!("hookswitch jobs skip {id}"), "do without it: the CRM will not have it");
    let start = |effect| step("hookswitch run".to_owned(), effect);
    let add = || step("hookswitch check".to_owned(), "after its plugin was added to the configuration again");
    let mut next = match (job.state, configured) {
        (State::Parked, true) => vec![retry(), skip()],
        (State::Parked | State::Waiting, false) => vec![add(), skip()],
        (State::Waiting, true) if served => vec![skip()],
        (State::Waiting, true) => vec![start("no service runs: start it, and the job is done when it is due"), skip()],
        (State::Running, _) if !served => vec![start("no service runs: the job was cut off and goes on then")],
        (State::Running | State::Done | State::Skipped, _) => Vec::new(),
    };
    next.push(step(format!("hookswitch trace {}", job.call), "everything that happened to the call"));
    next
}
