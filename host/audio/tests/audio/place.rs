//! A folder with a recording, and what becomes of it.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use hookswitch_audio::{Bitrate, Bounds, Channels, Facts, Failure, Mp3, Wanted, process};

use crate::CHILD;

pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) bounds: Bounds,
}

impl Place {
    pub(crate) fn with(recording: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("recording"), recording).unwrap();
        Self { folder, bounds: Bounds::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn mp3(&self) -> PathBuf {
        self.path("out.mp3")
    }

    pub(crate) async fn try_process(&self, wanted: &Wanted) -> Result<Facts, Failure> {
        process(&command(), wanted, &self.path("recording"), &self.mp3(), &self.bounds).await
    }

    /// The output is there if, and only if, the facts say so.
    pub(crate) async fn process(&self, wanted: &Wanted) -> Facts {
        let facts = self.try_process(wanted).await.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(self.mp3().exists(), facts.converted, "{facts:?}");
        facts
    }
}

pub(crate) fn command() -> Vec<OsString> {
    vec![std::env::current_exe().expect("it has a path").into(), CHILD.into()]
}

pub(crate) fn mp3(kbit_s: u16, channels: Channels) -> Wanted {
    encoded_by(Path::new("lame"), kbit_s, channels)
}

pub(crate) fn encoded_by(encoder: &Path, kbit_s: u16, channels: Channels) -> Wanted {
    Wanted::Mp3(Mp3 { bitrate: Bitrate::try_from(kbit_s).unwrap(), channels, encoder: encoder.to_owned() })
}

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}
