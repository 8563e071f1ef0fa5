//! `hookswitch calls`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hookswitch_call::{Call, Millis, PbxName, event::Outcome, signal::Direction};
use hookswitch_journal::{
    CallRef, Reader, View,
    calls::{Entry, Filter},
    jobs,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{Common, filter, output};
use crate::{config, texts};

/// List recent calls with their outcome, newest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch calls                                 the last 50 calls
  hookswitch calls --since 1h --outcome missed     who reached nobody in the last hour?
  hookswitch calls --number 66969                  calls of numbers that contain these digits
  hookswitch calls --open                          calls that are going on
  hookswitch calls --since 2026-11-01 --limit 10000 --csv > november.csv")]
pub(super) struct Options {
    /// Only calls that ended so.
    #[arg(long, value_enum)]
    outcome: Option<OutcomeArg>,
    /// Only calls that are going on.
    #[arg(long, conflicts_with = "outcome")]
    open: bool,
    /// Only calls in this direction.
    #[arg(long, value_enum)]
    direction: Option<DirectionArg>,
    /// Only calls of this phone system.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
    /// Only calls that began then or later: `1h` (ago), `2026-11-21`, `2026-11-21T09:30`.
    #[arg(long, value_name = "TIME", value_parser = filter::moment)]
    since: Option<Millis>,
    /// Only calls that began before.
    #[arg(long, value_name = "TIME", value_parser = filter::moment)]
    until: Option<Millis>,
    /// Only calls whose outside number contains these digits.
    #[arg(long, value_name = "DIGITS")]
    number: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// Print comma-separated values instead of a table.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OutcomeArg {
    Answered,
    Missed,
    Lost,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DirectionArg {
    Inbound,
    Outbound,
    Internal,
}

/// One call, as JSON and CSV have it. Times are RFC 3339, lengths in seconds.
#[derive(Debug, Serialize)]
struct Row {
    call: String,
    pbx: String,
    started: String,
    direction: Direction,
    number: Option<String>,
    name: String,
    line: String,
    queue: Option<String>,
    state: &'static str,
    outcome: Option<&'static str>,
    reason: Option<&'static str>,
    agent: Option<String>,
    talk_s: u64,
    total_s: u64,
    jobs: String,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    let reader = Reader::open(&data).map_err(|error| miette::miette!("{error}"))?;
    let filter = Filter {
        pbx: options.pbx.as_deref().map(PbxName::from),
        direction: options.direction.map(|direction| match direction {
            DirectionArg::Inbound => Direction::Inbound,
            DirectionArg::Outbound => Direction::Outbound,
            DirectionArg::Internal => Direction::Internal,
        }),
        outcome: options.outcome.map(|outcome| match outcome {
            OutcomeArg::Answered => Outcome::Answered,
            OutcomeArg::Missed => Outcome::Missed,
            OutcomeArg::Lost => Outcome::Lost,
        }),
        open_only: options.open,
        parts: false,
        since: options.since,
        until: options.until,
        number: options.number.clone(),
        limit: options.limit,
    };
    let rows = reader
        .read(|view| view.find_calls(&filter)?.iter().map(|entry| row(view, entry)).collect::<Result<Vec<_>, _>>())
        .map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        rows.iter().try_for_each(output::json)?;
    } else if options.csv {
        csv(&rows)?;
    } else {
        table(&rows, &loaded.config.server.zone())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(view: &View<'_>, Entry { call, number }: &Entry) -> Result<Row, hookswitch_journal::Error> {
    let end = call.ended.as_ref();
    let last = end.map_or(call.changed, |end| end.at);
    Ok(Row {
        call: call.chain.to_string(),
        pbx: call.pbx.to_string(),
        started: time(call.started),
        direction: call.direction,
        number: number.clone().or_else(|| call.external.clone()),
        name: call.external_name.clone(),
        line: call.line.clone(),
        queue: call.queue().map(str::to_owned),
        state: call.state.token(),
        outcome: end.map(|end| end.outcome.token()),
        reason: end.map(|end| end.reason.token()),
        agent: agent(call),
        talk_s: (call.talk_ms(last) + 500) / 1000,
        total_s: (last.since(call.started) + 500) / 1000,
        jobs: work(&view.jobs_of(&CallRef::from(call))?),
    })
}

/// Whose call it is: at its end the one it is credited to, before that whoever talks or rings.
fn agent(call: &Call) -> Option<String> {
    let credited = call.ended.as_ref().and_then(|end| end.credited.as_ref());
    let present = call.agents.iter().find(|agent| agent.is_present()).map(|agent| &agent.extension);
    credited.or(present).map(ToString::to_string)
}

/// How far the work for the CRMs is, in a word or two.
fn work(jobs: &[jobs::Job]) -> String {
    let count = |wanted: &[jobs::State]| jobs.iter().filter(|job| wanted.contains(&job.state)).count();
    let (parked, open) = (count(&[jobs::State::Parked]), count(&[jobs::State::Waiting, jobs::State::Running]));
    match (jobs.len(), parked, open) {
        (0, ..) => "-".to_owned(),
        (_, 0, 0) => "done".to_owned(),
        (_, 0, open) => format!("{open} open"),
        (_, parked, 0) => format!("{parked} parked"),
        (_, parked, open) => format!("{parked} parked, {open} open"),
    }
}

fn table(rows: &[Row], zone: &TimeZone) -> miette::Result<()> {
    let cells = |row: &Row| {
        vec![
            local(&row.started, zone),
            row.call.clone(),
            direction(row.direction).to_owned(),
            row.number.clone().unwrap_or_else(|| "unknown".to_owned()),
            output::cut(&row.name, 24),
            row.agent.clone().unwrap_or_else(|| "-".to_owned()),
            row.outcome.unwrap_or(row.state).to_owned(),
            row.reason.filter(|reason| *reason != "normal").unwrap_or_default().to_owned(),
            texts::minutes(row.talk_s * 1000),
            row.jobs.clone(),
        ]
    };
    if rows.is_empty() {
        eprintln!("no calls match; `hookswitch calls --help` shows the filters");
        return Ok(());
    }
    let head = ["STARTED", "CALL", "DIRECTION", "NUMBER", "NAME", "AGENT", "OUTCOME", "REASON", "TALK", "CRM"];
    output::table(&head, &rows.iter().map(cells).collect::<Vec<_>>())?;
    if rows.iter().any(|row| row.jobs.contains(jobs::State::Parked.token())) {
        eprintln!("parked work waits for a decision: `hookswitch jobs list --state parked`");
    }
    Ok(())
}

fn csv(rows: &[Row]) -> miette::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|error| miette::miette!("cannot write CSV: {error}"))?;
    }
    let bytes = writer.into_inner().map_err(|error| miette::miette!("cannot write CSV: {error}"))?;
    output::line(String::from_utf8_lossy(&bytes).trim_end())
}

/// The direction as people say it.
pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
        Direction::Internal => "internal",
    }
}

/// A moment in RFC 3339, UTC.
pub(super) fn time(at: Millis) -> String {
    let timestamp = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    format!("{timestamp:.3}")
}

fn local(rfc3339: &str, zone: &TimeZone) -> String {
    let at: Result<Timestamp, _> = rfc3339.parse();
    at.map(|at| at.to_zoned(zone.clone()).strftime("%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}
