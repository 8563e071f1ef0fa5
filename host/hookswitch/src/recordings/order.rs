//! What an admin has done about recordings: carried out by the service, or by the command itself where none runs.

use hookswitch_call::Millis;
use hookswitch_journal::{CallRef, Journal, RecordingId};
use serde::{Deserialize, Serialize};

use super::{Archive, remove};

/// What is to be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// They are fetched now, again if they were given up or removed.
    Fetch(Vec<RecordingId>),
    /// Their files and words are removed.
    Erase(Vec<RecordingId>),
    /// The call and its recordings are kept whatever happens.
    Hold { call: CallRef, reason: String },
    /// That is over.
    Release { call: CallRef },
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Done {
    /// About so many recordings, or calls, something was to be done.
    pub(crate) changed: u64,
    /// What became free on the disk.
    pub(crate) bytes: u64,
}

impl Order {
    /// Carries it out. The error is for the admin.
    pub(crate) async fn carry_out(self, archive: &Archive, journal: &Journal, now: Millis) -> Result<Done, String> {
        let told = |error: hookswitch_journal::Error| error.to_string();
        match self {
            Self::Fetch(ids) => {
                let awaited = journal.write(move |txn| {
                    ids.into_iter().map(|id| txn.await_recording(id, now)).collect::<Result<Vec<bool>, _>>()
                });
                let changed = awaited.await.map_err(told)?.into_iter().filter(|awaited| *awaited).count() as u64;
                Ok(Done { changed, bytes: 0 })
            }
            Self::Erase(ids) => {
                let mut done = Done::default();
                for id in ids {
                    let held = journal.read(move |view| match view.recording(id)? {
                        Some(recording) => view.hold_of(&recording.call),
                        None => Ok(None),
                    });
                    if let Some(hold) = held.await.map_err(told)? {
                        return Err(format!("the call of recording {id} is held ({}): release it first", hold.reason));
                    }
                    done.bytes += remove(archive, journal, id, "it was erased").await.map_err(told)?;
                    done.changed += 1;
                }
                Ok(done)
            }
            Self::Hold { call, reason } => {
                let held = journal.write(move |txn| txn.hold_call(&call, &reason, now)).await.map_err(told)?;
                Ok(Done { changed: u64::from(held), bytes: 0 })
            }
            Self::Release { call } => {
                let released = journal.write(move |txn| txn.release_call(&call)).await.map_err(told)?;
                Ok(Done { changed: u64::from(released), bytes: 0 })
            }
        }
    }
}
