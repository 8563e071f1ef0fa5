//! What can go wrong, and how to mend it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use rusqlite::ErrorCode;

use crate::{CallRef, JobId, RunId, jobs};

/// Why the journal could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes here.
    #[error(
        "the data directory {} is in use by another hookswitch{}: stop that one first, or give this one its own `data` directory",
        .dir.display(),
        .process.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The other process, where it said who it is.
        process: Option<u32>,
    },
    /// There is no journal: the service never ran with this directory.
    #[error("there is no journal in {}: start `hookswitch run` once, or check `data` in the configuration", .dir.display())]
    NothingYet {
        /// The data directory.
        dir: PathBuf,
    },
    /// The file was written by a later version of this program.
    #[error(
        "{} was written by a newer hookswitch (format {found}, this program knows up to {known}): install that version again, or restore the copy made before the upgrade",
        .path.display()
    )]
    Newer {
        /// The journal's file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// The file was written by an earlier version, and a reader must not convert it.
    #[error(
        "{} has the older format {found} (this program reads {known}): start `hookswitch run` of this version once, it converts the file",
        .path.display()
    )]
    Older {
        /// The journal's file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that this program reads.
        known: u32,
    },
    /// The file is a database of something else.
    #[error("{} is not a journal of hookswitch: move it elsewhere, or choose another `data` directory", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged. It was left exactly as it is.
    #[error(
        "{} is damaged ({detail}) and was left as it is: stop hookswitch, move the file and its `-wal` and `-shm` neighbours to a safe place, then restore a backup, or rescue what can be read with `sqlite3 FILE .recover`",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The directory or file cannot be made, read or written.
    #[error("{} cannot be {action}: {source}; give this user access to it, or choose another `data` directory", .path.display())]
    Path {
        /// Which one.
        path: PathBuf,
        /// What was tried: `created`, `opened` …
        action: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The database could not be used for another reason.
    #[error("{}: {source}", .path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Error,
    },
}

/// Why something could not be written or read. What a failed closure did is undone, and nothing else is.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No space left.
    #[error(
        "the disk that holds the journal is full and nothing was kept: free space there (work goes on by itself), or shorten the retention"
    )]
    Full,
    /// The disk or the file does not take changes.
    #[error(
        "the journal is read-only and nothing was kept: make its disk and file writable again for this user ({detail})"
    )]
    ReadOnly {
        /// In SQLite's words.
        detail: String,
    },
    /// The file is damaged.
    #[error(
        "the journal is damaged ({detail}): stop hookswitch, keep a copy of the file and its `-wal` neighbour, then restore a backup"
    )]
    Damaged {
        /// In SQLite's words.
        detail: String,
    },
    /// The disk failed.
    #[error("the disk that holds the journal failed and nothing was kept ({detail}): check the system's log")]
    Disk {
        /// In SQLite's words.
        detail: String,
    },
    /// Somebody reads an old state.
    #[error(
        "the journal's log cannot be emptied while somebody reads an old state: stop backups and other readers, then try again"
    )]
    LogInUse,
    /// The journal was closed, or its writer is gone.
    #[error("the journal is closed: hookswitch is stopping, or its writer failed and the log says why")]
    Closed,
    /// A stored value does not parse.
    #[error("a record of the journal cannot be read: {detail}; was it written by another version of hookswitch?")]
    Unreadable {
        /// Which column, and why.
        detail: String,
    },
    /// An event was accepted before with the same number and another content.
    #[error("event {seq} of call {call} is in the journal already with other content: events never change")]
    Contradiction {
        /// The call.
        call: CallRef,
        /// The event.
        seq: u64,
    },
    /// An event was handed in with another call than its own.
    #[error("an event of call {event} was handed in with call {call}")]
    Misplaced {
        /// Whose event it is.
        event: CallRef,
        /// With which call it came.
        call: CallRef,
    },
    /// There is no such call.
    #[error("call {0} is not in the journal: it was never accepted, or its time there is over")]
    UnknownCall(CallRef),
    /// There is no such job.
    #[error("job {0} is not in the journal: it never was, or its time there is over")]
    UnknownJob(JobId),
    /// There is no such run or request.
    #[error("request {ordinal} of run {run} is not in the journal: its run was never begun, or its time there is over")]
    UnknownRequest {
        /// The run.
        run: RunId,
        /// The request.
        ordinal: u32,
    },
    /// There is no such run.
    #[error("run {0} is not in the journal: it was never begun, or its time there is over")]
    UnknownRun(RunId),
    /// An invocation that has ended cannot go on.
    #[error("run {0} has ended and cannot be resumed: begin another one")]
    RunEnded(RunId),
    /// The closure panicked.
    #[error(
        "a change or question of the journal panicked ({detail}) and was undone: this is a bug of hookswitch, please report it"
    )]
    Panicked {
        /// Its message.
        detail: String,
    },
    /// A job cannot go from its state to the one wanted.
    #[error("job {job} is {state} and cannot become {wanted}")]
    JobState {
        /// The job.
        job: JobId,
        /// Where it stands.
        state: jobs::State,
        /// Where it was to go.
        wanted: jobs::State,
    },
    /// Anything else that SQLite reports.
    #[error("the journal's database failed: {0}")]
    Database(Arc<rusqlite::Error>),
}

/// Runs `closure`. A panic costs what it was doing, not the thread and with it everybody else's work.
pub(crate) fn unpanicked<T>(closure: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // What the closure left half done lies in the database, and is undone there.
    catch_unwind(AssertUnwindSafe(closure)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let detail = said.unwrap_or("without a message").to_owned();
        tracing::error!(detail, "a closure for the journal panicked");
        Err(Error::Panicked { detail })
    })
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        if matches!(
            error,
            Sql::FromSqlConversionFailure(..) | Sql::InvalidColumnType(..) | Sql::IntegralValueOutOfRange(..)
        ) {
            return Self::Unreadable { detail: error.to_string() };
        }
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { detail },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { detail },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { detail },
            _ => Self::Database(Arc::new(error)),
        }
    }
}
