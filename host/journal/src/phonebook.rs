//! Whom CRMs know under which number, as they last said.

use hookswitch_call::Millis;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use crate::{Error, Txn, View, column::Json};

/// What one CRM knows of one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The plugin.
    pub plugin: String,
    /// The number in E.164.
    pub number: String,
    /// When the CRM said it.
    pub found: Millis,
    /// Until when it counts.
    pub expires: Millis,
    /// The contacts, as the program keeps them.
    pub contacts: Value,
}

impl Txn<'_> {
    /// Keeps what a CRM says of a number, in place of what it said before.
    ///
    /// # Errors
    ///
    /// Those of the file; the same holds for what follows.
    pub fn put_known(&self, known: &Known) -> Result<(), Error> {
        let mut put = self.sql.prepare_cached("INSERT OR REPLACE INTO phonebook VALUES (?1, ?2, ?3, ?4, ?5)")?;
        let Known { plugin, number, found, expires, contacts } = known;
        put.execute(params![plugin, number, found.0, expires.0, Json(contacts)])?;
        Ok(())
    }

    /// Forgets what a CRM said of a number.
    pub fn forget_known(&self, plugin: &str, number: &str) -> Result<(), Error> {
        let mut delete = self.sql.prepare_cached("DELETE FROM phonebook WHERE plugin = ?1 AND number = ?2")?;
        delete.execute([plugin, number])?;
        Ok(())
    }
}

impl View<'_> {
    /// What the CRM of `plugin` last said of a number, if that counts still at `now`.
    ///
    /// # Errors
    ///
    /// Those of the file; the same holds for what follows.
    pub fn known(&self, plugin: &str, number: &str, now: Millis) -> Result<Option<Known>, Error> {
        let mut find =
            self.sql.prepare_cached("SELECT * FROM phonebook WHERE plugin = ?1 AND number = ?2 AND expires > ?3")?;
        Ok(find.query_row(params![plugin, number, now.0], known).optional()?)
    }

    /// What all CRMs said that counts still at `now`, by number; of so many numbers, those that were found last.
    pub fn all_known(&self, now: Millis, most: u32) -> Result<Vec<Known>, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT * FROM phonebook WHERE expires > ?1 ORDER BY found DESC, plugin, number LIMIT ?2",
        )?;
        Ok(find.query_map(params![now.0, most], known)?.collect::<Result<_, _>>()?)
    }
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let Json(contacts) = row.get("contacts")?;
    Ok(Known {
        plugin: row.get("plugin")?,
        number: row.get("number")?,
        found: Millis(row.get("found")?),
        expires: Millis(row.get("expires")?),
        contacts,
    })
}
