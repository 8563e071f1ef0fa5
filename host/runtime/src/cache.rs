//! Compiled components on disk.
//!
//! A compiled component is native code, so whoever can write one can run code in this process. Each file is therefore
//! sealed: it begins with a keyed hash over the component's hash, the engine's hash and the code. The key lies beside
//! the directory, readable by this user only, and the seal is checked each time before the code is loaded.
//!
//! It is a cache: whatever is torn, foreign or stale is compiled again.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use tempfile::NamedTempFile;

use crate::compile::Code;

const SEAL_BYTES: usize = blake3::OUT_LEN;

/// How many components are kept: those used last.
const ENTRIES: usize = 64;

pub(crate) struct Cache {
    directory: PathBuf,
    key: [u8; 32],
    engine: blake3::Hash,
}

impl Cache {
    /// Opens the cache in a data directory: `compiled/`, and the key to it, `compiled.key`. Both are made if missing.
    pub(crate) fn open(data: &Path, engine: blake3::Hash) -> io::Result<Self> {
        let directory = data.join("compiled");
        fs::create_dir_all(&directory)?;
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        let key = key(&data.join("compiled.key"))?;
        Ok(Self { directory, key, engine })
    }

    /// The code of a component, if it is here and sealed by this host for this engine. Blocks.
    pub(crate) fn get(&self, component: blake3::Hash) -> Option<Code> {
        let path = self.path(component);
        let mut sealed = match fs::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "cannot read a compiled plugin");
                return None;
            }
        };
        let genuine = sealed
            .split_first_chunk::<SEAL_BYTES>()
            .is_some_and(|(seal, code)| blake3::Hash::from_bytes(*seal) == self.seal(component, code));
        if !genuine {
            tracing::debug!(path = %path.display(), "a compiled plugin is damaged or not ours: compiling again");
            return None;
        }
        // The time says when it was used last; to lose it costs a compilation some day.
        let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        sealed.drain(..SEAL_BYTES);
        Some(Code(sealed))
    }

    /// Keeps the code of a component. Blocks until it is on disk.
    pub(crate) fn put(&self, component: blake3::Hash, code: &Code) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(self.seal(component, &code.0).as_bytes())?;
        file.write_all(&code.0)?;
        file.as_file().sync_all()?;
        file.persist(self.path(component))?;
        self.prune()
    }

    fn path(&self, component: blake3::Hash) -> PathBuf {
        self.directory.join(format!("{component}-{}", self.engine))
    }

    fn seal(&self, component: blake3::Hash, code: &[u8]) -> blake3::Hash {
        let mut seal = blake3::Hasher::new_keyed(&self.key);
        seal.update(component.as_bytes()).update(self.engine.as_bytes()).update(code);
        seal.finalize()
    }

    /// Removes what has not been used for longest: components and engines of the past, and files that a crash has left.
    fn prune(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.directory)?
            .map(|entry| entry.and_then(|entry| Ok((entry.metadata()?.modified()?, entry.path()))))
            .collect::<Result<_, _>>()?;
        entries.sort_by(|a, b| b.cmp(a));
        entries.iter().skip(ENTRIES).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

/// Reads the key, or makes one. A key that others could have read or changed is worth nothing and replaced, and with
/// it everything that it has sealed.
fn key(path: &Path) -> io::Result<[u8; 32]> {
    match File::open(path) {
        Ok(mut file) => {
            let metadata = file.metadata()?;
            let mut key = [0; 32];
            let ours = metadata.mode() & 0o077 == 0 && metadata.uid() == rustix::process::geteuid().as_raw();
            if ours && metadata.len() == 32 && file.read_exact(&mut key).is_ok() {
                return Ok(key);
            }
            tracing::warn!(path = %path.display(), "the key of compiled plugins is damaged or open to others: replaced");
            fs::remove_file(path)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).map_err(|error| io::Error::other(error.to_string()))?;
    // Temporary files are readable by their owner only, and so is what they become.
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(&fresh)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(fresh),
        // Another process was faster: its key is the key.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            let mut theirs = [0; 32];
            File::open(path)?.read_exact(&mut theirs)?;
            Ok(theirs)
        }
        Err(error) => Err(error.error),
    }
}
