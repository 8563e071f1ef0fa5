//! What is known of a recording that has gone through.

use serde::{Deserialize, Serialize};

use crate::{answer::Findings, sound::Sound};

/// About the file that is passed on: the MP3 where the recording was converted, else the recording as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// For example `audio/wav`.
    pub content_type: String,
    /// For its name, without a dot.
    pub extension: String,
    /// `None` if it cannot be told.
    pub duration_ms: Option<u64>,
    /// How much of it is silent on all channels, in all: the sum of all windows of 20 ms below -50 dB of full scale. Where it
    /// is the duration, nothing was recorded ([`is_silent`](Self::is_silent)).
    pub silence_ms: Option<u64>,
    pub channels: Option<u16>,
    /// In Hz.
    pub sample_rate: Option<u32>,
    /// The sound stops before it should, has holes, or cannot be read at all.
    pub damaged: bool,
    /// Why it is damaged, or was not measured or converted although that was wanted. One line.
    pub why: Option<String>,
    /// There is another file than the recording, at the output's place.
    pub converted: bool,
}

/// The longest reason, in characters.
const WHY_CHARS: usize = 300;

impl Facts {
    /// Nobody is heard in it, from the beginning to the end.
    pub fn is_silent(&self) -> bool {
        self.duration_ms.is_some() && self.silence_ms == self.duration_ms
    }

    pub(crate) fn new(sound: Sound, findings: Findings) -> Self {
        let Findings { duration_ms, silence_ms, channels, sample_rate, damaged, why, converted } = findings;
        let sound = if converted { Sound::Mp3 } else { sound };
        let why = why.map(|why| why.chars().filter(|c| !c.is_control()).take(WHY_CHARS).collect());
        Self {
            content_type: sound.content_type().to_owned(),
            extension: sound.extension().to_owned(),
            duration_ms,
            silence_ms,
            channels,
            sample_rate,
            damaged,
            why,
            converted,
        }
    }
}
