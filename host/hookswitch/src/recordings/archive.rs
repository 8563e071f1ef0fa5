//! The files: each under the hash of its content, so that what is there is whole and what is the same is there once.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use hookswitch_journal::{Error, Journal};
use sha2::{Digest, Sha256};
use tokio::{
    fs::File,
    io::{AsyncWrite, AsyncWriteExt},
    sync::{Mutex, MutexGuard},
};

/// Below `data`.
const FOLDER: &str = "recordings";
/// Files that are not whole.
const UNDER_WAY: &str = "under-way";
/// Who is not the user of the service hears no calls.
const PRIVATE: u32 = 0o700;
/// Begins the names of journals that `restore` has put aside.
const PUT_ASIDE: &str = "replaced-";
/// The journal is asked for so many files at once.
const AT_ONCE: usize = 500;

/// The folder with the files.
#[derive(Debug)]
pub(crate) struct Archive {
    folder: PathBuf,
    next: AtomicU64,
    /// Held while a file is put in its place until the journal names it, and while it is removed.
    moving: Mutex<()>,
}

impl Archive {
    /// The files in the data directory `data`. What a program that has died left unfinished is removed.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let archive = Self::at(data);
        match fs::remove_dir_all(archive.folder.join(UNDER_WAY)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::DirBuilder::new().recursive(true).mode(PRIVATE).create(archive.folder.join(UNDER_WAY))?;
        if fs::metadata(&archive.folder)?.mode() & 0o077 != 0
            && let Err(error) = fs::set_permissions(&archive.folder, fs::Permissions::from_mode(PRIVATE))
        {
            let folder = archive.folder.display();
            tracing::warn!(%error, %folder, "other users can read the folder with the recordings: chmod 700");
        }
        Ok(archive)
    }

    /// The same, for who reads and removes only.
    pub(crate) fn at(data: &Path) -> Self {
        Self { folder: data.join(FOLDER), next: AtomicU64::new(0), moving: Mutex::default() }
    }

    /// Where the file with this hash is.
    pub(crate) fn path(&self, hash: &str) -> PathBuf {
        self.folder.join(hash.get(..2).unwrap_or_default()).join(hash)
    }

    /// A path for a file that is about to be made, on the same disk.
    pub(crate) fn scratch(&self) -> Scratch {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Scratch(self.folder.join(UNDER_WAY).join(number.to_string()))
    }

    /// Begins a file of at most `most` bytes.
    pub(crate) async fn begin(&self, most: u64) -> io::Result<Incoming> {
        let scratch = self.scratch();
        let file = File::create_new(&scratch.0).await?;
        Ok(Incoming { file, scratch, hasher: Sha256::new(), bytes: 0, most, too_large: false, broken: None })
    }

    /// To be held from before a file is put in its place until the journal names it.
    pub(crate) async fn moving(&self) -> MutexGuard<'_, ()> {
        self.moving.lock().await
    }

    /// Puts a file in its place; its hash and its size. It is there after a power cut too.
    pub(crate) async fn keep(&self, Whole { scratch, hash, bytes }: Whole) -> io::Result<(String, u64)> {
        let folder = self.folder.clone();
        let kept = tokio::task::spawn_blocking(move || put(&folder, &scratch, &hash).map(|()| hash));
        Ok((kept.await.map_err(io::Error::other)??, bytes))
    }

    /// Removes files that the journal does not name any more.
    pub(crate) async fn release(&self, journal: &Journal, hashes: Vec<String>) -> Result<Freed, Error> {
        let mut freed = Freed::default();
        for hash in hashes {
            let _alone = self.moving().await;
            let wanted = hash.clone();
            if !journal.read(move |view| view.needs_file(&wanted)).await? {
                freed.add(remove(&self.path(&hash)).await);
            }
        }
        Ok(freed)
    }

    /// Removes files that the journal does not name: a program died between file and journal. `age`: those that are so old;
    /// while others work, a file may be in its place and not named yet. None as long as a journal lies beside the present
    /// one that `restore` has put aside: it may name them.
    pub(crate) async fn sweep(&self, journal: &Journal, age: Duration) -> Result<Freed, Error> {
        let folder = self.folder.clone();
        let found = tokio::task::spawn_blocking(move || {
            if is_journal_put_aside(&folder) { Vec::new() } else { files_of_age(&folder, age, SystemTime::now()) }
        });
        let mut unnamed = Vec::new();
        for some in found.await.unwrap_or_default().chunks(AT_ONCE) {
            let mut some = some.to_vec();
            let ask = journal.read(move |view| {
                let mut needed = Vec::new();
                for hash in &some {
                    needed.push(view.needs_file(hash)?);
                }
                let mut needed = needed.into_iter();
                some.retain(|_| needed.next() == Some(false));
                Ok(some)
            });
            unnamed.extend(ask.await?);
        }
        self.release(journal, unnamed).await
    }
}

