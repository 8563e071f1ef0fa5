//! A copy of the journal in one file, and a journal made of such a copy.

mod copy;
mod restore;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use hookswitch_call::Millis;

use crate::{
    Error, Reader,
    file::{beside, sync_directory_of},
};

pub use restore::{RestoreError, Restored, restore};

/// A copy that was made and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// Calls in it.
    pub calls: u64,
    /// Jobs in it.
    pub jobs: u64,
    /// Those of them that are neither done nor skipped.
    pub unfinished: u64,
    /// When a call in it changed last; none if there is no call.
    pub newest: Option<Millis>,
}

/// Why a copy was not made. There is no file with its name then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file must not be overwritten.
    #[error("{} exists already: choose another name, or move that file away", .0.display())]
    Exists(PathBuf),
    /// Another backup writes to the same name.
    #[error("another backup to {} is being made: wait for it, or choose another name", .0.display())]
    Busy(PathBuf),
    /// No space left for the copy.
    #[error("the disk of {} has no space for the copy: free space there, or choose another one", .0.display())]
    Full(PathBuf),
    /// What was copied is damaged.
    #[error("the copy is damaged, and so is probably the journal itself: {detail}")]
    Damaged {
        /// What was found.
        detail: String,
    },
    /// The copy cannot be written.
    #[error("{} cannot be {action}: {source}", .path.display())]
    Path {
        /// Which file or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Copying failed.
    #[error("the journal could not be copied to {}: {source}", .path.display())]
    Copy {
        /// The copy.
        path: PathBuf,
        /// Why.
        source: Error,
    },
}

impl Reader {
    /// Copies the journal as it is now to the new file `to` (mode 0600), while others may go on writing it. `progress` is
    /// told how many pages of how many are copied. The copy is checked before it gets its name, and survives a power cut
    /// when this returns. Blocks the thread for as long as it takes to read and write the whole journal; meanwhile the
    /// journal's log grows with all that is written.
    ///
    /// # Errors
    ///
    /// See [`BackupError`].
    pub fn backup(&self, to: &Path, progress: impl FnMut(u64, u64)) -> Result<Backup, BackupError> {
        let failed = |path: &Path, action| {
            let path = path.to_owned();
            move |source| BackupError::Path { path, action, source }
        };
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(to.to_owned()));
        }
        let part = beside(to, ".part");
        // What a killed backup left behind is used again; the lock tells it from one that runs.
        let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&part);
        let held = open.map_err(failed(&part, "created"))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy(to.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(&part, "locked")(source)),
        }
        let made = self.copy_to(&part, &held, progress).map_err(|error| match error {
            Error::Full => BackupError::Full(part.clone()),
            Error::Damaged { detail } => BackupError::Damaged { detail },
            source => BackupError::Copy { path: part.clone(), source },
        });
        let made = made.and_then(|made| {
            if to.symlink_metadata().is_ok() {
                return Err(BackupError::Exists(to.to_owned()));
            }
            std::fs::rename(&part, to).map_err(failed(to, "given its name"))?;
            sync_directory_of(to).map_err(failed(to, "synced"))?;
            Ok(made)
        });
        if made.is_err()
            && let Err(error) = std::fs::remove_file(&part)
        {
            tracing::warn!(%error, file = %part.display(), "a part of a backup could not be removed");
        }
        made
    }

    fn copy_to(&self, part: &Path, held: &File, progress: impl FnMut(u64, u64)) -> Result<Backup, Error> {
        held.set_len(0).map_err(|error| Error::Disk { detail: error.to_string() })?;
        let source = self.connect()?;
        let backup = copy::copy(&source, part, progress)?;
        held.sync_all().map_err(|error| Error::Disk { detail: error.to_string() })?;
        Ok(backup)
    }
}
