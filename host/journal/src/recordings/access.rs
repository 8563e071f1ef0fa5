//! Who listened to what, and which links have worked.

use hookswitch_call::Millis;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::RecordingId;
use crate::{Error, Txn, View};

/// Of one recording so many are kept, the newest.
const MOST: u32 = 1000;

/// One time that somebody asked for a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// When.
    pub at: Millis,
    /// From which address.
    pub who: String,
    /// By which link, in a few characters that do not give it away.
    pub link: String,
    /// How it was answered, in HTTP's numbers.
    pub status: u16,
    /// Which part was asked for, as it was asked; empty for all of it.
    pub range: String,
}

impl Txn<'_> {
    /// Uses a link that works once, up. False: it has worked before.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn use_link(&self, nonce: &str, expires: Millis, now: Millis) -> Result<bool, Error> {
        // What has expired works no more in any case.
        self.sql.prepare_cached("DELETE FROM used_links WHERE expires <= ?1")?.execute([now.0])?;
        let mut insert = self.sql.prepare_cached("INSERT INTO used_links VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
        Ok(insert.execute(params![nonce, expires.0])? == 1)
    }

    /// Notes that somebody asked for a recording.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn note_access(&self, id: RecordingId, access: &Access) -> Result<(), Error> {
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO accesses (recording, at, who, link, status, range)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM recordings WHERE id = ?1)",
        )?;
        insert.execute(params![id.0, access.at.0, access.who, access.link, access.status, access.range])?;
        let mut forget = self.sql.prepare_cached(
            "DELETE FROM accesses WHERE recording = ?1 AND id <= (
               SELECT id FROM accesses WHERE recording = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?;
        forget.execute(params![id.0, MOST])?;
        Ok(())
    }
}

impl View<'_> {
    /// Who asked for a recording, the oldest first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn accesses_to(&self, id: RecordingId) -> Result<Vec<Access>, Error> {
        let mut find = self
            .sql
            .prepare_cached("SELECT at, who, link, status, range FROM accesses WHERE recording = ?1 ORDER BY id")?;
        let found = find.query_map([id.0], |row| {
            Ok(Access {
                at: Millis(row.get(0)?),
                who: row.get(1)?,
                link: row.get(2)?,
                status: row.get(3)?,
                range: row.get(4)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}