/// Whether there is another journal in the data directory that may name files of `folder`.
fn is_journal_put_aside(folder: &Path) -> bool {
    let is_one = |file: fs::DirEntry| file.file_name().to_string_lossy().starts_with(PUT_ASIDE);
    // Who cannot tell leaves the files alone.
    folder.parent().and_then(|data| fs::read_dir(data).ok()).is_none_or(|beside| beside.flatten().any(is_one))
}

fn files_of_age(folder: &Path, least: Duration, now: SystemTime) -> Vec<String> {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = folders
        .filter(|folder| folder.file_name() != UNDER_WAY)
        .flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
    let is_old = |file: &fs::DirEntry| {
        let changed = file.metadata().and_then(|facts| facts.modified()).ok();
        changed.and_then(|changed| now.duration_since(changed).ok()).is_some_and(|age| age >= least)
    };
    files.filter(is_old).filter_map(|file| file.file_name().into_string().ok()).collect()
}

/// How many bytes became free; an error is in the log.
async fn remove(path: &Path) -> Option<u64> {
    let bytes = tokio::fs::metadata(path).await.map(|facts| facts.len()).unwrap_or_default();
    match tokio::fs::remove_file(path).await {
        Ok(()) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(0),
        Err(error) => {
            tracing::error!(%error, file = %path.display(), "a file of a recording cannot be removed");
            None
        }
    }
}

/// What came of removing files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Freed {
    /// So many bytes became free.
    pub(crate) bytes: u64,
    /// So many files are still there.
    stuck: u64,
}

impl Freed {
    fn add(&mut self, removed: Option<u64>) {
        self.bytes += removed.unwrap_or_default();
        self.stuck += u64::from(removed.is_none());
    }

    /// The error, for who had something erased, is that files are still there.
    pub(crate) fn all_gone(self) -> Result<(), String> {
        match self.stuck {
            0 => Ok(()),
            stuck => Err(format!(
                "erased from the journal, but {stuck} files of recordings cannot be removed: the log says why; mend it, \
                 and the service removes them within a day"
            )),
        }
    }
}

impl std::ops::AddAssign for Freed {
    fn add_assign(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.stuck += more.stuck;
    }
}

/// A file that is not in its place; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the file that was made there.
    pub(crate) async fn whole(self) -> io::Result<Whole> {
        let read = tokio::task::spawn_blocking(move || {
            let mut file = fs::File::open(&self.0)?;
            let (mut hasher, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; 64 * 1024]);
            loop {
                let read = file.read(&mut piece)?;
                let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else { break };
                hasher.update(read);
                bytes += read.len() as u64;
            }
            file.sync_all()?;
            Ok(Whole { scratch: self, hash: hex(&hasher), bytes })
        });
        read.await.map_err(io::Error::other)?
    }
}

/// A file that can be put in its place: it is on the disk.
#[derive(Debug)]
pub(crate) struct Whole {
    scratch: Scratch,
    hash: String,
    bytes: u64,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is in its place, or was never made, or goes at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

/// A file that comes in.
pub(crate) struct Incoming {
    file: File,
    scratch: Scratch,
    hasher: Sha256,
    bytes: u64,
    most: u64,
    too_large: bool,
    /// What our own disk said.
    broken: Option<io::Error>,
}

impl AsyncWrite for Incoming {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.bytes + bytes.len() as u64 > self.most {
            self.too_large = true;
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let written = ready!(Pin::new(&mut self.file).poll_write(cx, bytes));
        let written = written.map_err(|error| self.breaks(error))?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.file).poll_flush(cx));
        Poll::Ready(flushed.map_err(|error| self.breaks(error)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = ready!(Pin::new(&mut self.file).poll_shutdown(cx));
        Poll::Ready(shut.map_err(|error| self.breaks(error)))
    }
}

impl Incoming {
    /// More came than may.
    pub(crate) fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// What our own disk said, if it did not take all that came.
    pub(crate) fn broken(&mut self) -> Option<io::Error> {
        self.broken.take()
    }

    fn breaks(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.broken = Some(error);
        kind.into()
    }

    /// So many bytes have come.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// No more comes.
    pub(crate) async fn whole(self) -> io::Result<Whole> {
        let Self { mut file, scratch, hasher, bytes, .. } = self;
        file.flush().await?;
        file.sync_all().await?;
        Ok(Whole { scratch, hash: hex(&hasher), bytes })
    }
}

/// Moves a file that is on the disk to where its hash says, so that it is there after a power cut too.
fn put(folder: &Path, scratch: &Scratch, hash: &str) -> io::Result<()> {
    let into = folder.join(hash.get(..2).unwrap_or_default());
    if !into.is_dir() {
        fs::create_dir_all(&into)?;
        fs::File::open(folder)?.sync_all()?;
    }
    fs::rename(&scratch.0, into.join(hash))?;
    fs::File::open(&into)?.sync_all()
}

fn hex(hasher: &Sha256) -> String {
    hasher.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_hears_the_recordings_of_a_folder_that_was_open_to_all() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        Archive::open(data.path()).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, PRIVATE);
        fs::remove_dir_all(&folder).unwrap();
        Archive::open(data.path()).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, PRIVATE);
    }
}
