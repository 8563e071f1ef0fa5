//! The users of a CRM and their phones, as they were last fetched.

use hookswitch_call::Millis;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::{Error, Txn, View, column::Json};

/// One user of a CRM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The CRM's id.
    pub id: String,
    /// For people.
    pub name: String,
    /// To map a user where there is no extension; may be empty.
    pub email: String,
    /// The internal numbers entered in the CRM, as spelled there.
    pub extensions: Vec<String>,
    /// Whether the user is shown cards and credited with calls.
    pub active: bool,
}

/// All users of a CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// When they were fetched.
    pub fetched: Millis,
    /// In the order of the CRM.
    pub users: Vec<User>,
}

impl Txn<'_> {
    /// Keeps the users of a plugin's CRM, in place of those before.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn put_directory(&self, plugin: &str, directory: &Directory) -> Result<(), Error> {
        let mut put = self.sql.prepare_cached("INSERT OR REPLACE INTO directories VALUES (?1, ?2, ?3)")?;
        put.execute(params![plugin, directory.fetched.0, Json(&directory.users)])?;
        Ok(())
    }
}

impl View<'_> {
    /// The users of a plugin's CRM; none if they were never fetched.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn directory(&self, plugin: &str) -> Result<Option<Directory>, Error> {
        let mut find = self.sql.prepare_cached("SELECT fetched, record FROM directories WHERE plugin = ?1")?;
        let read = find.query_row([plugin], |row| {
            let Json(users) = row.get(1)?;
            Ok(Directory { fetched: Millis(row.get(0)?), users })
        });
        Ok(read.optional()?)
    }
}
