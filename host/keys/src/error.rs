//! What can be wrong with the store, and how it is mended.

use std::io;
use std::path::{Path, PathBuf};

use crate::provider::InvalidProvider;

/// Why the store, or a file of it, cannot be used. Nothing that is named here is overwritten.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "{} is open to other users of this machine (mode {mode:03o}); run `chmod {wanted:03o} {}`",
        path.display(), path.display()
    )]
    OpenToOthers { path: PathBuf, mode: u32, wanted: u32 },
    #[error("{} is not a plain {wanted}; move it away", path.display())]
    OddFile { path: PathBuf, wanted: &'static str },
    #[error("another process works with the keys in {}; other commands ask that one", folder.display())]
    InUse { folder: PathBuf },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(
        "{place} does not hold the key that the files in {} were sealed with; give the former key, or remove the folder and sign in again",
        folder.display()
    )]
    WrongKey { place: String, folder: PathBuf },
    #[error("{} is damaged; take it from a backup, or remove it and {again}", path.display())]
    Damaged { path: PathBuf, again: &'static str },
    #[error("{} was written by a newer version of Hookswitch; use that one", path.display())]
    Newer { path: PathBuf },
    #[error(
        "{} is missing, while other files there need it; take it from a backup, or remove the folder and sign in again",
        path.display()
    )]
    Missing { path: PathBuf },
    #[error("{name:?} cannot be a part of a file's name; use letters, digits, `-` and `_`")]
    Name { name: String },
    #[error("the cryptographic library does not work on this machine")]
    Library,
}

impl StoreError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
        StoreError::Io { doing, path: path.to_owned(), source }
    }
}

/// Why there is no key to seal with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the environment variable {name}, which should hold the key, is not set")]
    NoVariable { name: String },
    #[error(
        "the service manager hands over no credentials; write `LoadCredential={name}:PATH` in the unit, or take the key from a file"
    )]
    NoCredentials { name: String },
    #[error("{name:?} is no name of a credential; it is a plain file name")]
    CredentialName { name: String },
    #[error("{place} does not hold a key, which is 32 bytes in base64 or hex; make one with `openssl rand -base64 32`")]
    Length { place: String },
}

/// Why a credential cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Provider(#[from] InvalidProvider),
}
