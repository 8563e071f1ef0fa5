//! What phone systems have recorded: on its way to us, kept, told to plugins, removed.
//!
//! ```text
//! awaited ──▶ fetched ──▶ ready ──▶ removed
//!  │   ▲                               │
//!  ▼   └───────────────────────────────┤
//! given-up ────────────────────────────┘ (somebody asks for it again)
//! ```
//!
//! A recording is awaited from the commit of the event that tells of it. The files themselves lie elsewhere, each under
//! the hash of its content; here is which of them are needed.

mod access;
mod due;
mod holds;
mod removal;
mod words;

use std::fmt;

use hookswitch_call::{Call, Chain, Event, Millis, event::What};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    CallRef, Error, Txn, View,
    column::{Json, Token},
};

pub use access::Access;
pub use due::Kept;
pub use holds::Hold;
pub use removal::Removal;
pub use words::{Progress, Words};

/// Which recording. Later ones have higher ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordingId(pub i64);

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The phone system has it, or will have.
    Awaited,
    /// It is here as it came.
    Fetched,
    /// It is what plugins get.
    Ready,
    /// It could not be had, and nobody tries any more.
    GivenUp,
    /// It was here, and is not any more.
    Removed,
}

impl State {
    /// The token used in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::Awaited => "awaited",
            Self::Fetched => "fetched",
            Self::Ready => "ready",
            Self::GivenUp => "given-up",
            Self::Removed => "removed",
        }
    }
}

/// A recording as the journal knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// The call that it belongs to.
    pub call: CallRef,
    /// How the phone system names it.
    pub source: String,
    /// Which answered part of the call.
    pub leg: u32,
    /// Its place among the files of that part, from 0.
    pub place: u32,
    /// Where it stands.
    pub state: State,
    /// How many tries to fetch it failed.
    pub failures: u32,
    /// When it is looked at next.
    pub due: Millis,
    /// When the event that tells of it happened, or somebody asked for it again.
    pub created: Millis,
    /// Why it is not here.
    pub problem: Option<String>,
    /// SHA-256 of the file as it came, in hexadecimal, as long as that is kept.
    pub original: Option<String>,
    /// SHA-256 of the file that plugins get.
    pub file: Option<String>,
    /// How much it takes on the disk, all its files together.
    pub bytes: u64,
    /// What is known of what plugins get, in the words of the caller.
    pub facts: Option<Value>,
}

/// A file that stands for a part of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which: `left`.
    pub name: String,
    /// SHA-256 of the file.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// As those of the recording.
    pub facts: Value,
}

/// A recording that is ready.
#[derive(Clone, Debug)]
pub struct Ready {
    /// SHA-256 of the file that plugins get.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// What is known of it.
    pub facts: Value,
    /// Files for parts of it.
    pub parts: Vec<Part>,
    /// Whether the file as it came is kept too, where it is another one.
    pub keeps_original: bool,
}

pub(crate) const COLUMNS: &str = "SELECT recordings.id, pbx, chain, source, leg, place, state, failures, due, created,
    problem, original, file, bytes, facts FROM recordings JOIN calls ON calls.id = recordings.call";

