//! What goes with a recording.

use rusqlite::{OptionalExtension, params};

use super::{Recording, RecordingId};
use crate::{Error, JobId, Txn};

/// What became of a removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Hashes of the files that it does not need any more.
    Removed(Vec<String>),
    /// Its call is held.
    Held,
}

impl Txn<'_> {
    /// Its files are needed no more, unless its call is held. Its words are forgotten: also those that the phone system has
    /// told, and those that plugins were given or have said, in the records of their jobs.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn remove_recording(&self, id: RecordingId, why: &str) -> Result<Removal, Error> {
        let Some(Recording { call, file, original, .. }) = self.recording(id)? else {
            return Ok(Removal::Removed(Vec::new()));
        };
        if self.hold_of(&call)?.is_some() {
            return Ok(Removal::Held);
        }
        let parts = self.parts_of(id)?.into_iter().map(|part| part.file);
        let files = file.into_iter().chain(original).chain(parts).collect();
        let mut update = self.sql.prepare_cached(
            "UPDATE recordings SET state = 'removed', original = NULL, file = NULL, bytes = 0, problem = ?2
             WHERE id = ?1",
        )?;
        update.execute(params![id.0, why])?;
        for forget in [
            "DELETE FROM recording_parts WHERE recording = ?1",
            "DELETE FROM transcripts WHERE recording = ?1",
            // What the phone system has written down is of the whole call, and goes with the first of its files.
            "UPDATE calls SET record = json_set(record, '$.transcript', NULL, '$.summary', NULL)
             WHERE id = (SELECT call FROM recordings WHERE id = ?1)
               AND (record ->> '$.transcript' IS NOT NULL OR record ->> '$.summary' IS NOT NULL)",
            "DELETE FROM runs WHERE id IN (
               SELECT deliveries.run FROM recordings JOIN events ON events.call = recordings.call
                 JOIN deliveries ON deliveries.call = events.call AND events.seq BETWEEN deliveries.first AND deliveries.last
               WHERE recordings.id = ?1 AND events.record ->> '$.event' IN ('transcript', 'summary'))",
            "UPDATE events SET record = json_set(record, '$.text', '')
             WHERE call = (SELECT call FROM recordings WHERE id = ?1)
               AND record ->> '$.event' IN ('transcript', 'summary') AND record ->> '$.text' <> ''",
        ] {
            self.sql.prepare_cached(forget)?.execute([id.0])?;
        }
        self.forget_work_on(id)?;
        Ok(Removal::Removed(files))
    }

    /// A job has ended: if its recording was removed while it ran, what it has noted goes, too.
    pub(crate) fn forget_work_of(&self, job: JobId) -> Result<(), Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT recordings.id FROM jobs JOIN recordings ON recordings.id = jobs.recording
             WHERE jobs.id = ?1 AND recordings.state = 'removed'",
        )?;
        match find.query_row([job.0], |row| row.get(0)).optional()? {
            Some(removed) => self.forget_work_on(RecordingId(removed)),
            None => Ok(()),
        }
    }

    /// The records of jobs about a recording go. One that runs at this moment keeps its own until it ends.
    fn forget_work_on(&self, id: RecordingId) -> Result<(), Error> {
        let mut forget = self.sql.prepare_cached(
            "DELETE FROM runs WHERE job IN (SELECT id FROM jobs WHERE recording = ?1 AND state <> 'running')",
        )?;
        forget.execute([id.0])?;
        self.sql.prepare_cached("UPDATE jobs SET result = NULL WHERE recording = ?1")?.execute([id.0])?;
        Ok(())
    }
}
