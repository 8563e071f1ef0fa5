//! The folder into which Asterisk records. `MixMonitor` writes while the call lasts and closes the file a moment after the
//! hangup; a command of the admin's may turn it into another one then. So a file is believed to be whole when nothing has
//! changed it for a while, and what a WAV says of its length is written last.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
    io::Errno,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::{
    Fetched, Unfetched,
    recordings::{LARGEST, SILENCE, UNFINISHED, wav},
};

/// The head of a WAV, as far as it tells the length.
const HEAD: usize = 12;
/// So much is read at once.
const PART: usize = 64 << 10;

/// A folder of recordings.
#[derive(Debug)]
pub(super) struct Spool {
    pub(super) root: PathBuf,
    /// A file is finished when nothing has changed it for so long.
    pub(super) settle: Duration,
}

/// What changes while a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    size: u64,
    changed: SystemTime,
    head: [u8; HEAD],
}

impl State {
    fn of(file: &File) -> std::io::Result<Self> {
        let (known, mut head) = (file.metadata()?, [0; HEAD]);
        // A shorter file is no WAV, and its head is as good as none.
        let _ = file.read_at(&mut head, 0)?;
        Ok(Self { size: known.len(), changed: known.modified()?, head })
    }

    /// Whether it is whole, after nothing has changed it for a while.
    fn is_whole(&self) -> bool {
        let untouched = self.changed.elapsed().unwrap_or_default();
        self.size > 0 && (wav::is_whole(&self.head, self.size) || untouched >= UNFINISHED)
    }
}

impl Spool {
    /// Writes the file at `path` below the folder to `to`, if it is whole.
    pub(super) async fn fetch(
        &self,
        path: &str,
        to: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Fetched, Unfetched> {
        let file = self.open(path).await?;
        let (file, before) = state(file).await?;
        sleep(self.settle).await;
        let (file, state) = state(file).await?;
        if state != before || !state.is_whole() {
            return Err(Unfetched::Missing("it is still being written".to_owned()));
        }
        if state.size > LARGEST {
            return Err(Unfetched::too_large());
        }
        let mut file = tokio::fs::File::from_std(file).take(state.size.saturating_add(1));
        let (mut part, mut bytes) = (vec![0; PART], 0_u64);
        loop {
            let read = timeout(SILENCE, file.read(&mut part)).await.map_err(|_| silent())?;
            let read = read.map_err(|error| Unfetched::Failed(format!("it cannot be read: {error}")))?;
            let Some(some) = part.get(..read).filter(|some| !some.is_empty()) else { break };
            bytes = bytes.saturating_add(some.len() as u64);
            to.write_all(some).await.map_err(Unfetched::unwritten)?;
        }
        to.flush().await.map_err(Unfetched::unwritten)?;
        if bytes != state.size {
            return Err(Unfetched::Missing("it was changed while it was read".to_owned()));
        }
        // The PBX says nothing of what it is.
        Ok(Fetched { bytes, content_type: String::new() })
    }

    /// Opens a regular file that lies in the folder, whatever links stand in the path. The kernel keeps to the folder, so
    /// nobody can slip a link in between looking and opening.
    async fn open(&self, path: &str) -> Result<File, Unfetched> {
        let (root, path) = (self.root.clone(), path.trim_start_matches('/').to_owned());
        let opened = aside(move || {
            let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let folder = rustix::fs::openat(CWD, &root, folder, Mode::empty()).map_err(|error| (true, error))?;
            let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            // Opening a pipe would wait for whoever writes to it.
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let file = openat2(&folder, &path, flags, Mode::empty(), inside).map_err(|error| (false, error))?;
            Ok(File::from(file))
        })
        .await?;
        let file = opened.map_err(|(is_folder, error)| self.unopened(is_folder, error))?;
        let (file, regular) = aside(move || {
            let regular = file.metadata().is_ok_and(|known| known.is_file());
            (file, regular)
        })
        .await?;
        regular.then_some(file).ok_or_else(|| Unfetched::Forbidden("it is no file".to_owned()))
    }

    fn unopened(&self, is_folder: bool, error: Errno) -> Unfetched {
        let root = self.root.display();
        match error {
            Errno::NOENT | Errno::NOTDIR if is_folder => Unfetched::NotConfigured(format!(
                "there is no folder {root} on this machine; make the recordings of the PBX visible here, and say where: \
                 `recordings.mounted = \"/mnt/recordings\"`"
            )),
            Errno::NOENT | Errno::NOTDIR => Unfetched::Missing(format!("it is not in {root}")),
            Errno::XDEV | Errno::LOOP => Unfetched::Forbidden(format!(
                "it leads out of {root}; what is kept elsewhere must be mounted there, a link is not followed"
            )),
            Errno::ACCESS | Errno::PERM => Unfetched::Forbidden(format!(
                "in {root} it cannot be read by the user that Hookswitch runs as; add that user to the group of the files, \
                 mostly `asterisk`"
            )),
            Errno::NOSYS => Unfetched::NotConfigured(format!(
                "this kernel cannot keep to {root} (openat2, Linux 5.6); have a web server give the files out: \
                 `recordings.url = \"https://pbx.example.com/recordings/{{path}}\"`"
            )),
            error => Unfetched::Failed(format!("in {root} it cannot be opened: {error}")),
        }
    }
}

/// Reads what changes, and gives the file back.
async fn state(file: File) -> Result<(File, State), Unfetched> {
    let (file, state) = aside(move || {
        let state = State::of(&file);
        (file, state)
    })
    .await?;
    state.map(|state| (file, state)).map_err(|error| Unfetched::Failed(format!("it cannot be read: {error}")))
}

/// Asks the disk, which may be another machine's that does not answer.
async fn aside<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Result<T, Unfetched> {
    let answer = timeout(SILENCE, spawn_blocking(ask)).await.map_err(|_| silent())?;
    answer.map_err(|error| Unfetched::Failed(error.to_string()))
}

fn silent() -> Unfetched {
    Unfetched::Failed(format!("the disk does not answer for {} s", SILENCE.as_secs()))
}
