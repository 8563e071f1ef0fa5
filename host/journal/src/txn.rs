//! What a closure gets to work with.

use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension, params};

use crate::{CallRef, Error};

/// One consistent state of the journal, to ask questions of.
pub struct View<'a> {
    pub(crate) sql: &'a Connection,
}

/// Changes that are kept together or not at all. It sees what was written before it, and its own changes.
pub struct Txn<'a> {
    view: View<'a>,
}

impl<'a> Txn<'a> {
    pub(crate) fn new(sql: &'a Connection) -> Self {
        Self { view: View { sql } }
    }
}

impl<'a> Deref for Txn<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl View<'_> {
    /// The row of a call.
    pub(crate) fn row_of(&self, call: &CallRef) -> Result<Option<i64>, Error> {
        let mut find = self.sql.prepare_cached("SELECT id FROM calls WHERE pbx = ?1 AND chain = ?2")?;
        Ok(find.query_row(params![call.pbx.as_str(), call.chain.as_str()], |row| row.get(0)).optional()?)
    }

    /// The row of a call that must be there.
    pub(crate) fn row_of_known(&self, call: &CallRef) -> Result<i64, Error> {
        self.row_of(call)?.ok_or_else(|| Error::UnknownCall(call.clone()))
    }
}