impl Txn<'_> {
    /// Notes what a new event of the call `of`, with the row `call`, says of recordings.
    pub(crate) fn hear_of_recordings(&self, call: i64, event: &Event, of: &Call) -> Result<(), Error> {
        let now = of.changed;
        match &event.what {
            What::Recorded { file } => {
                let spoken = of.transcript.is_some() || of.summary.is_some();
                let mut await_it = self.sql.prepare_cached(
                    "INSERT INTO recordings (call, source, leg, place, state, due, created, spoken)
                     SELECT ?1, ?2, ?3, count(*), 'awaited', ?4, ?4,
                       ?5 AND NOT EXISTS (SELECT 1 FROM recordings WHERE call = ?1)
                     FROM recordings WHERE call = ?1 AND leg = ?3 ON CONFLICT DO NOTHING",
                )?;
                await_it.execute(params![call, file, event.leg, now.0, spoken])?;
            }
            What::Transcript { .. } | What::Summary { .. } => {
                // The words of a call are told with its first file that there is or will be.
                let mut mark = self.sql.prepare_cached(
                    "UPDATE recordings SET spoken = 1 WHERE id = (
                       SELECT min(id) FROM recordings WHERE call = ?1 AND state NOT IN ('given-up', 'removed'))",
                )?;
                mark.execute([call])?;
            }
            // Plugins are told of it now.
            What::Ended { .. } | What::Merged { .. } => {
                let mut hurry = self.sql.prepare_cached(
                    "UPDATE recordings SET due = ?2 WHERE call = ?1 AND state = 'ready' AND NOT told",
                )?;
                hurry.execute(params![call, now.0])?;
            }
            _ => {}
        }
        Ok(())
    }

    /// It is here as it came, under this hash. False: it is not awaited any more.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recording_fetched(&self, id: RecordingId, original: &str, bytes: u64, now: Millis) -> Result<bool, Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE recordings SET state = 'fetched', original = ?2, bytes = ?3, due = ?4, failures = 0, problem = NULL
             WHERE id = ?1 AND state = 'awaited'",
        )?;
        Ok(update.execute(params![id.0, original, bytes, now.0])? == 1)
    }

    /// What was fetched under this hash is not where it should be: it is fetched again. False: it is not what is waited for.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recording_lost(&self, id: RecordingId, original: &str, now: Millis) -> Result<bool, Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE recordings SET state = 'awaited', original = NULL, bytes = 0, due = ?3, created = ?3
             WHERE id = ?1 AND state = 'fetched' AND original = ?2",
        )?;
        Ok(update.execute(params![id.0, original, now.0])? == 1)
    }

    /// It is what plugins get. False: it is gone meanwhile.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recording_ready(&self, id: RecordingId, ready: &Ready, now: Millis) -> Result<bool, Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE recordings SET state = 'ready', file = ?2, facts = ?3, due = ?4, failures = 0, problem = NULL,
               bytes = ?5 + iif(?6 AND original <> ?2, bytes, 0), original = iif(?6, original, NULL)
             WHERE id = ?1 AND state = 'fetched'",
        )?;
        let bytes = ready.bytes + ready.parts.iter().map(|part| part.bytes).sum::<u64>();
        let changed =
            update.execute(params![id.0, ready.file, Json(&ready.facts), now.0, bytes, ready.keeps_original])?;
        let mut keep = self.sql.prepare_cached("INSERT OR REPLACE INTO recording_parts VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for part in ready.parts.iter().filter(|_| changed == 1) {
            keep.execute(params![id.0, part.name, part.file, part.bytes, Json(&part.facts)])?;
        }
        Ok(changed == 1)
    }

    /// What was tried did not work; it is looked at again then. `counts`: as a failure.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn put_recording_off(&self, id: RecordingId, due: Millis, problem: &str, counts: bool) -> Result<(), Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE recordings SET due = ?2, problem = ?3, failures = failures + ?4
             WHERE id = ?1 AND state IN ('awaited', 'fetched', 'ready')",
        )?;
        update.execute(params![id.0, due.0, problem, counts])?;
        Ok(())
    }

    /// Nobody tries any more.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn give_recording_up(&self, id: RecordingId, problem: &str) -> Result<(), Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE recordings SET state = 'given-up', problem = ?2 WHERE id = ?1 AND state = 'awaited'",
        )?;
        update.execute(params![id.0, problem])?;
        Ok(())
    }

    /// Somebody wants it fetched, now: again if it was given up or removed. False: it is here.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn await_recording(&self, id: RecordingId, now: Millis) -> Result<bool, Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE recordings SET due = ?2, failures = iif(state = 'awaited', failures, 0),
               created = iif(state = 'awaited', created, ?2), state = 'awaited'
             WHERE id = ?1 AND state IN ('awaited', 'given-up', 'removed')",
        )?;
        Ok(update.execute(params![id.0, now.0])? == 1)
    }

    /// All that are awaited are looked at now.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn hurry_recordings(&self, now: Millis) -> Result<(), Error> {
        let mut update =
            self.sql.prepare_cached("UPDATE recordings SET due = ?1 WHERE state = 'awaited' AND due > ?1")?;
        update.execute([now.0])?;
        Ok(())
    }

    /// Plugins have their jobs.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recording_told(&self, id: RecordingId) -> Result<(), Error> {
        self.sql.prepare_cached("UPDATE recordings SET told = 1 WHERE id = ?1")?.execute([id.0])?;
        Ok(())
    }

    /// Its call turned out to be a part of another one: it belongs there, and whoever held the part holds the whole. False:
    /// the same file is there already, and this one stays where it is.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`].
    pub fn move_recording(&self, id: RecordingId, to: &CallRef) -> Result<bool, Error> {
        let whole = self.row_of_known(to)?;
        let mut hold = self.sql.prepare_cached(
            "INSERT INTO holds SELECT ?2, since, reason FROM holds
             WHERE call = (SELECT call FROM recordings WHERE id = ?1) ON CONFLICT DO NOTHING",
        )?;
        hold.execute(params![id.0, whole])?;
        let mut update = self.sql.prepare_cached(
            "UPDATE OR IGNORE recordings SET call = ?2,
               place = ifnull((SELECT max(place) + 1 FROM recordings AS other
                               WHERE other.call = ?2 AND other.leg = recordings.leg), 0)
             WHERE id = ?1",
        )?;
        Ok(update.execute(params![id.0, whole])? == 1)
    }
}

