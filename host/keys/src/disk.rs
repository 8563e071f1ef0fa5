//! The folder of sealed files: closed to other users, used by one process at a time, each file whole or replaced.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::cipher::{Cipher, FORMAT};
use crate::error::{KeyError, StoreError};
use crate::key::{Key, KeySource};
use crate::replace::{UNFINISHED, replace, sync_folder};

const LOCK: &str = "lock";
const OWN_KEY: &str = "key";
const CHECK: &str = "check";
const SIGNED_IN: &str = "oauth2";
const FETCHED: &str = "bearer";
const VAULT: &str = "vault";

/// The folder, opened with its key. It is free for the next process when this is dropped.
pub(crate) struct Disk {
    folder: PathBuf,
    cipher: Cipher,
    _lock: File,
}

/// Which sealed file, and what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    file: String,
    /// What must be done again if the file is lost.
    again: &'static str,
}

impl Place {
    /// Tokens that somebody signed in for.
    pub(crate) fn signed_in(plugin: &str, handle: &str) -> Result<Place, StoreError> {
        Place::new(&[plugin, handle], SIGNED_IN, "sign in again")
    }

    /// A token that was fetched.
    pub(crate) fn fetched(plugin: &str, handle: &str) -> Result<Place, StoreError> {
        Place::new(&[plugin, handle], FETCHED, "another is fetched")
    }

    /// What a plugin asked to be kept.
    pub(crate) fn vault(plugin: &str) -> Result<Place, StoreError> {
        Place::new(&[plugin], VAULT, "let the plugin ask its CRM again")
    }

    /// Names become a file name, whose parts are told apart by dots. It is also what the content is bound to.
    fn new(names: &[&str], kind: &str, again: &'static str) -> Result<Place, StoreError> {
        let bare = |name: &str| {
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            plain && (1..=100).contains(&name.len())
        };
        match names.iter().find(|name| !bare(name)) {
            Some(name) => Err(StoreError::Name { name: (*name).to_owned() }),
            None => Ok(Place { file: format!("{}.{kind}", names.join(".")), again }),
        }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }
}

impl Disk {
    /// Opens `folder`, makes it if there is none, and proves that the key is the right one before anything else.
    pub(crate) fn open(folder: PathBuf, source: &KeySource) -> Result<Disk, StoreError> {
        let found = fs::symlink_metadata(&folder);
        if found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| StoreError::io("make", &folder, error))?;
            if let Some(parent) = folder.parent() {
                sync_folder(parent).map_err(|error| StoreError::io("sync", parent, error))?;
            }
        }
        check_closed(&folder, true)?;
        let lock = lock(&folder)?;

        let mut sealed = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|error| StoreError::io("list", &folder, error))? {
            let path = entry.map_err(|error| StoreError::io("list", &folder, error))?.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if extension == Some(UNFINISHED) {
                fs::remove_file(&path).map_err(|error| StoreError::io("remove", &path, error))?;
                continue;
            }
            check_closed(&path, false)?;
            if matches!(extension, Some(SIGNED_IN | FETCHED | VAULT)) {
                sealed.push(path);
            }
        }
        let cipher = Cipher::new(&match source.outside()? {
            Some(key) => key,
            None => own_key(&folder, !sealed.is_empty())?,
        })?;
        prove(&folder, source, &cipher, &sealed)?;
        Ok(Disk { folder, cipher, _lock: lock })
    }

    pub(crate) fn mask_key(&self) -> [u8; 32] {
        self.cipher.mask()
    }

    /// A keyed fingerprint of a secret, by which it is known again.
    pub(crate) fn mark(&self, parts: &[&str]) -> String {
        let mut hasher = blake3::Hasher::new_keyed(self.cipher.check());
        for part in parts {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The content of a file; `None` if there is none.
    pub(crate) fn read(&self, place: &Place) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let path = self.folder.join(&place.file);
        let Some(sealed) = read_if_there(&path)? else { return Ok(None) };
        match self.cipher.open(&place.file, &sealed) {
            Some(content) => Ok(Some(content)),
            None if !sealed.starts_with(FORMAT) && sealed.starts_with(b"hookswitch-keys ") => {
                Err(StoreError::Newer { path })
            }
            None => Err(self.damaged(place)),
        }
    }

    /// Replaces a file; the new content is durable when this returns.
    pub(crate) fn write(&self, place: &Place, content: &[u8]) -> Result<(), StoreError> {
        let sealed = self.cipher.seal(&place.file, content)?;
        replace(&self.folder, &place.file, &sealed)
            .map_err(|error| StoreError::io("write", &self.folder.join(&place.file), error))
    }

    /// Removes a file, durably.
    pub(crate) fn remove(&self, place: &Place) -> Result<(), StoreError> {
        let path = self.folder.join(&place.file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", &path, error)),
            _ => sync_folder(&self.folder).map_err(|error| StoreError::io("sync", &self.folder, error)),
        }
    }

    /// The error for a file whose content makes no sense.
    pub(crate) fn damaged(&self, place: &Place) -> StoreError {
        StoreError::Damaged { path: self.folder.join(&place.file), again: place.again }
    }
}

