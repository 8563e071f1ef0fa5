//! `hookswitch jobs list`.

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, ValueEnum};
use hookswitch_journal::{
    Reader,
    jobs::{Job, JobFilter, State},
};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::{
    cli::{Common, calls::time, output, runs::moment},
    config::{self, Loaded},
};

/// List jobs, newest first. Without --state: those that are not done yet.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch jobs list                                everything that is not done yet
  hookswitch jobs list --state parked --kind write    journal entries that a CRM refused
  hookswitch jobs list --state done --limit 10        what was done last
  hookswitch jobs list --json | jq -r .problem | sort | uniq -c
                                                      which problems there are, and how often")]
pub(super) struct Options {
    /// Only jobs in this state; may be given several times.
    #[arg(long, value_enum)]
    state: Vec<StateArg>,
    /// Only jobs of this plugin.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Only jobs of calls on this phone system.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
    /// Only jobs of this kind: contact, begin, write, update.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateArg {
    Waiting,
    Running,
    Parked,
    Done,
    Skipped,
}

/// One job, as JSON has it. Times are RFC 3339.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) job: i64,
    pub(super) state: &'static str,
    pub(super) plugin: String,
    pub(super) kind: String,
    pub(super) pbx: String,
    pub(super) call: String,
    pub(super) tries: u32,
    /// Tries that failed since it was accepted, or since somebody said `retry`.
    pub(super) failures: u32,
    pub(super) accepted: String,
    /// Not before; of a job that waits.
    pub(super) due: Option<String>,
    /// When it was done, parked or skipped.
    pub(super) finished: Option<String>,
    pub(super) problem: Option<String>,
}

impl From<&Job> for Row {
    fn from(job: &Job) -> Self {
        Self {
            job: job.id.0,
            state: job.state.token(),
            plugin: job.plugin.clone(),
            kind: job.kind.clone(),
            pbx: job.call.pbx.to_string(),
            call: job.call.chain.to_string(),
            tries: job.attempt,
            failures: job.failures,
            accepted: time(job.created),
            due: (job.state == State::Waiting).then(|| time(job.due)),
            finished: job.finished.map(time),
            problem: job.problem.clone(),
        }
    }
}

pub(super) fn run(common: &Common, loaded: &Loaded, options: &Options) -> miette::Result<ExitCode> {
    let states = options.state.iter().map(|state| match state {
        StateArg::Waiting => State::Waiting,
        StateArg::Running => State::Running,
        StateArg::Parked => State::Parked,
        StateArg::Done => State::Done,
        StateArg::Skipped => State::Skipped,
    });
    let states: Vec<State> = states.collect();
    let filter = JobFilter {
        states: if states.is_empty() { vec![State::Waiting, State::Running, State::Parked] } else { states },
        plugin: options.plugin.clone(),
        pbx: options.pbx.clone(),
        kind: options.kind.clone(),
        before: None,
        limit: options.limit,
    };
    let reader = Reader::open(&loaded.resolve(&loaded.config.server.data));
    let reader = reader.map_err(|error| miette::miette!("{error}"))?;
    let found = reader.read(|view| Ok((view.list_jobs(&filter)?, view.count_jobs()?)));
    let (jobs, counts) = found.map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        jobs.iter().try_for_each(|job| output::json(&Row::from(job)))?;
        return Ok(ExitCode::SUCCESS);
    }
    if jobs.is_empty() {
        eprintln!("{}", nothing(options, loaded));
    } else {
        table(&jobs, &loaded.config.server.zone())?;
        output::line("")?;
    }
    summary(counts, loaded)?;
    if jobs.len() as u64 == u64::from(options.limit) {
        eprintln!("there may be more than these {}: `--limit N` shows them", options.limit);
    }
    Ok(ExitCode::SUCCESS)
}

fn table(jobs: &[Job], zone: &TimeZone) -> miette::Result<()> {
    let rows = jobs.iter().map(|job| {
        let cells = vec![
            job.id.to_string(),
            job.state.token().to_owned(),
            job.plugin.clone(),
            job.kind.clone(),
            job.call.chain.to_string(),
            moment(zone, job.created),
            job.attempt.to_string(),
        ];
        (cells, note(job, zone))
    });
    let head = ["JOB", "STATE", "PLUGIN", "KIND", "CALL", "ACCEPTED", "TRIES"];
    output::annotated_table(&head, &rows.collect::<Vec<_>>())
}

/// What is to be said of a job that is in trouble.
fn note(job: &Job, zone: &TimeZone) -> Option<String> {
    let problem = job.problem.as_deref()?.lines().next().unwrap_or_default();
    Some(match job.state {
        State::Waiting => format!("next try {}: {problem}", moment(zone, job.due)),
        _ => problem.to_owned(),
    })
}

/// How much there is to do, per plugin, whatever was asked for.
fn summary(counts: Vec<(String, State, u64)>, loaded: &Loaded) -> miette::Result<()> {
    let parked = counts.iter().any(|(_, state, _)| *state == State::Parked);
    let mut plugins: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (plugin, state, count) in counts {
        plugins.entry(plugin).or_default().push(format!("{count} {state}"));
    }
    for (plugin, counts) in plugins {
        let known = if loaded.config.plugin.contains_key(&plugin) { "" } else { " (not in the configuration)" };
        output::line(&format!("{}: {}{known}", output::printable(&plugin), counts.join(", ")))?;
    }
    if parked {
        eprintln!("parked jobs wait for a decision: `hookswitch jobs show ID`, then `retry ID` or `skip ID`");
    }
    Ok(())
}

/// Why a list is empty.
fn nothing(options: &Options, loaded: &Loaded) -> String {
    let known: Vec<&str> = loaded.config.plugin.keys().map(String::as_str).collect();
    if let Some(plugin) = options.plugin.as_deref().filter(|plugin| !known.contains(plugin)) {
        let near = config::nearest(plugin, &known).map(|near| format!(", did you mean `{near}`?"));
        return format!("there is no plugin `{plugin}`{}", near.unwrap_or_default());
    }
    let narrowed =
        !options.state.is_empty() || options.plugin.is_some() || options.pbx.is_some() || options.kind.is_some();
    let text =
        if narrowed { "no jobs match; `hookswitch jobs list --help` shows the filters" } else { "all work is done" };
    text.to_owned()
}
