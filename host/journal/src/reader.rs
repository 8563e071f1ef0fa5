//! Reading, without ever waiting for the writer.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rusqlite::Connection;

use crate::{Error, OpenError, View, file};

/// Connections kept open for the next question.
const IDLE: usize = 4;

/// Looks into a journal that another process may be writing at this moment.
pub struct Reader {
    dir: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// Opens the journal in the data directory `dir`. Changes nothing there.
    ///
    /// # Errors
    ///
    /// [`OpenError::NothingYet`] if the service never ran with this directory; see there for the others.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let connection = file::borrow(dir)?;
        Ok(Self { dir: dir.to_owned(), idle: Mutex::new(vec![connection]) })
    }

    /// Answers questions from one consistent state: the one that is committed when the first question is asked. Blocks
    /// the thread while the disk is read.
    ///
    /// # Errors
    ///
    /// Those of `questions`, and of the file.
    pub fn read<T>(&self, questions: impl FnOnce(&View<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let spare = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match spare {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let snapshot = connection.unchecked_transaction()?;
        let answer = questions(&View { sql: &snapshot })?;
        drop(snapshot);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// Another connection.
    pub(crate) fn connect(&self) -> Result<Connection, Error> {
        file::borrow(&self.dir).map_err(|error| match error {
            OpenError::Journal { source, .. } => source,
            OpenError::Damaged { detail, .. } => Error::Damaged { detail },
            other => Error::Disk { detail: other.to_string() },
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Closes the connections that are not in use.
    pub(crate) fn rest(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("dir", &self.dir).finish_non_exhaustive()
    }
}
