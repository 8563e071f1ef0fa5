//! What is still to be done, read quickly: after a restart there may be 100,000 of these.

use hookswitch_call::Millis;
use rusqlite::{OptionalExtension, Row};

use super::{JobId, State};
use crate::{CallRef, Error, RecordingId, View, column::Token};

/// A job without what only its turn needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its id.
    pub id: JobId,
    /// The call that it is about.
    pub call: CallRef,
    /// What is to be done.
    pub kind: String,
    /// The recording that it is about, if it is about one.
    pub recording: Option<RecordingId>,
    /// Where it stands.
    pub state: State,
    /// When it may run.
    pub due: Millis,
    /// As in [`Job`](super::Job).
    pub attempt: u32,
    /// As in [`Job`](super::Job).
    pub failures: u32,
    /// When it was accepted.
    pub created: Millis,
    /// The number of the call's outside party in E.164, if it has one.
    pub number: Option<String>,
}

const COLUMNS: &str = "SELECT jobs.id, pbx, chain, kind, state, due, attempt, failures, created, number, recording
    FROM jobs JOIN calls ON calls.id = jobs.call";

impl View<'_> {
    /// Every job of a plugin that waits or runs, ordered by the age of the calls in the journal, then by id.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn backlog(&self, plugin: &str) -> Result<Vec<Head>, Error> {
        // The first condition is that of the index.
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE plugin = ?1 AND state IN ('waiting', 'running', 'parked') AND state <> 'parked'
             ORDER BY call, jobs.id"
        ))?;
        let found = find.query_map([plugin], head)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The job.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn head(&self, id: JobId) -> Result<Option<Head>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE jobs.id = ?1"))?;
        Ok(find.query_row([id.0], head).optional()?)
    }

    /// The plugins that have jobs which wait, run or are parked, in the order of their names, with the numbers of these.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn plugins_with_backlog(&self) -> Result<Vec<(String, u64)>, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT plugin, count(*) FROM jobs WHERE state IN ('waiting', 'running', 'parked')
             GROUP BY plugin ORDER BY plugin",
        )?;
        let found = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// How many jobs of each plugin wait, run and are parked, in the order of plugins and states; what there is none of
    /// is left out.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn count_jobs(&self) -> Result<Vec<(String, State, u64)>, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT plugin, state, count(*) FROM jobs WHERE state IN ('waiting', 'running', 'parked')
             GROUP BY plugin, state
             ORDER BY plugin, CASE state WHEN 'waiting' THEN 1 WHEN 'running' THEN 2 ELSE 3 END",
        )?;
        let found = find.query_map([], |row| {
            let Token(state) = row.get(1)?;
            Ok((row.get(0)?, state, row.get(2)?))
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

/// By position, for there may be very many.
fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    let Token(state) = row.get(4)?;
    Ok(Head {
        id: JobId(row.get(0)?),
        call: CallRef { pbx: row.get::<_, String>(1)?.into(), chain: row.get::<_, String>(2)?.into() },
        kind: row.get(3)?,
        state,
        due: Millis(row.get(5)?),
        attempt: row.get(6)?,
        failures: row.get(7)?,
        created: Millis(row.get(8)?),
        number: row.get(9)?,
        recording: row.get::<_, Option<i64>>(10)?.map(RecordingId),
    })
}
