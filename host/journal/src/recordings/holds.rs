//! Calls that nobody may forget until somebody lets go of them.

use hookswitch_call::Millis;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::{CallRef, Error, Txn, View};

/// Why and since when a call is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since then.
    pub since: Millis,
    /// In the words of whoever holds it.
    pub reason: String,
}

impl Txn<'_> {
    /// Holds a call: neither it nor its recordings are forgotten, be they old or asked to be erased. False: it is held
    /// already; the reason is the new one.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`].
    pub fn hold_call(&self, call: &CallRef, reason: &str, now: Millis) -> Result<bool, Error> {
        let row = self.row_of_known(call)?;
        let known = self.hold_of(call)?.is_some();
        let mut hold = self.sql.prepare_cached(
            "INSERT INTO holds VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET reason = excluded.reason",
        )?;
        hold.execute(params![row, now.0, reason])?;
        Ok(!known)
    }

    /// Lets go of a call. False: it was not held.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`].
    pub fn release_call(&self, call: &CallRef) -> Result<bool, Error> {
        let row = self.row_of_known(call)?;
        Ok(self.sql.prepare_cached("DELETE FROM holds WHERE call = ?1")?.execute([row])? == 1)
    }
}

impl View<'_> {
    /// Whether a call is held, and why.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn hold_of(&self, call: &CallRef) -> Result<Option<Hold>, Error> {
        let Some(row) = self.row_of(call)? else { return Ok(None) };
        let mut find = self.sql.prepare_cached("SELECT since, reason FROM holds WHERE call = ?1")?;
        let read = find.query_row([row], |row| Ok(Hold { since: Millis(row.get(0)?), reason: row.get(1)? }));
        Ok(read.optional()?)
    }
}