impl View<'_> {
    /// The recording.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recording(&self, id: RecordingId) -> Result<Option<Recording>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE recordings.id = ?1"))?;
        Ok(find.query_row([id.0], recording).optional()?)
    }

    /// The recordings of a call, in the order of leg and place.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recordings_of(&self, call: &CallRef) -> Result<Vec<Recording>, Error> {
        let mut find = self
            .sql
            .prepare_cached(&format!("{COLUMNS} WHERE pbx = ?1 AND chain = ?2 ORDER BY leg, place, recordings.id"))?;
        let found = find.query_map(params![call.pbx.as_str(), call.chain.as_str()], recording)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Those of calls with this id, at any phone system.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recordings_of_chain(&self, chain: &Chain) -> Result<Vec<Recording>, Error> {
        let mut find =
            self.sql.prepare_cached(&format!("{COLUMNS} WHERE chain = ?1 ORDER BY pbx, leg, place, recordings.id"))?;
        let found = find.query_map([chain.as_str()], recording)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The newest recordings, at most `limit`; of one state if it is given.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn newest_recordings(&self, state: Option<State>, limit: u32) -> Result<Vec<Recording>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE ?1 IS NULL OR state = ?1 ORDER BY recordings.id DESC LIMIT ?2"
        ))?;
        let found = find.query_map(params![state.map(Token), limit], recording)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The files for parts of a recording, by name.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn parts_of(&self, id: RecordingId) -> Result<Vec<Part>, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT part, file, bytes, facts FROM recording_parts WHERE recording = ?1 ORDER BY part",
        )?;
        let found = find.query_map([id.0], |row| {
            let Json(facts) = row.get(3)?;
            Ok(Part { name: row.get(0)?, file: row.get(1)?, bytes: row.get(2)?, facts })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

pub(crate) fn recording(row: &Row<'_>) -> rusqlite::Result<Recording> {
    let Token(state) = row.get("state")?;
    let facts: Option<Json<Value>> = row.get("facts")?;
    Ok(Recording {
        id: RecordingId(row.get("id")?),
        call: CallRef { pbx: row.get::<_, String>("pbx")?.into(), chain: row.get::<_, String>("chain")?.into() },
        source: row.get("source")?,
        leg: row.get("leg")?,
        place: row.get("place")?,
        state,
        failures: row.get("failures")?,
        due: Millis(row.get("due")?),
        created: Millis(row.get("created")?),
        problem: row.get("problem")?,
        original: row.get("original")?,
        file: row.get("file")?,
        bytes: row.get("bytes")?,
        facts: facts.map(|Json(facts)| facts),
    })
}
