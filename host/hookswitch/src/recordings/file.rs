//! One file of the archive, and how plugins see it.

use std::{io, path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use hookswitch_audio::Facts;
use hookswitch_call::Call;
use hookswitch_gate::Source;
use hookswitch_journal::{
    Error, RecordingId, View,
    recordings::{Part, Recording},
};
use hookswitch_runtime::contract;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use super::Recordings;
use crate::config::{Config, Speaker};

/// Bytes that are read at once. Base64 makes whole groups of it.
const PIECE: usize = 48 * 1024;

/// What is kept in the journal of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Known {
    /// In bytes.
    pub(crate) size: u64,
    #[serde(flatten)]
    pub(crate) facts: Facts,
}

/// A file of the archive.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) recording: Recording,
    /// Which part of the recording it is; none: it is all of it.
    pub(crate) part: Option<String>,
    /// SHA-256 of its content, in hexadecimal.
    pub(crate) hash: String,
    pub(crate) known: Known,
    /// Names of the files for parts of it.
    parts: Vec<String>,
}

impl File {
    /// The file of a recording or of a part of it, if it is here.
    pub(crate) fn of(view: &View<'_>, recording: Recording, part: Option<String>) -> Result<Option<Self>, Error> {
        let parts = view.parts_of(recording.id)?;
        let (hash, facts) = match &part {
            None => (recording.file.clone(), recording.facts.clone()),
            Some(name) => match parts.iter().find(|part| part.name == *name) {
                Some(Part { file, facts, .. }) => (Some(file.clone()), Some(facts.clone())),
                None => (None, None),
            },
        };
        let known = facts.and_then(|facts| serde_json::from_value(facts).ok());
        let parts = parts.into_iter().map(|part| part.name).collect();
        Ok(hash.zip(known).map(|(hash, known)| Self { recording, part, hash, known, parts }))
    }

    /// What plugins know it by.
    pub(crate) fn id(&self) -> String {
        match &self.part {
            Some(part) => format!("{}/{part}", self.recording.id),
            None => self.recording.id.to_string(),
        }
    }

    /// A name that tells which call it is of: `2026-11-22.0915.4930123456.1-0.mp3`.
    pub(crate) fn name(&self, call: &Call, zone: &TimeZone) -> String {
        let at = i64::try_from(call.started.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let at = at.unwrap_or_default().to_zoned(zone.clone()).strftime("%Y-%m-%d.%H%M");
        let digits: String =
            call.external.iter().flat_map(|number| number.chars()).filter(char::is_ascii_digit).collect();
        let who = if digits.is_empty() { "unknown" } else { &digits };
        let part = self.part.as_deref().map(|part| format!(".{part}")).unwrap_or_default();
        let Recording { leg, place, .. } = &self.recording;
        format!("{at}.{who}.{leg}-{place}{part}.{}", self.known.facts.extension)
    }

    /// As plugins see it.
    pub(crate) fn seen(&self, call: &Call, zone: &TimeZone, left: Speaker) -> contract::Recording {
        let Facts { content_type, duration_ms, silence_ms, channels, damaged, why, .. } = &self.known.facts;
        let mut extra: Vec<(String, String)> = Vec::new();
        let mut say = |name: &str, value: Option<String>| extra.extend(value.map(|value| (name.to_owned(), value)));
        say("pbx", Some(self.recording.call.pbx.to_string()));
        say("channels", channels.map(|channels| channels.to_string()));
        say("silence-ms", silence_ms.map(|silence| silence.to_string()));
        say("sha256", Some(self.hash.clone()));
        say("note", why.clone());
        if self.part.is_none() {
            for (part, speaker) in ["left", "right"].into_iter().zip(left.words()) {
                if self.parts.iter().any(|known| known == part) {
                    say(part, Some(format!("{}/{part}", self.recording.id)));
                    say(&format!("{part}-speaker"), Some(speaker.to_owned()));
                }
            }
        }
        contract::Recording {
            id: self.id(),
            chain: self.recording.call.chain.to_string(),
            leg: self.recording.leg,
            index: self.recording.place,
            content_type: content_type.clone(),
            file_name: self.name(call, zone),
            size: self.known.size,
            duration_ms: *duration_ms,
            damaged: *damaged,
            extra,
        }
    }

    /// As it stands in the record of a request, in place of its bytes.
    pub(crate) fn described(&self, base64: bool) -> String {
        let how = if base64 { ", base64" } else { "" };
        format!("<recording {}, {} bytes, sha256 {}{how}>", self.id(), self.known.size, self.hash)
    }
}

impl Recordings {
    /// The file of a recording, or of a part of it, and its call; none if it is not here.
    pub(crate) async fn file(&self, id: RecordingId, part: Option<String>) -> Result<Option<(File, Call)>, Error> {
        let find = move |view: &View<'_>| {
            let Some(recording) = view.recording(id)? else { return Ok(None) };
            let Some(file) = File::of(view, recording, part)? else { return Ok(None) };
            Ok(view.call(&file.recording.call)?.map(|entry| (file, entry.call)))
        };
        self.journal.read(find).await
    }

    /// Where its bytes are.
    pub(crate) fn place(&self, file: &File) -> PathBuf {
        self.archive.path(&file.hash)
    }

    /// Its bytes, for the body of a request.
    pub(crate) fn enclosed(&self, file: &File, base64: bool) -> Arc<dyn Source> {
        Arc::new(Enclosed { path: self.place(file), base64 })
    }
}

/// A file in the body of a request.
struct Enclosed {
    path: PathBuf,
    base64: bool,
}

/// Who is heard on the left channel.
pub(crate) fn left(config: &Config) -> Speaker {
    let speech = config.recordings.as_ref().and_then(|recordings| recordings.speech.as_ref());
    speech.map(|speech| speech.left).unwrap_or_default()
}

/// How long a file is in base64.
pub(crate) fn base64_length(bytes: u64) -> u64 {
    bytes.div_ceil(3) * 4
}

impl Source for Enclosed {
    fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        let (path, base64) = (self.path.clone(), self.base64);
        stream::try_unfold(None, move |file| {
            let path = path.clone();
            async move {
                let mut file = match file {
                    Some(file) => file,
                    None => tokio::fs::File::open(&path).await?,
                };
                let mut piece = Vec::with_capacity(PIECE);
                // Whole groups of three but for the end: the pieces of base64 fit together.
                (&mut file).take(PIECE as u64).read_to_end(&mut piece).await?;
                if piece.is_empty() {
                    return Ok::<_, io::Error>(None);
                }
                let bytes = if base64 { STANDARD.encode(&piece).into() } else { Bytes::from(piece) };
                Ok(Some((bytes, Some(file))))
            }
        })
        .boxed()
    }
}
