//! What shall become of a recording, and the order to the child.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the admin wants passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// The file as the phone system wrote it; it is only measured.
    Original,
    Mp3(Mp3),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mp3 {
    pub bitrate: Bitrate,
    pub channels: Channels,
    /// The program `lame`: its name, which is looked for in `PATH`, or its path.
    pub encoder: PathBuf,
}

/// What becomes of the two channels of a call, one for each side. More than two are always mixed: an MP3 has no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    Keep,
    /// The average of all in one.
    Mix,
    /// The first one alone: one side of the call.
    Left,
    /// The second one alone.
    Right,
}

/// Of the whole MP3, however many channels it has, in kbit/s. LAME takes the nearest one that the standard has for the
/// sample rate: at most 64 for the 8 kHz of a phone. Below 24 there is no room in the first frame for the length of such a
/// recording, so players guess it, and are some 100 ms off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Bitrate(u16);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an MP3 has between 8 and 320 kbit/s, not {0}; 32 is good for a call")]
pub struct InvalidBitrate(u16);

impl Default for Bitrate {
    /// 32 kbit/s: good for a call.
    fn default() -> Self {
        Self(32)
    }
}

impl TryFrom<u16> for Bitrate {
    type Error = InvalidBitrate;

    fn try_from(kbit_s: u16) -> Result<Self, InvalidBitrate> {
        if (8..=320).contains(&kbit_s) { Ok(Self(kbit_s)) } else { Err(InvalidBitrate(kbit_s)) }
    }
}

impl From<Bitrate> for u16 {
    fn from(bitrate: Bitrate) -> Self {
        bitrate.0
    }
}

/// One line of JSON on the standard input of the child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
    /// The encoder is a path here.
    pub(crate) wanted: Wanted,
    /// Address space of the child, and of the encoder, in bytes.
    pub(crate) memory_bytes: u64,
    /// Of the processor, of each of the two, in seconds.
    pub(crate) cpu_seconds: u64,
    /// The longest file that is written.
    pub(crate) output_bytes: u64,
}

impl Order {
    /// The longest line that is read: two paths and some numbers.
    pub(crate) const MOST_BYTES: u64 = 32 << 10;
}
