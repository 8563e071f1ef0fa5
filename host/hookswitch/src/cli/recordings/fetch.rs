//! `hookswitch recordings fetch`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use hookswitch_journal::{
    Reader, RecordingId,
    recordings::{Recording, State},
};

use super::{all_named, list, open};
use crate::{
    cli::{Common, holder::Holder, output, progress::Progress},
    recordings::{Known, Order},
};

/// Fetch recordings now: what could not be had, what is waited for, or what was removed here and is still at the phone
/// system.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch recordings fetch 17
  hookswitch recordings fetch 1795230418.0          all of a call
  hookswitch recordings fetch --given-up            all that could not be had
  hookswitch recordings fetch --given-up --wait 10m")]
pub(in crate::cli) struct Options {
    /// Recordings or calls, by their ids.
    #[arg(value_name = "ID", required_unless_present = "given_up")]
    ids: Vec<String>,
    /// All that could not be had.
    #[arg(long, conflicts_with = "ids")]
    given_up: bool,
    /// Waits so long until they are here; `0s`: not at all.
    #[arg(long, default_value = "2m", value_name = "TIME", value_parser = humantime::parse_duration)]
    wait: Duration,
}

/// So often it is looked how far they are.
const LOOK: Duration = Duration::from_millis(200);
/// Most that are given up and asked for at once.
const MOST: u32 = 100_000;

pub(super) fn run(common: &Common, Options { ids, given_up, wait }: &Options) -> miette::Result<ExitCode> {
    let (loaded, reader) = open(common)?;
    let wanted = if *given_up {
        let found = reader.read(|view| view.newest_recordings(Some(State::GivenUp), MOST));
        found.map_err(|error| miette::miette!("{error}"))?
    } else {
        all_named(&reader, ids)?
    };
    let ids: Vec<RecordingId> = wanted.iter().map(|recording| recording.id).collect();
    let mut holder = Holder::of(&loaded.resolve(&loaded.config.server.data))?;
    let done = holder.recordings(Order::Fetch(ids.clone()))?;
    let runs = matches!(holder, Holder::Service(_));
    holder.release();
    if done.changed == 0 {
        output::line("all of them are here already")?;
        return Ok(ExitCode::SUCCESS);
    }
    if !runs {
        output::line(&format!("{} recordings are fetched when the service is started", done.changed))?;
        return Ok(ExitCode::SUCCESS);
    }
    let standing = watch(&reader, &ids, *wait)?;
    let here = |recording: &&Recording| recording.state == State::Ready;
    let missing = standing.iter().filter(|recording| !here(recording)).count();
    for recording in &standing {
        print(common, recording)?;
    }
    Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Looks at recordings until nothing more is to be expected of them, or for so long.
fn watch(reader: &Reader, ids: &[RecordingId], wait: Duration) -> miette::Result<Vec<Recording>> {
    let (began, progress) = (Instant::now(), Progress::new());
    loop {
        let mut standing = Vec::new();
        for id in ids {
            let found = reader.read(|view| view.recording(*id)).map_err(|error| miette::miette!("{error}"))?;
            standing.extend(found);
        }
        let under_way = |recording: &&Recording| matches!(recording.state, State::Awaited | State::Fetched);
        let left = standing.iter().filter(under_way).count();
        progress.show(&format!("{} of {} recordings are here", standing.len() - left, standing.len()));
        if left == 0 || began.elapsed() >= wait {
            return Ok(standing);
        }
        std::thread::sleep(LOOK);
    }
}

fn print(common: &Common, recording: &Recording) -> miette::Result<()> {
    if common.json {
        return output::json(recording);
    }
    let known: Option<Known> = recording.facts.clone().and_then(|facts| serde_json::from_value(facts).ok());
    let text = match (recording.state, known) {
        (State::Ready, Some(Known { size, facts })) => {
            let length = facts.duration_ms.map(list::length).unwrap_or_else(|| "length unknown".to_owned());
            format!("{}, {}, {length}", list::size(size), facts.content_type)
        }
        (state, _) => {
            let why = recording.problem.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("{}{why}", state.token())
        }
    };
    output::line(&format!("{}  {}", recording.id, output::printable(&text)))
}
