//! What is to be done about recordings now, and which may go.

use hookswitch_call::Millis;
use rusqlite::params;

use super::{COLUMNS, Recording, RecordingId, State, recording};
use crate::{Error, View, column::Token};

/// What the index is for.
const UNDER_WAY: &str = "(state IN ('awaited', 'fetched') OR (state = 'ready' AND NOT told))";
/// Recordings that nobody waits for, of calls that nobody holds.
const MAY_GO: &str = "(file IS NOT NULL OR original IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.call = recordings.call)
    AND NOT (state IN ('fetched') OR (state = 'ready' AND NOT told))
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.recording = recordings.id AND jobs.state IN ('waiting', 'running', 'parked'))";

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Recordings.
    pub recordings: u64,
    /// On the disk.
    pub bytes: u64,
}

impl View<'_> {
    /// Recordings in `state` that are to be fetched, made what plugins get, or told to plugins, at most `limit`; who waits
    /// longest comes first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recordings_due(&self, state: State, now: Millis, limit: u32) -> Result<Vec<Recording>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE {UNDER_WAY} AND state = ?1 AND due <= ?2 ORDER BY due LIMIT ?3"
        ))?;
        let found = find.query_map(params![Token(state), now.0, limit], recording)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// When something is due next, be it a recording or words; none if nothing is.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn next_due(&self) -> Result<Option<Millis>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "SELECT min(due) FROM (SELECT min(due) AS due FROM recordings WHERE {UNDER_WAY}
             UNION ALL SELECT min(due) FROM transcripts WHERE NOT told)"
        ))?;
        Ok(find.query_row([], |row| row.get::<_, Option<u64>>(0))?.map(Millis))
    }

    /// Recordings with files, from before `before`, that may go, the oldest first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recordings_to_remove(&self, before: Millis, limit: u32) -> Result<Vec<(RecordingId, u64)>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "SELECT id, bytes FROM recordings WHERE {MAY_GO} AND created < ?1 ORDER BY created, id LIMIT ?2"
        ))?;
        let found = find.query_map(params![before.0, limit], |row| Ok((RecordingId(row.get(0)?), row.get(1)?)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// How much is kept.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recordings_kept(&self) -> Result<Kept, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT count(*), ifnull(sum(bytes), 0) FROM recordings WHERE file IS NOT NULL OR original IS NOT NULL",
        )?;
        Ok(find.query_row([], |row| Ok(Kept { recordings: row.get(0)?, bytes: row.get(1)? }))?)
    }

    /// Whether any recording needs the file with this hash.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn needs_file(&self, hash: &str) -> Result<bool, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM recordings WHERE file = ?1) OR EXISTS (SELECT 1 FROM recordings WHERE original = ?1)
             OR EXISTS (SELECT 1 FROM recording_parts WHERE file = ?1)",
        )?;
        Ok(find.query_row([hash], |row| row.get(0))?)
    }
}
