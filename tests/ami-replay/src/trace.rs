//! A recording on disk: the bytes, when they were read, and which of them answered the recording client.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::message::{Message, split};

/// One recorded scenario.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The file name without its ending.
    pub name: String,
    /// What happened, from `X.expected.json`, if that file is there.
    pub title: Option<String>,
    pub(crate) bytes: Vec<u8>,
    /// One per network read: offset of its first byte and time after the first line of `X.ts.jsonl`.
    pub(crate) reads: Vec<(usize, Duration)>,
    /// Unix time (s) of the first line.
    pub(crate) recorded_at: i64,
    /// The server closed the connection at the end.
    pub(crate) ends_with_close: bool,
}

impl Trace {
    /// Loads `X.ami` with the `X.ts.jsonl` and `X.expected.json` beside it. Without the times everything is due at once.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read the trace {}", path.display()))?;
        if bytes.starts_with(b"Asterisk Call Manager") {
            bail!(
                "{} records a whole login, greeting included; only streams from behind a login can be played",
                path.display()
            );
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let beside = |ending: &str| path.with_file_name(format!("{name}.{ending}"));
        let mut trace = Self {
            title: title(&beside("expected.json"))?,
            name: name.clone(),
            bytes,
            reads: vec![(0, Duration::ZERO)],
            recorded_at: 0,
            ends_with_close: false,
        };
        let times = beside("ts.jsonl");
        if times.exists() {
            trace.read_times(&times).with_context(|| format!("cannot use {}", times.display()))?;
        }
        Ok(trace)
    }

    /// The same recording with another text in place of one of its texts, wherever that stands: a number, an id.
    ///
    /// # Errors
    /// When the recording does not contain `from`.
    pub fn renumbered(&self, from: &str, to: &str) -> Result<Self> {
        let mut places: Vec<usize> = Vec::new();
        for at in 0..self.bytes.len() {
            let behind_the_last = places.last().is_none_or(|last| last + from.len() <= at);
            if behind_the_last && self.bytes[at..].starts_with(from.as_bytes()) {
                places.push(at);
            }
        }
        if places.is_empty() {
            bail!("{} knows no {from}", self.name);
        }
        // What stands behind a replaced text moves, and so do the reads that begin there.
        let moved = |offset: usize| {
            let before = places.iter().take_while(|place| **place + from.len() <= offset).count();
            offset + before * to.len() - before * from.len()
        };
        let reads = self.reads.iter().map(|(start, due)| (moved(*start), *due)).collect();
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        for place in places {
            bytes.extend_from_slice(&self.bytes[at..place]);
            bytes.extend_from_slice(to.as_bytes());
            at = place + from.len();
        }
        bytes.extend_from_slice(&self.bytes[at..]);
        Ok(Self { bytes, reads, ..self.clone() })
    }

    /// The bytes that a client which masks nothing is sent: the recording without the answers to the recording client.
    pub fn broadcast_bytes(&self) -> Vec<u8> {
        self.messages().filter(|m| m.kind == Kind::Broadcast).flat_map(|m| self.bytes[m.range].to_vec()).collect()
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = Recorded> + '_ {
        split(&self.bytes).into_iter().map(|range| {
            let message = Message::parse(&self.bytes[range.clone()]);
            let kind = Kind::of(&message);
            Recorded { range, message, kind }
        })
    }

    /// When the read that holds the byte at `offset` began, after the start of the recording.
    pub(crate) fn due(&self, offset: usize) -> Duration {
        let next = self.reads.partition_point(|(start, _)| *start <= offset);
        next.checked_sub(1).map_or(Duration::ZERO, |at| self.reads[at].1)
    }

    fn read_times(&mut self, path: &Path) -> Result<()> {
        let text = std::fs::read_to_string(path)?;
        let mut origin = None;
        let mut expected = 0;
        self.reads.clear();
        for (number, line) in text.lines().enumerate() {
            let line: Value = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
            let time = line["t"].as_f64().with_context(|| format!("line {}: no `t`", number + 1))?;
            let origin = *origin.get_or_insert(time);
            match line["dir"].as_str() {
                Some("in") => {
                    let offset = line["off"].as_u64().unwrap_or_default() as usize;
                    if offset != expected {
                        bail!("line {}: offset {offset} where {expected} was due", number + 1);
                    }
                    expected += line["len"].as_u64().unwrap_or_default() as usize;
                    self.reads.push((offset, Duration::from_secs_f64((time - origin).max(0.0))));
                }
                Some("eof") => self.ends_with_close = true,
                _ => {}
            }
        }
        if expected != self.bytes.len() {
            bail!("it describes {expected} bytes, the trace has {}", self.bytes.len());
        }
        self.recorded_at = origin.unwrap_or_default() as i64;
        Ok(())
    }
}

/// One message of a recording.
pub(crate) struct Recorded {
    pub(crate) range: Range<usize>,
    pub(crate) message: Message,
    pub(crate) kind: Kind,
}

/// Whom a recorded message was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every client that may see its class.
    Broadcast,
    /// The recording client alone: its answers, its list rows, the greeting event of its login.
    Answer,
}

impl Kind {
    /// A list row carries an `ActionID` and no `Privilege: class,all`; OriginateResponse has both and goes to everybody.
    fn of(message: &Message) -> Self {
        let answers = message.get("Response").is_some() && message.get("Event").is_none()
            || message.get("ActionID").is_some() && message.broadcast_class().is_none()
            || message.event() == "FullyBooted";
        if answers { Self::Answer } else { Self::Broadcast }
    }
}

fn title(path: &Path) -> Result<Option<String>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path)?;
    let json: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    Ok(json["title"].as_str().map(str::to_owned))
}
