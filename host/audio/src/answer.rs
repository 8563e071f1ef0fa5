//! What the child has to say, as JSON on its standard output.

use serde::{Deserialize, Serialize};

use crate::measure::Measured;

/// The longest answer that is read.
pub(crate) const MOST_BYTES: u64 = 16 << 10;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Found(Findings),
    /// The recording cannot be read: the disk's fault, not its own.
    Input(String),
    /// The encoder cannot be started.
    Encoder(String),
    /// There is no room for the MP3, or no right to write it.
    Output(String),
}

/// What was found in a recording. Its kind is not among it: the parent recognises that itself.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Findings {
    pub(crate) duration_ms: Option<u64>,
    pub(crate) silence_ms: Option<u64>,
    pub(crate) channels: Option<u16>,
    pub(crate) sample_rate: Option<u32>,
    pub(crate) damaged: bool,
    pub(crate) why: Option<String>,
    /// There is an MP3 at the place of the output.
    pub(crate) converted: bool,
}

impl Findings {
    pub(crate) fn measured(measured: Measured) -> Self {
        Self {
            duration_ms: Some(measured.duration_ms),
            silence_ms: Some(measured.silence_ms),
            channels: Some(measured.shape.channels()),
            sample_rate: Some(measured.shape.rate()),
            ..Self::default()
        }
    }

    pub(crate) fn damaged(why: String) -> Self {
        Self { damaged: true, why: Some(why), ..Self::default() }
    }
}
