//! The users of a CRM and their phones, and the people whom a phone system knows: as they were last fetched.

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

/// Whom a phone system knows at an extension.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The extension.
    pub extension: String,
    /// For people; may be empty.
    pub name: String,
    /// May be empty.
    pub email: String,
}

impl Txn<'_> {
    /// Keeps the people of a phone system, in place of those before.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn put_site(&self, pbx: &str, told: Millis, people: &[Person]) -> Result<(), Error> {
        let mut put = self.sql.prepare_cached("INSERT OR REPLACE INTO sites VALUES (?1, ?2, ?3)")?;
        put.execute(params![pbx, told.0, Json(&people)])?;
        Ok(())
    }

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

    /// The people of each phone system, by its name.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn sites(&self) -> Result<Vec<(String, Vec<Person>)>, Error> {
        let mut find = self.sql.prepare_cached("SELECT pbx, record FROM sites ORDER BY pbx")?;
        let read = find.query_map([], |row| {
            let Json(people) = row.get(1)?;
            Ok((row.get(0)?, people))
        })?;
        Ok(read.collect::<Result<_, _>>()?)
    }
}
