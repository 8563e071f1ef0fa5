//! What came is made what plugins get: in a process of its own, which costs no more than this one recording if it dies.

use std::{ffi::OsString, sync::Arc, time::Duration};

use hookswitch_audio::{Bounds, Channels, Facts, Failure, Wanted};
use hookswitch_call::Millis;
use hookswitch_journal::recordings::{Part, Ready, Recording};

use super::{
    Recordings,
    archive::Scratch,
    fetch::{millis, told},
    file::Known,
};
use crate::{clock, config, service::Service};

/// Without a disk or an encoder, it is tried again after this.
const AGAIN: Duration = Duration::from_secs(60);
/// The hidden command that reads recordings.
pub(crate) const COMMAND: &str = "process-recording";

/// Why a recording is not ready.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the disk does not take it: {0}")]
    Disk(#[from] std::io::Error),
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
        Ok(Known { size, facts }) => {
            let Facts { content_type, duration_ms, damaged, why, .. } = facts;
            tracing::info!(
                %pbx, %call, recording = %id, bytes = size, content_type, duration_ms, damaged, why, "recording ready"
            );
        }
        Err(problem) => {
            tracing::error!(%pbx, %call, recording = %id, error = %problem, "recording not converted; trying again");
            let (due, why) = (Millis(clock::now().0.saturating_add(millis(AGAIN))), problem.to_string());
            told(recordings.journal.write(move |txn| txn.put_recording_off(id, due, &why, true)).await);
        }
    }
    recordings.nudge();
}

async fn attempt(
    recordings: &Recordings,
    recording: &Recording,
    original: &str,
    config: &config::Recordings,
) -> Result<Known, Problem> {
    let whole = made(recordings, original, &config.wanted()).await?;
    let tells_sides = config.speech.is_some() && whole.facts.channels == Some(2) && !whole.facts.damaged;
    let sides = if tells_sides { sides(recordings, recording, original, config).await? } else { Vec::new() };
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
    // The file as it came may be needed no more, and all of them if the recording is gone meanwhile.
    let done = [original.to_owned()].into_iter().chain(made).collect();
    recordings.archive.release(&recordings.journal, done).await?;
    noted?;
    Ok(known)
}

/// A file for each side of the conversation; none where they cannot be told apart.
async fn sides(
    recordings: &Recordings,
    recording: &Recording,
    original: &str,
    config: &config::Recordings,
) -> Result<Vec<(&'static str, Made)>, Problem> {
    let mut sides = Vec::new();
    for (name, channels) in [("left", Channels::Left), ("right", Channels::Right)] {
        match made(recordings, original, &Wanted::Mp3(config.mp3(channels))).await {
            Ok(side) if side.facts.converted => sides.push((name, side)),
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
    let size = tokio::fs::metadata(&input).await?.len();
    let facts = hookswitch_audio::process(&command, wanted, &input, output.path(), &Bounds::default()).await?;
    Ok(Made { facts, output, size })
}

impl Made {
    /// Puts it in its place; its hash and what is known of it.
    async fn keep(self, recordings: &Recordings, original: &str) -> Result<(String, Known), Problem> {
        let Self { facts, output, size } = self;
        if !facts.converted {
            return Ok((original.to_owned(), Known { size, facts }));
        }
        let (hash, size) = recordings.archive.keep(output).await?;
        Ok((hash, Known { size, facts }))
    }
}
