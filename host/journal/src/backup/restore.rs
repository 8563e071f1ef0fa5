//! Putting a copy in the place of a journal.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::OpenFlags;

use super::{Backup, copy};
use crate::{
    Error, OpenError,
    file::{self, beside, sync_directory_of},
    schema::{self, Format},
};

/// A journal that was put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What is in it.
    pub backup: Backup,
    /// The format of the copy. One that is older than this program's is converted when the service starts.
    pub format: u32,
    /// What was there before, under its new name (its log, if it has one, lies beside it); none if nothing was there.
    pub replaced: Option<PathBuf>,
}

/// Why nothing was restored. The data directory holds what it held before.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The data directory cannot be taken: a service runs with it ([`OpenError::InUse`]), or it cannot be made.
    #[error(transparent)]
    Directory(#[from] OpenError),
    /// A journal is there, and nobody said that it is to be replaced.
    #[error(
        "there is a journal already: {}; restore to another `data` directory, or say `--replace` (that one is kept beside it then)",
        .0.display()
    )]
    Exists(PathBuf),
    /// The journal that is there is being read.
    #[error("{} is being read: let other commands of hookswitch end, then try again", .0.display())]
    InUse(PathBuf),
    /// The copy, or the journal that is there, cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// The copy is a file of something else.
    #[error("{} is not a journal of hookswitch: name a file that `hookswitch backup` made", .0.display())]
    Foreign(PathBuf),
    /// The copy was made by a later version of this program.
    #[error(
        "{} was made by a newer hookswitch (format {found}, this program knows up to {known}): restore it with that version",
        .path.display()
    )]
    Newer {
        /// The copy.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// The copy is damaged.
    #[error("{} is damaged ({detail}): take another copy", .path.display())]
    Damaged {
        /// The copy.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// No space left.
    #[error("the disk of {} has no space for the journal: free space there", .0.display())]
    Full(PathBuf),
    /// A file cannot be written.
    #[error("{} cannot be {action}: {source}", .path.display())]
    Path {
        /// Which file or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// Makes the copy `from` the journal of the data directory `dir`, which is made if it is missing. With `replace`, a
/// journal that is there is kept beside it under a name with the time; without, it is not touched. The copy is checked
/// from its first page to its last before anything is changed, and at every moment the directory holds one whole journal,
/// the old one or the new one.
///
/// # Errors
///
/// See [`RestoreError`].
pub fn restore(from: &Path, dir: &Path, replace: bool) -> Result<Restored, RestoreError> {
    let _lock = file::lock(dir)?;
    let path = file::path(dir);
    let there = path.symlink_metadata().is_ok();
    if there && !replace {
        return Err(RestoreError::Exists(path));
    }
    let fresh = beside(&path, ".restoring");
    let made = make(from, &fresh).and_then(|(backup, format)| {
        let replaced = if there { Some(keep(dir, &path)?) } else { None };
        fs::rename(&fresh, &path).map_err(failed(&path, "put in place"))?;
        sync_directory_of(&path).map_err(failed(dir, "synced"))?;
        Ok(Restored { backup, format, replaced })
    });
    if made.is_err()
        && fresh.exists()
        && let Err(error) = fs::remove_file(&fresh)
    {
        tracing::warn!(%error, file = %fresh.display(), "a part of a restored journal could not be removed");
    }
    made
}

/// Copies `from` to `fresh` and checks it there.
fn make(from: &Path, fresh: &Path) -> Result<(Backup, u32), RestoreError> {
    let path = || from.to_owned();
    let refused = |error| match error {
        Error::Full => RestoreError::Full(fresh.to_owned()),
        Error::Damaged { detail } => RestoreError::Damaged { path: path(), detail },
        source => RestoreError::Unreadable { path: path(), source },
    };
    // SQLite does not say why a file cannot be opened.
    File::open(from).map_err(failed(from, "opened"))?;
    let (source, format) = file::connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(refused)?;
    let format = match format {
        Format::Journal(found) if found > schema::PRESENT => {
            return Err(RestoreError::Newer { path: path(), found, known: schema::PRESENT });
        }
        Format::Journal(found) => found,
        Format::Empty | Format::Foreign => return Err(RestoreError::Foreign(path())),
    };
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(fresh);
    let file = file.map_err(failed(fresh, "created"))?;
    let backup = copy::copy(&source, fresh, |_, _| {}).map_err(refused)?;
    file.sync_all().map_err(failed(fresh, "synced"))?;
    Ok((backup, format))
}

/// Gives the journal in `dir` a second name, and takes its log away from the first: what is put in its place must not
/// find it.
fn keep(dir: &Path, path: &Path) -> Result<PathBuf, RestoreError> {
    // Leaves nothing in the log. That of a damaged file cannot be emptied and goes with it.
    match file::empty_log(dir) {
        Err(Error::LogInUse) => return Err(RestoreError::InUse(path.to_owned())),
        Err(source @ (Error::Full | Error::ReadOnly { .. } | Error::Disk { .. })) => {
            return Err(RestoreError::Unreadable { path: path.to_owned(), source });
        }
        Ok(()) | Err(_) => {}
    }
    let name = format!("replaced-{}-", Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ"));
    let kept = prefixed(path, &name);
    fs::hard_link(path, &kept).map_err(failed(&kept, "made as a second name of the old journal"))?;
    for log in ["-wal", "-shm"] {
        match fs::rename(beside(path, log), beside(&kept, log)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&beside(path, log), "moved")(error));
            }
            _ => {}
        }
    }
    sync_directory_of(path).map_err(failed(dir, "synced"))?;
    Ok(kept)
}

/// The name of `path` with something before it.
fn prefixed(path: &Path, prefix: &str) -> PathBuf {
    let mut name = OsString::from(prefix);
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::Path { path, action, source }
}
