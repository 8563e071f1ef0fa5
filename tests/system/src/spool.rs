//! The folder of recordings of the Asterisk that told the trace `l`.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;
use tempfile::TempDir;

use crate::root;

/// The call of the trace, and the file that its Asterisk names.
pub const CALL: &str = "1795230729.100";
pub const FILE: &str = "external-201-494066969101-20261121-031209-1795230729.100.wav";
/// Where that Asterisk has it.
pub const FOLDER: &str = "/var/spool/asterisk/monitor";

/// The folder as this machine sees it: still empty.
pub struct Spool(TempDir);

impl Spool {
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// TOML that leads to it; `recordings` stands in `[recordings]`.
    pub fn configure(&self, recordings: &str) -> String {
        format!(
            "[recordings]\n{recordings}\n[pbx.office.recordings]\nfolder = \"{FOLDER}\"\nmounted = \"{}\"\n\
             settle = \"200ms\"\n",
            self.0.path().display()
        )
    }

    /// Where the trace's file is to be.
    pub fn file(&self) -> PathBuf {
        self.0.path().join(FILE)
    }
}

/// What that Asterisk has recorded: six seconds, 8 kHz, both sides in one channel.
pub fn recorded() -> Result<Vec<u8>> {
    Ok(std::fs::read(root().join("tests/traces/l.wav"))?)
}

/// Bytes of a second of [`long`].
pub const SECOND: u32 = 32_000;

/// Writes a WAV of so many MiB, each of which takes nearly 33 seconds: 8 kHz, two channels, two tones that come and go.
pub fn long(path: &Path, mib: u64) -> Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let bytes = u32::try_from(mib << 20)?;
    file.write_all(b"RIFF")?;
    file.write_all(&(bytes + 36).to_le_bytes())?;
    file.write_all(b"WAVEfmt \x10\0\0\0\x01\0\x02\0")?;
    file.write_all(&8000_u32.to_le_bytes())?;
    file.write_all(&SECOND.to_le_bytes())?;
    file.write_all(b"\x04\0\x10\0data")?;
    file.write_all(&bytes.to_le_bytes())?;
    for at in 0..bytes / 4 {
        let second = f64::from(at) / 8000.0;
        let loud = if second % 4.0 < 3.0 { 8000.0 } else { 0.0 };
        let tone = |hertz: f64| ((second * hertz * std::f64::consts::TAU).sin() * loud) as i16;
        file.write_all(&tone(440.0).to_le_bytes())?;
        file.write_all(&tone(600.0).to_le_bytes())?;
    }
    Ok(file.into_inner()?.sync_all()?)
}
