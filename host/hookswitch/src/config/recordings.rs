//! `[recordings]`: what becomes of what phone systems record. `recordings` of a plugin: what its CRM gets of it.

use std::{path::PathBuf, time::Duration};

use hookswitch_audio::{Bitrate, Mp3, Wanted};
use hookswitch_pbx::LARGEST;
use serde::Deserialize;

use super::{Fault, Size, Span};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// `[recordings]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Recordings {
    /// What plugins get: `"original"` (the default), the file as it came, or `"mp3"`.
    pub(crate) format: Format,
    /// Of MP3s, in kbit/s for all channels together. Default: 32.
    pub(crate) bitrate: Bitrate,
    /// Of MP3s: `"keep"` (the default) keeps two channels apart, `"mix"` makes one of them.
    pub(crate) channels: Channels,
    /// The program that makes MP3s: its name or its path. Default: `"lame"`.
    pub(crate) encoder: PathBuf,
    /// Whether the file as it came is kept beside the MP3. Default: no.
    pub(crate) keep_original: bool,
    /// How long recordings are kept. Default: 90 days.
    pub(crate) keep: Span,
    /// Most bytes that recordings take; beyond that the oldest go before their time. Default: 100 GiB.
    pub(crate) size: Size,
    /// A larger file is not fetched. Default: 1 GiB; at most 2 GiB.
    pub(crate) largest: Size,
    /// A recording is given up that could not be fetched for so long. Default: 3 days.
    pub(crate) patience: Span,
    /// So many files are fetched at once from each phone system. Default: 4.
    pub(crate) fetches: usize,
    /// So many files are converted at once. Default: 1.
    pub(crate) conversions: usize,
    /// Who writes down what was said.
    pub(crate) speech: Option<Speech>,
}

/// What plugins get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// The file as it came.
    #[default]
    Original,
    /// An MP3 of it.
    Mp3,
}

/// What becomes of two channels, which are the two sides of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Channels {
    /// They stay apart.
    #[default]
    Keep,
    /// One is made of them.
    Mix,
}

/// `[recordings.speech]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Speech {
    /// The `NAME` of the `[plugin.NAME]` that listens.
    pub(crate) plugin: String,
    /// The language that is spoken: `"de"`, `"pt-BR"`. Default: the plugin finds out.
    #[serde(default)]
    pub(crate) language: String,
    /// Whether a summary is made. Default: no.
    #[serde(default)]
    pub(crate) summarise: bool,
    /// Who is heard on the left and the right channel. Default: the outside party on the left.
    #[serde(default)]
    pub(crate) left: Speaker,
}

/// Who is heard on a channel; the other one is on the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Speaker {
    /// The company's own people.
    Agent,
    /// The outside party.
    #[default]
    External,
}

impl Speaker {
    /// The contract's words for who is heard on the left and on the right.
    pub(crate) fn words(self) -> [&'static str; 2] {
        match self {
            Self::Agent => ["agent", "external"],
            Self::External => ["external", "agent"],
        }
    }
}

/// `recordings` of a plugin.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Delivery {
    /// `"file"` (the default), `"link"`, a link to the file at our `public-url`, or `"nothing"`.
    pub(crate) deliver: Deliver,
    /// How long a link works. Default: 30 days.
    pub(crate) link_for: Span,
    /// Whether the CRM gets what was said in writing. Default: yes.
    pub(crate) transcripts: bool,
}

/// What a CRM gets of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deliver {
    /// Its bytes.
    #[default]
    File,
    /// A link to it.
    Link,
    /// Not even that.
    Nothing,
}

impl Default for Recordings {
    fn default() -> Self {
        Self {
            format: Format::Original,
            bitrate: Bitrate::default(),
            channels: Channels::Keep,
            encoder: PathBuf::from("lame"),
            keep_original: false,
            keep: Span(90 * DAY),
            size: Size(100 << 30),
            largest: Size(1 << 30),
            patience: Span(3 * DAY),
            fetches: 4,
            conversions: 1,
            speech: None,
        }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self { deliver: Deliver::File, link_for: Span(30 * DAY), transcripts: true }
    }
}

impl Recordings {
    pub(super) fn validate(&self) -> Result<(), Fault> {
        if self.patience.0 < DAY {
            return Err(Fault::new(
                &["recordings", "patience"],
                "phone systems may take longer than that to give a recording out",
                "write \"1d\" or more",
            ));
        }
        if self.largest.0 > LARGEST {
            return Err(Fault::new(
                &["recordings", "largest"],
                "no phone system is asked for so large a file",
                format!("write \"{}GiB\" or less", LARGEST >> 30),
            ));
        }
        for (key, count) in [("fetches", self.fetches), ("conversions", self.conversions)] {
            if !(1..=64).contains(&count) {
                return Err(Fault::new(
                    &["recordings", key],
                    "so many cannot be at work at once",
                    "write a number from 1 to 64",
                ));
            }
        }
        Ok(())
    }

    /// What is to be made of a file.
    pub(crate) fn wanted(&self) -> Wanted {
        match self.format {
            Format::Original => Wanted::Original,
            Format::Mp3 => Wanted::Mp3(self.mp3(match self.channels {
                Channels::Keep => hookswitch_audio::Channels::Keep,
                Channels::Mix => hookswitch_audio::Channels::Mix,
            })),
        }
    }

    /// An MP3 of these channels.
    pub(crate) fn mp3(&self, channels: hookswitch_audio::Channels) -> Mp3 {
        Mp3 { bitrate: self.bitrate, channels, encoder: self.encoder.clone() }
    }
}
