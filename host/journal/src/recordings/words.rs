//! What was said in a recording: heard by a speech plugin or told by the phone system, summed up, told to plugins.
//!
//! ```text
//! pending ──▶ heard ──▶ whole
//! ```
//!
//! Each of these is followed by jobs, which are made once: until then it is not told.

use hookswitch_call::Millis;
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RecordingId;
use crate::{
    Error, Txn, View,
    column::{Json, Token},
};

/// How far the words of a recording are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Somebody listens, and is to be asked again.
    Pending,
    /// They are there, and may be summed up.
    Heard,
    /// Nothing more comes.
    Whole,
}

/// The words of a recording, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Of which recording.
    pub recording: RecordingId,
    /// How far they are.
    pub progress: Progress,
    /// What the speech plugin knows the work by.
    pub token: Option<String>,
    /// The words, in the words of the caller.
    pub record: Option<Value>,
    /// Whether the jobs that follow from it have been made.
    #[serde(default)]
    pub told: bool,
}

impl Txn<'_> {
    /// Notes how far the words are; jobs that follow from it are made at `due` or later, whatever was told before.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn put_words(&self, words: &Words, due: Millis) -> Result<(), Error> {
        let Words { recording, progress, token, record, told: _ } = words;
        let mut put = self.sql.prepare_cached(
            "INSERT OR REPLACE INTO transcripts (recording, state, due, token, record, told)
             SELECT ?1, ?2, ?3, ?4, ?5, 0 WHERE EXISTS (SELECT 1 FROM recordings WHERE id = ?1 AND state = 'ready')",
        )?;
        put.execute(params![recording.0, Token(progress), due.0, token, record.as_ref().map(Json)])?;
        Ok(())
    }

    /// Jobs that follow from how far the words are have been made.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn words_told(&self, id: RecordingId) -> Result<(), Error> {
        self.sql.prepare_cached("UPDATE transcripts SET told = 1 WHERE recording = ?1")?.execute([id.0])?;
        Ok(())
    }

    /// What the phone system has said of the recording's call is taken over.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn spoken_taken(&self, id: RecordingId) -> Result<(), Error> {
        self.sql.prepare_cached("UPDATE recordings SET spoken = 0 WHERE id = ?1")?.execute([id.0])?;
        Ok(())
    }
}

impl View<'_> {
    /// The words of a recording; none if nobody has listened.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn words_of(&self, id: RecordingId) -> Result<Option<Words>, Error> {
        let mut find = self
            .sql
            .prepare_cached("SELECT recording, state, token, record, told FROM transcripts WHERE recording = ?1")?;
        Ok(find.query_row([id.0], words).optional()?)
    }

    /// Words from which jobs are to follow.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn words_due(&self, now: Millis, limit: u32) -> Result<Vec<Words>, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT recording, state, token, record, told FROM transcripts WHERE NOT told AND due <= ?1 ORDER BY due LIMIT ?2",
        )?;
        let found = find.query_map(params![now.0, limit], words)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Recordings that plugins know of, and whose call's phone system has said words that are not taken over.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn recordings_spoken(&self, limit: u32) -> Result<Vec<RecordingId>, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT id FROM recordings WHERE spoken AND state = 'ready' AND told ORDER BY id LIMIT ?1",
        )?;
        let found = find.query_map([limit], |row| Ok(RecordingId(row.get(0)?)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

fn words(row: &Row<'_>) -> rusqlite::Result<Words> {
    let Token(progress) = row.get(1)?;
    let record: Option<Json<Value>> = row.get(3)?;
    Ok(Words {
        recording: RecordingId(row.get(0)?),
        progress,
        token: row.get(2)?,
        record: record.map(|Json(record)| record),
        told: row.get(4)?,
    })
}
