//! The file on disk: who may open it, how it is set up, and whether it is whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{
    Error, OpenError, log,
    schema::{self, Format},
};

const FILE: &str = "hookswitch.db";
const LOCK: &str = "hookswitch.lock";

/// How long opening may take for looking at the pages of a large file; what is not reached in this time is found when it
/// is used.
const CHECK_FOR: Duration = Duration::from_millis(500);

/// How long a connection waits for a lock that another one holds. Only recovery after a crash and checkpoints take such
/// locks, for milliseconds.
const BUSY: Duration = Duration::from_secs(5);

/// The one connection that writes, with the lock that makes it the only one. Fields are dropped in this order.
pub(crate) struct Owned {
    pub(crate) connection: Connection,
    _lock: Lock,
}

pub(crate) struct Lock(File);

impl Drop for Lock {
    /// Closing the file is not enough: a process that is just being started holds a copy of the handle until it has
    /// become another program.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of the data directory could not be released");
        }
    }
}

/// Where the journal of a data directory lies.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Opens the journal in `dir` for writing; makes what is missing, converts what is older.
pub(crate) fn own(dir: &Path) -> Result<Owned, OpenError> {
    let lock = lock(dir)?;
    let path = path(dir);
    if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        make(&path)?;
    }
    let refused = |error| refusal(&path, error);
    let (mut connection, format) = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(refused)?;
    let from = match format {
        Format::Foreign => return Err(OpenError::Foreign { path }),
        Format::Journal(found) if found > schema::PRESENT => {
            return Err(OpenError::Newer { path, found, known: schema::PRESENT });
        }
        Format::Journal(found) => found,
        Format::Empty => return Err(OpenError::Damaged { path, detail: "it holds no tables".to_owned() }),
    };
    if let Some(detail) = damage(&mut connection).map_err(refused)? {
        return Err(OpenError::Damaged { path, detail });
    }
    set_up(&connection).and_then(|()| schema::migrate(&mut connection, from)).map_err(refused)?;
    Ok(Owned { connection, _lock: lock })
}

/// Makes an empty journal. It gets its name when it is whole and on disk: a file of this name that is empty, or lacks its
/// tables, has lost something.
fn make(path: &Path) -> Result<(), OpenError> {
    let failed = |path: &Path, action| {
        let path = path.to_owned();
        move |source| OpenError::Path { path, action, source }
    };
    if fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        let detail = "it is gone, and its log (`-wal`) is there".to_owned();
        return Err(OpenError::Damaged { path: path.to_owned(), detail });
    }
    let new = beside(path, ".new");
    // SQLite gives the files beside the database the same permissions as this one has.
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
    let file = file.map_err(failed(path, "created"))?;
    let fill = || -> Result<(), Error> {
        let mut connection = Connection::open_with_flags(&new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Lets retention give pages back to the disk step by step.
        connection.pragma_update(None, "auto_vacuum", "incremental")?;
        schema::migrate(&mut connection, 0)
    };
    fill().map_err(|error| refusal(path, error))?;
    file.sync_all().map_err(failed(path, "created"))?;
    fs::rename(&new, path).map_err(failed(path, "created"))?;
    sync_directory_of(path).map_err(failed(path, "created"))
}

/// Makes names that were given in a file's directory survive a power cut.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

/// The path with something behind its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens a connection that can only read.
pub(crate) fn borrow(dir: &Path) -> Result<Connection, OpenError> {
    let path = path(dir);
    match fs::metadata(&path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::NothingYet { dir: dir.to_owned() });
        }
        Err(source) => return Err(OpenError::Path { path, action: "opened", source }),
    }
    let (connection, format) =
        connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| refusal(&path, error))?;
    match format {
        Format::Journal(schema::PRESENT) => Ok(connection),
        Format::Journal(found) if found > schema::PRESENT => {
            Err(OpenError::Newer { path, found, known: schema::PRESENT })
        }
        Format::Journal(found) => Err(OpenError::Older { path, found, known: schema::PRESENT }),
        Format::Empty => Err(OpenError::Damaged { path, detail: "it holds no tables".to_owned() }),
        Format::Foreign => Err(OpenError::Foreign { path }),
    }
}

/// Another connection that may write to the journal which this process owns.
pub(crate) fn join(dir: &Path) -> Result<Connection, Error> {
    Ok(connect(&path(dir), OpenFlags::SQLITE_OPEN_READ_WRITE)?.0)
}

/// Moves all that the log holds into the database and cuts the log to nothing, on a connection of its own.
pub(crate) fn empty_log(dir: &Path) -> Result<(), Error> {
    let connection = join(dir)?;
    // While it waits for readers the writer waits too: rather many short waits than a long one.
    connection.busy_timeout(Duration::from_millis(50))?;
    let until = Instant::now() + BUSY;
    loop {
        let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !busy {
            return leave_log(&connection, false);
        }
        if Instant::now() >= until {
            return Err(Error::LogInUse);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Takes the lock of the directory, which is made if it is missing: a file of its own, so that readers of the database
/// are not concerned.
pub(crate) fn lock(dir: &Path) -> Result<Lock, OpenError> {
    let failed = |source| OpenError::Path { path: dir.to_owned(), action: "created", source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let path = dir.join(LOCK);
    let failed = |source| OpenError::Path { path: path.clone(), action: "locked", source };
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = open.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            let mut lock = Lock(file);
            lock.0.set_len(0).and_then(|()| write!(lock.0, "{}", std::process::id())).map_err(failed)?;
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let said = file.take(20).read_to_string(&mut holder);
            let process = said.ok().and_then(|_| holder.parse().ok());
            Err(OpenError::InUse { dir: dir.to_owned(), process })
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

pub(crate) fn connect(path: &Path, access: OpenFlags) -> Result<(Connection, Format), Error> {
    // SQLite would take an empty file for a new one, and throw away the log that lies beside it.
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        return Err(Error::Damaged { detail: "it is empty".to_owned() });
    }
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    // No plan depends on a value that is bound later: statements would be planned anew for every new value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    leave_log(&connection, true)?;
    let format = schema::recognise(&connection)?;
    Ok((connection, format))
}

/// Whether the last connection leaves the log as it is when it is closed, instead of moving it into the database: nothing
/// is moved into a file that turns out to be damaged.
fn leave_log(connection: &Connection, leave: bool) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave)?;
    Ok(())
}

fn set_up(connection: &Connection) -> Result<(), Error> {
    leave_log(connection, false)?;
    connection.set_prepared_statement_cache_capacity(100);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is forgotten is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    // After a burst the log's file shrinks to this size again.
    connection.pragma_update(None, "journal_size_limit", i64::from(log::FULL) * 4096)?;
    Ok(())
}

/// Looks for damage, as long as [`CHECK_FOR`] allows. Returns what was found first.
fn damage(connection: &mut Connection) -> Result<Option<String>, Error> {
    let until = Instant::now() + CHECK_FOR;
    connection.progress_handler(10_000, Some(move || Instant::now() >= until))?;
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(None),
        Ok(verdict) => Ok(Some(verdict.replace('\n', " "))),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn refusal(path: &Path, error: Error) -> OpenError {
    let path = path.to_owned();
    match error {
        Error::Damaged { detail } => OpenError::Damaged { path, detail },
        Error::Database(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
            OpenError::Path { path, action: "opened", source: io::Error::other(error) }
        }
        source => OpenError::Journal { path, source },
    }
}
