//! The recordings that the host holds. The manifest asks for it with
//! [`Manifest::recordings`](crate::Manifest::recordings).
//!
//! To upload one, name its id in the body of a request ([`Part`](crate::http::Part)): then its bytes never pass through
//! the plugin.

use crate::bindings::imports::hookswitch::plugin::recording;
use crate::{Failure, Problem, Recording};

/// Nothing is known: fill in what a test needs, `Recording { id, size, ..Recording::default() }`.
impl Default for Recording {
    fn default() -> Self {
        Self {
            id: String::new(),
            chain: String::new(),
            leg: 0,
            index: 0,
            content_type: String::new(),
            file_name: String::new(),
            size: 0,
            duration_ms: None,
            damaged: false,
            extra: Vec::new(),
        }
    }
}

impl Recording {
    /// The extension of its name, in lower case: it fits the type, and tells Opus in Ogg (`opus`) from other sound there.
    pub fn extension(&self) -> Option<String> {
        self.file_name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
    }

    /// Whether it is small enough for a server that takes `largest` bytes; `server` is its name for the admin, with the setting
    /// that says so.
    ///
    /// # Errors
    /// *Rejected*: it is not, and the server would only say so after all of it was sent.
    pub fn fits(&self, largest: u64, server: &str) -> Result<(), Failure> {
        if self.size <= largest {
            return Ok(());
        }
        let mb = |bytes: u64| bytes.div_ceil(1024 * 1024);
        let (id, size, most) = (&self.id, mb(self.size), mb(largest));
        let text = format!(
            "recording {id} has {size} MB, and {server} takes {most}: [recordings] format = \"mp3\" makes later ones smaller"
        );
        Err(Failure::rejected("too-large", text))
    }

    /// What else the host says of it under this name, if that is not empty: `pbx` is the phone system of its call.
    pub fn extra(&self, name: &str) -> Option<&str> {
        let value = self.extra.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }
}

/// One side of a conversation that was recorded on two channels: a file of its own, an MP3 with one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// As a recording's: for the body of a request.
    pub id: String,
    /// `agent` or `external`; empty if the host does not know whose channel it is.
    pub speaker: String,
    pub content_type: String,
}

/// The two sides of a recording, the left channel first, where the host offers them: by `left` and `right` in `extra`,
/// with `left-speaker` and `right-speaker`. None: the recording has one channel, or nobody can take it apart.
pub fn sides(file: &Recording) -> Option<[Side; 2]> {
    Some([side(file, "left")?, side(file, "right")?])
}

fn side(file: &Recording, name: &str) -> Option<Side> {
    let id = file.extra(name)?.to_owned();
    let speaker = file.extra(&format!("{name}-speaker")).unwrap_or_default().to_owned();
    Some(Side { id, speaker, content_type: "audio/mpeg".to_owned() })
}

/// Finds the files of a call, by `call.chain`, in the order of leg and index. Empty: none, or none yet.
pub fn of_call(chain: &str) -> Vec<Recording> {
    recording::of_call(chain)
}

/// Reads at most `length` bytes from `offset`, 1 MiB at a time. Fewer bytes than asked: that was the end.
///
/// # Errors
/// *Other*, with the host's words: there is no such recording, or it cannot be read.
pub fn read(id: &str, offset: u64, length: u32) -> Result<Vec<u8>, Failure> {
    recording::read(id, offset, length).map_err(|detail| {
        let (code, text) = ("recording".into(), "the recording cannot be read".into());
        Failure::Other(Problem { code, text, detail })
    })
}

/// Makes a link to the file on the host's public address. It works for `ttl_s` seconds, with `once` for a single
/// download.
///
/// # Errors
/// *Not configured*: what is missing, as when no public address is configured.
pub fn sign_link(id: &str, ttl_s: u32, once: bool) -> Result<String, Failure> {
    recording::sign_link(id, ttl_s, once).map_err(Failure::NotConfigured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(extra: &[(&str, &str)]) -> Recording {
        Recording {
            content_type: "audio/wav".into(),
            extra: extra.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            ..Recording::default()
        }
    }

    #[test]
    fn what_is_too_large_is_named_by_its_id_alone() {
        let file = |size| Recording {
            id: "17".into(),
            file_name: "2026-11-22_0915_4930123456_1-0.wav".into(),
            size,
            ..Recording::default()
        };
        assert_eq!(file(1024 * 1024).fits(1024 * 1024, "the server"), Ok(()));
        let Err(Failure::Rejected(problem)) = file(1024 * 1024 + 1).fits(1024 * 1024, "the server") else {
            panic!("it fits")
        };
        assert!(problem.text.starts_with("recording 17 has 2 MB, and the server takes 1:"), "{}", problem.text);
        assert!(!problem.text.contains("4930"), "{}", problem.text);
    }

    #[test]
    fn an_extension_is_what_stands_behind_the_last_dot() {
        for (name, extension) in [("call.mp3", Some("mp3")), ("a.b.WAV", Some("wav")), ("mp3", None)] {
            let file = Recording { file_name: name.into(), ..Recording::default() };
            assert_eq!(file.extension().as_deref(), extension, "{name}");
        }
    }

    #[test]
    fn a_recording_has_two_sides_or_none() {
        assert_eq!(sides(&file(&[])), None);
        assert_eq!(sides(&file(&[("left", "7/left"), ("left-speaker", "agent")])), None);
        assert_eq!(sides(&file(&[("left", "7/left"), ("right", "")])), None);
    }

    #[test]
    fn a_side_is_an_mp3_whatever_the_whole_is() {
        let [left, right] =
            sides(&file(&[("right", "7/right"), ("left", "7/left"), ("left-speaker", "agent")])).unwrap();
        assert_eq!((left.id.as_str(), left.speaker.as_str()), ("7/left", "agent"));
        assert_eq!(left.content_type, "audio/mpeg");
        assert_eq!((right.id.as_str(), right.speaker.as_str()), ("7/right", ""));
    }
}
