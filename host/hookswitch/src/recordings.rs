//! Recordings on their way: fetched from the phone system, made what plugins get, told to them, removed when their time
//! is over. The journal knows where each one stands; everything here can be lost but the files.

mod archive;
mod convert;
mod fetch;
mod file;
mod link;
mod order;
mod removal;
mod round;
mod tell;
mod words;

use std::{io, path::Path, sync::Arc};

use hookswitch_call::Millis;
use hookswitch_journal::Journal;
use tokio::sync::Notify;

pub(crate) use self::{
    archive::Archive,
    convert::COMMAND,
    file::{File, Known, base64_length, left},
    link::{Grant, Signer, known_by},
    order::{Done, Order},
    removal::tidy,
    round::run,
    words::{Heard, transcript},
};
use crate::config::PublicUrl;

/// What everybody shares who has to do with recordings.
pub(crate) struct Recordings {
    pub(crate) archive: Archive,
    pub(crate) signer: Signer,
    journal: Journal,
    nudged: Notify,
}

impl Recordings {
    /// Those of the data directory `data`; `key` is the host's own. What a program that has died left unfinished is removed.
    ///
    /// # Errors
    ///
    /// The folder for the files cannot be made.
    pub(crate) fn open(data: &Path, journal: &Journal, key: &[u8; 32]) -> io::Result<Arc<Self>> {
        Ok(Self::of(Archive::open(data)?, journal, key))
    }

    /// The same, where none will come in.
    pub(crate) fn at(data: &Path, journal: &Journal, key: &[u8; 32]) -> Arc<Self> {
        Self::of(Archive::at(data), journal, key)
    }

    fn of(archive: Archive, journal: &Journal, key: &[u8; 32]) -> Arc<Self> {
        Arc::new(Self { archive, signer: Signer::new(key), journal: journal.clone(), nudged: Notify::new() })
    }

    /// There may be something to do.
    pub(crate) fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Makes a link to a file, which is called `name` there. It works until `until`, or `once` before.
    pub(crate) fn link(&self, public: &PublicUrl, file: &File, name: &str, until: Millis, once: bool) -> String {
        let once = once.then(|| format!("{:032x}", fastrand::u128(..)));
        let grant = Grant { recording: file.recording.id, part: file.part.clone(), until, once };
        // Its dots stay: behind an escape, a number would not be seen as one by who masks numbers.
        const ESCAPED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'.').remove(b'-');
        let name = percent_encoding::utf8_percent_encode(name, ESCAPED);
        public.at(&format!("/recording/{}/{name}", self.signer.token(&grant)))
    }
}