/// Refuses a file or folder that others than its owner can open, and what is neither.
pub(crate) fn check_closed(path: &Path, folder: bool) -> Result<(), StoreError> {
    let found = if folder { fs::symlink_metadata(path) } else { fs::metadata(path) };
    let found = found.map_err(|error| StoreError::io("read", path, error))?;
    let (fits, wanted) = if folder { (found.is_dir(), "folder") } else { (found.is_file(), "file") };
    if !fits {
        return Err(StoreError::OddFile { path: path.to_owned(), wanted });
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StoreError::OpenToOthers {
            path: path.to_owned(),
            mode,
            wanted: if folder { 0o700 } else { 0o600 },
        });
    }
    Ok(())
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|error| StoreError::io("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &path, error)),
    }
}

/// Reads the store's own key. It is made once: where files are sealed already, another key could open none of them.
fn own_key(folder: &Path, sealed: bool) -> Result<Key, StoreError> {
    let path = folder.join(OWN_KEY);
    match read_if_there(&path)? {
        Some(content) => {
            let place = format!("the file {}", path.display());
            Ok(Key::parse(&content).ok_or(KeyError::Length { place })?)
        }
        None if sealed || folder.join(CHECK).exists() => Err(StoreError::Missing { path }),
        None => {
            let key = Key::generate()?;
            let text = Zeroizing::new(format!("{}\n", *key.to_base64()));
            replace(folder, OWN_KEY, text.as_bytes()).map_err(|error| StoreError::io("write", &path, error))?;
            Ok(key)
        }
    }
}

/// Compares the key with the one that the folder was begun with. The file `check` holds the key's check value, and a
/// checksum by which damage is told from a wrong key. If it is lost, any sealed file proves the key.
fn prove(folder: &Path, source: &KeySource, cipher: &Cipher, sealed: &[PathBuf]) -> Result<(), StoreError> {
    let path = folder.join(CHECK);
    let value = blake3::Hash::from(*cipher.check()).to_hex();
    let line = |value: &str| format!("{value} {}\n", blake3::hash(value.as_bytes()).to_hex());
    match read_if_there(&path)? {
        Some(found) if *found == line(&value).as_bytes() => Ok(()),
        Some(found) => {
            let found = String::from_utf8_lossy(&found);
            if found.split_once(' ').is_some_and(|(value, _)| found == line(value)) {
                Err(StoreError::WrongKey { place: source.to_string(), folder: folder.to_owned() })
            } else {
                Err(StoreError::Damaged { path, again: "keep the same key" })
            }
        }
        None => {
            let mut opened = false;
            for file in sealed {
                let place = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                opened |= read_if_there(file)?.is_some_and(|content| cipher.open(place, &content).is_some());
            }
            if !opened && !sealed.is_empty() {
                return Err(StoreError::WrongKey { place: source.to_string(), folder: folder.to_owned() });
            }
            replace(folder, CHECK, line(&value).as_bytes()).map_err(|error| StoreError::io("write", &path, error))
        }
    }
}

fn read_if_there(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(Zeroizing::new(content))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}
