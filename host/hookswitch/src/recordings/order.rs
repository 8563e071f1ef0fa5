//! What an admin has done about recordings: carried out by the service, or by the command itself where none runs.

use hookswitch_call::Millis;
use hookswitch_journal::{CallRef, Error, Journal, RecordingId, View};
use serde::{Deserialize, Serialize};

use super::{Archive, archive::Freed, removal::remove};

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
        let told = |error: Error| error.to_string();
        match self {
            Self::Fetch(ids) => {
                let awaited = journal.write(move |txn| {
                    ids.into_iter().map(|id| txn.await_recording(id, now)).collect::<Result<Vec<bool>, _>>()
                });
                let changed = awaited.await.map_err(told)?.into_iter().filter(|awaited| *awaited).count() as u64;
                Ok(Done { changed, bytes: 0 })
            }
            Self::Erase(ids) => erase(ids, archive, journal).await,
            Self::Hold { call, reason } => {
                let held = journal.write(move |txn| txn.hold_call(&whole(txn, call)?, &reason, now));
                Ok(Done { changed: u64::from(held.await.map_err(told)?), bytes: 0 })
            }
            Self::Release { call } => {
                let released = journal.write(move |txn| txn.release_call(&whole(txn, call)?));
                Ok(Done { changed: u64::from(released.await.map_err(told)?), bytes: 0 })
            }
        }
    }
}

/// The call that this one has become a part of, where its recordings are.
fn whole(view: &View<'_>, call: CallRef) -> Result<CallRef, Error> {
    let into = view.call(&call)?.and_then(|entry| entry.call.merged_into);
    Ok(into.map_or_else(|| call.clone(), |chain| CallRef { chain, ..call.clone() }))
}

/// All of them, or none if one of the calls is held.
async fn erase(ids: Vec<RecordingId>, archive: &Archive, journal: &Journal) -> Result<Done, String> {
    let told = |error: Error| error.to_string();
    let asked = ids.clone();
    let held = journal.read(move |view| {
        for id in asked {
            let Some(recording) = view.recording(id)? else { continue };
            if let Some(hold) = view.hold_of(&recording.call)? {
                return Ok(Some((id, hold.reason)));
            }
        }
        Ok(None)
    });
    if let Some((id, reason)) = held.await.map_err(told)? {
        return Err(format!("the call of recording {id} is held ({reason}): release it first; nothing is erased"));
    }
    let (mut changed, mut freed) = (0, Freed::default());
    for id in ids {
        if let Some(removed) = remove(archive, journal, id, "it was erased").await.map_err(told)? {
            changed += 1;
            freed += removed;
        }
    }
    if changed > 0 {
        journal.empty_log().await.map_err(|error| format!("erased, but not yet out of the journal's log: {error}"))?;
    }
    freed.all_gone()?;
    Ok(Done { changed, bytes: freed.bytes })
}
