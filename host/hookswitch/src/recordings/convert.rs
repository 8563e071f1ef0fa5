//! What came is made what plugins get: in a process of its own, which costs no more than this one recording if it dies.

use std::{ffi::OsString, io, sync::Arc, time::Duration};

use hookswitch_audio::{Bounds, Channels, Facts, Failure, Mp3, Wanted};
use hookswitch_call::Millis;
use hookswitch_journal::recordings::{Part, Ready, Recording};

use super::{
    Recordings,
    archive::{Scratch, Whole},
    fetch::told,
    file::Known,
};
use crate::{
    clock,
    config::{self, Span},
    retry::Retry,
    service::Service,
};

/// How long is waited after failures: for a disk, for an encoder.
const WAITS: Retry =
    Retry { tries: u32::MAX, first: Span(Duration::from_secs(60)), longest: Span(Duration::from_secs(600)) };
/// The hidden command that reads recordings.
pub(crate) const COMMAND: &str = "process-recording";

/// Why a recording is not ready.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the disk does not take it: {0}")]
    Disk(#[from] io::Error),
    #[error("the file as it came is not there any more")]
    Missing,
    #[error("the journal does not take it: {0}")]
    Journal(#[from] hookswitch_journal::Error),
}

/// Makes of `recording`, whose file is `original`, what plugins get, and writes down what came of it.
pub(super) async fn convert(
    service: Arc<Service>,
    recordings: Arc<Recordings>,
    recording: Recording,
    original: String,
) {
    let config = service.loaded().await.config.recordings.clone().unwrap_or_default();
    let (pbx, call, id) = (&recording.call.pbx, &recording.call.chain, recording.id);
    match attempt(&recordings, &recording, &original, &config).await {
        Ok(Some(Known { size, facts })) => {
            let Facts { content_type, duration_ms, damaged, why, .. } = facts;
            tracing::info!(
                %pbx, %call, recording = %id, bytes = size, content_type, duration_ms, damaged, why, "recording ready"
            );
        }
        Ok(None) => tracing::info!(%pbx, %call, recording = %id, "recording converted, and not wanted any more"),
        Err(problem @ Problem::Missing) => {
            tracing::error!(%pbx, %call, recording = %id, error = %problem, "recording not converted; fetching it again");
            let now = clock::now();
            told(recordings.journal.write(move |txn| txn.recording_lost(id, &original, now)).await);
        }
        Err(problem) => {
            let why = problem.to_string();
            if recording.problem.as_ref() == Some(&why) {
                tracing::debug!(%pbx, %call, recording = %id, error = why, "recording not converted, as before");
            } else {
                tracing::error!(%pbx, %call, recording = %id, error = why, "recording not converted; trying again");
            }
            let due = later(&recording);
            told(recordings.journal.write(move |txn| txn.put_recording_off(id, due, &why, true)).await);
        }
    }
    recordings.nudge();
}

/// When it is tried again.
fn later(recording: &Recording) -> Millis {
    let after = WAITS.wait(recording.failures + 1, &mut fastrand::Rng::new());
    clock::now().after(after)
}

/// What is known of what plugins get; none if the recording is gone meanwhile.
async fn attempt(
    recordings: &Recordings,
    recording: &Recording,
    original: &str,
    config: &config::Recordings,
) -> Result<Option<Known>, Problem> {
    let wanted = config.wanted();
    let whole = made(recordings, original, &wanted).await?;
    let sides = match config.speech {
        Some(_) if !whole.facts.damaged => {
            // Who wants one channel for the CRMs has two at the phone system perhaps.
            let channels = match &wanted {
                Wanted::Mp3(Mp3 { channels: Channels::Mix, .. }) => {
                    made(recordings, original, &Wanted::Original).await?.facts.channels
                }
                _ => whole.facts.channels,
            };
            if channels == Some(2) { sides(recordings, recording, original, config).await? } else { Vec::new() }
        }
        _ => Vec::new(),
    };
    let whole = whole.finished().await?;
    // Nobody may remove a file between its place and the journal.
    let alone = recordings.archive.moving().await;
    let (file, known) = whole.keep(recordings, original).await?;
    let mut parts = Vec::new();
    for (name, side) in sides {
        let (file, known) = side.keep(recordings, original).await?;
        let facts = serde_json::to_value(&known).unwrap_or_default();
        parts.push(Part { name: name.to_owned(), file, bytes: known.size, facts });
    }
    let made: Vec<String> = [&file].into_iter().chain(parts.iter().map(|part| &part.file)).cloned().collect();
    let facts = serde_json::to_value(&known).unwrap_or_default();
    let ready = Ready { file, bytes: known.size, facts, parts, keeps_original: config.keep_original };
    let (id, now) = (recording.id, clock::now());
    let noted = recordings.journal.write(move |txn| txn.recording_ready(id, &ready, now)).await;
    drop(alone);
    // The file as it came may be needed no more, and all of them if the recording is gone meanwhile. What stays although
    // nobody names it goes with the next clearing up.
    let done = [original.to_owned()].into_iter().chain(made).collect();
    told(recordings.archive.release(&recordings.journal, done).await);
    Ok(noted?.then_some(known))
}

/// A file for each side of the conversation; none where they cannot be told apart.
async fn sides(
    recordings: &Recordings,
    recording: &Recording,
    original: &str,
    config: &config::Recordings,
) -> Result<Vec<(&'static str, Finished)>, Problem> {
    let mut sides = Vec::new();
    for (name, channels) in [("left", Channels::Left), ("right", Channels::Right)] {
        match made(recordings, original, &Wanted::Mp3(config.mp3(channels))).await {
            Ok(side) if side.facts.converted => sides.push((name, side.finished().await?)),
            // One side alone would be half of a conversation.
            Ok(_) => return Ok(Vec::new()),
            Err(Problem::Failure(error)) => {
                tracing::warn!(recording = %recording.id, %error, "the sides of a recording are not told apart");
                return Ok(Vec::new());
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok(sides)
}

/// What was made of a file: another one, or only what is known of it.
struct Made {
    facts: Facts,
    output: Scratch,
    /// Of the file that it was made of.
    size: u64,
}

async fn made(recordings: &Recordings, original: &str, wanted: &Wanted) -> Result<Made, Problem> {
    let (input, output) = (recordings.archive.path(original), recordings.archive.scratch());
    let program = std::env::current_exe().map_err(Failure::Start)?;
    let command: [OsString; 2] = [program.into(), COMMAND.into()];
    let size = match tokio::fs::metadata(&input).await {
        Ok(input) => input.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Problem::Missing),
        Err(error) => return Err(error.into()),
    };
    let facts = hookswitch_audio::process(&command, wanted, &input, output.path(), &Bounds::default()).await?;
    Ok(Made { facts, output, size })
}

impl Made {
    /// It is on the disk when this returns.
    async fn finished(self) -> io::Result<Finished> {
        let Self { facts, output, size } = self;
        let file = if facts.converted { Some(output.whole().await?) } else { None };
        Ok(Finished { facts, file, size })
    }
}

/// What was made of a file, ready to be put in its place.
struct Finished {
    facts: Facts,
    /// None: only what is known of it.
    file: Option<Whole>,
    /// Of the file that it was made of.
    size: u64,
}

impl Finished {
    /// Puts it in its place; its hash and what is known of it.
    async fn keep(self, recordings: &Recordings, original: &str) -> io::Result<(String, Known)> {
        let Self { facts, file, size } = self;
        let (hash, size) = match file {
            Some(file) => recordings.archive.keep(file).await?,
            None => (original.to_owned(), size),
        };
        Ok((hash, Known { size, facts }))
    }
}
