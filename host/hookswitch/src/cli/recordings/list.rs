//! `hookswitch recordings list`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hookswitch_journal::{
    View,
    recordings::{Access, Hold, Recording, State, Words},
};
use serde::Serialize;

use super::{named, open};
use crate::{
    cli::{Common, calls, output},
    recordings::{Known, transcript},
};

/// List recordings with where they stand, newest first; or those of one call, with what was said and who listened.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch recordings list                        the last 50 recordings
  hookswitch recordings list --state given-up       what could not be fetched, and why
  hookswitch recordings list 1795230418.0           those of one call
  hookswitch recordings list 17 --json              one of them, with its words and who listened")]
pub(in crate::cli) struct Options {
    /// A recording or a call, by its id.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Only those that stand so.
    #[arg(long, value_enum, conflicts_with = "id")]
    state: Option<StateArg>,
    /// At most this many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateArg {
    /// The phone system has it, or will have.
    Awaited,
    /// It is here as it came.
    Fetched,
    /// It is what plugins get.
    Ready,
    /// It could not be had.
    GivenUp,
    /// It was here.
    Removed,
}

impl From<StateArg> for State {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Awaited => Self::Awaited,
            StateArg::Fetched => Self::Fetched,
            StateArg::Ready => Self::Ready,
            StateArg::GivenUp => Self::GivenUp,
            StateArg::Removed => Self::Removed,
        }
    }
}

/// One recording, as JSON has it.
#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    call: String,
    pbx: String,
    source: String,
    leg: u32,
    place: u32,
    state: &'static str,
    problem: Option<String>,
    failures: u32,
    told: String,
    sha256: Option<String>,
    #[serde(flatten)]
    known: Option<Known>,
    words: Option<serde_json::Value>,
    accesses: Vec<Access>,
    held: Option<Hold>,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let (_, reader) = open(common)?;
    let rows = reader.read(|view| {
        let found = match &options.id {
            Some(id) => {
                let (one, of_call) = named(view, id)?;
                one.into_iter().chain(of_call).collect()
            }
            None => view.newest_recordings(options.state.map(State::from), options.limit)?,
        };
        found.into_iter().map(|recording| row(view, recording)).collect::<Result<Vec<_>, _>>()
    });
    let rows = rows.map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        rows.iter().try_for_each(output::json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        output::line("there are none")?;
        return Ok(ExitCode::SUCCESS);
    }
    let cells = rows.iter().map(|row| (cells(row), row.problem.clone())).collect::<Vec<_>>();
    output::annotated_table(&["ID", "CALL", "LEG", "STATE", "LENGTH", "SIZE", "TYPE", "WORDS", "LISTENED"], &cells)?;
    if options.id.is_some() {
        rows.iter().try_for_each(details)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(view: &View<'_>, recording: Recording) -> Result<Row, hookswitch_journal::Error> {
    let Recording { id, call, source, leg, place, state, failures, created, problem, file, facts, .. } = recording;
    // Why it is late matters as long as it is.
    let problem = problem.filter(|_| state != State::Ready);
    Ok(Row {
        id: id.0,
        call: call.chain.to_string(),
        pbx: call.pbx.to_string(),
        source,
        leg,
        place,
        state: state.token(),
        problem,
        failures,
        told: calls::time(created),
        sha256: file,
        known: facts.and_then(|facts| serde_json::from_value(facts).ok()),
        words: view.words_of(id)?.and_then(|words: Words| words.record),
        accesses: view.accesses_to(id)?,
        held: view.hold_of(&call)?,
    })
}

fn cells(row: &Row) -> Vec<String> {
    let facts = row.known.as_ref().map(|known| &known.facts);
    let length = facts.and_then(|facts| facts.duration_ms).map(length).unwrap_or_default();
    let mark = if facts.is_some_and(|facts| facts.damaged) { " (damaged)" } else { "" };
    vec![
        row.id.to_string(),
        row.call.clone(),
        format!("{}-{}", row.leg, row.place),
        if row.held.is_some() { format!("{}, held", row.state) } else { row.state.to_owned() },
        length,
        row.known.as_ref().map(|known| size(known.size)).unwrap_or_default(),
        facts.map(|facts| format!("{}{mark}", facts.content_type)).unwrap_or_default(),
        if row.words.is_some() { "yes".to_owned() } else { String::new() },
        row.accesses.len().to_string(),
    ]
}

/// What there is to say of one recording.
fn details(row: &Row) -> miette::Result<()> {
    if let Some(hold) = &row.held {
        output::line(&format!(
            "\n{}: held since {}: {}",
            row.id,
            calls::time(hold.since),
            output::printable(&hold.reason)
        ))?;
    }
    if let Some(why) = row.known.as_ref().and_then(|known| known.facts.why.as_deref()) {
        output::line(&format!("\n{}: {}", row.id, output::printable(why)))?;
    }
    for access in &row.accesses {
        let Access { at, who, link, status, range } = access;
        output::line(&format!("{} {status} {who} link {link} {}", calls::time(*at), output::printable(range)))?;
    }
    let Some(words) = transcript(row.words.as_ref()) else { return Ok(()) };
    output::line("")?;
    for turn in &words.turns {
        let speaker = if turn.speaker.is_empty() { String::new() } else { format!("{}: ", turn.speaker) };
        let text = format!("{:>7}  {speaker}{}", length(turn.start_ms), turn.text);
        output::line(&output::printable(&text))?;
    }
    if let Some(summary) = &words.summary {
        output::line(&format!("\nin short: {}", output::printable(summary)))?;
    }
    Ok(())
}

/// `3:07`.
pub(super) fn length(ms: u64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1000 % 60)
}

/// `1.4 MiB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes % (1 << 20)) * 10) >> 20),
    }
}
