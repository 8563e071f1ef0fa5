//! Recordings whose time is over.

use std::time::Duration;

use hookswitch_call::Millis;
use hookswitch_journal::{Error, Journal, RecordingId, recordings::Removal};

use super::{Archive, archive::Freed};
use crate::config;

/// So many are looked up at once.
const STEP: u32 = 50;
/// Nothing goes before its time that is younger than this: somebody may be working on it.
const YOUNG: Duration = Duration::from_secs(3600);

/// A file that the journal does not name is left alone until it is so old: it may be about to.
const UNNAMED: Duration = Duration::from_secs(24 * 3600);

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tidied {
    pub(crate) recordings: u64,
    /// What became free on the disk.
    pub(crate) bytes: u64,
}

/// Removes recordings that are old enough, then the oldest as long as there are too many, and files that nobody names.
pub(crate) async fn tidy(
    archive: &Archive,
    journal: &Journal,
    config: &config::Recordings,
    now: Millis,
) -> Result<Tidied, Error> {
    let mut tidied = Tidied::default();
    let (old_before, young_after) = (now.before(config.keep.0), now.before(YOUNG));
    loop {
        let old = journal.read(move |view| view.recordings_to_remove(old_before, STEP)).await?;
        if old.is_empty() {
            break;
        }
        for (id, _) in old {
            tidied.add(remove(archive, journal, id, "its time was over").await?);
        }
    }
    let kept = journal.read(|view| view.recordings_kept()).await?;
    let mut over = kept.bytes.saturating_sub(config.size.0);
    while over > 0 {
        let oldest = journal.read(move |view| view.recordings_to_remove(young_after, STEP)).await?;
        if oldest.is_empty() {
            tracing::warn!(bytes = over, "recordings take more than [recordings] size, and none of them may go");
            break;
        }
        for (id, bytes) in oldest {
            if over == 0 {
                break;
            }
            tidied.add(remove(archive, journal, id, "there was no room for it").await?);
            over = over.saturating_sub(bytes);
        }
    }
    tidied.bytes += archive.sweep(journal, UNNAMED).await?.bytes;
    Ok(tidied)
}

impl Tidied {
    fn add(&mut self, freed: Option<Freed>) {
        self.recordings += u64::from(freed.is_some());
        self.bytes += freed.unwrap_or_default().bytes;
    }
}

/// Removes a recording, its words and its files. None: somebody holds its call.
pub(super) async fn remove(
    archive: &Archive,
    journal: &Journal,
    id: RecordingId,
    why: &str,
) -> Result<Option<Freed>, Error> {
    let why = why.to_owned();
    match journal.write(move |txn| txn.remove_recording(id, &why)).await? {
        Removal::Removed(files) => archive.release(journal, files).await.map(Some),
        Removal::Held => Ok(None),
    }
}
