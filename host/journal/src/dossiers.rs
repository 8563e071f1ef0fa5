//! What each plugin's CRM knows of a call, and all that a worker needs to go on with one.

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use crate::{CallRef, Error, Txn, View, calls::Entry, column::Json, jobs::Job};

/// One call at one plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The call.
    pub entry: Entry,
    /// What the plugin's CRM knows of it, as it was put; none if nothing was.
    pub dossier: Option<Value>,
    /// The plugin's jobs for it, in whatever state, oldest first.
    pub jobs: Vec<Job>,
}

impl Txn<'_> {
    /// Keeps what a plugin's CRM knows of a call, in place of what was kept before.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`].
    pub fn put_dossier(&self, call: &CallRef, plugin: &str, dossier: &Value) -> Result<(), Error> {
        let row = self.row_of_known(call)?;
        let mut put = self.sql.prepare_cached("INSERT OR REPLACE INTO dossiers VALUES (?1, ?2, ?3)")?;
        put.execute(params![row, plugin, Json(dossier)])?;
        Ok(())
    }
}

impl View<'_> {
    /// What a plugin's CRM knows of a call, as it was put.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn dossier(&self, call: &CallRef, plugin: &str) -> Result<Option<Value>, Error> {
        let Some(row) = self.row_of(call)? else { return Ok(None) };
        let mut find = self.sql.prepare_cached("SELECT record FROM dossiers WHERE call = ?1 AND plugin = ?2")?;
        let found = find.query_row(params![row, plugin], |row| row.get(0)).optional()?;
        Ok(found.map(|Json(dossier)| dossier))
    }

    /// All that is known of a call at a plugin; none if the call is unknown.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn file_of(&self, call: &CallRef, plugin: &str) -> Result<Option<File>, Error> {
        let Some(entry) = self.call(call)? else { return Ok(None) };
        Ok(Some(File { entry, dossier: self.dossier(call, plugin)?, jobs: self.jobs_at(call, plugin)? }))
    }
}
