//! The export: a file to words, and words to a summary.

use hookswitch_sdk::recording::{Side, sides};
use hookswitch_sdk::{Failure, Progress, Recording, Speech, Transcript};

use crate::options::{Options, Summaries};
use crate::server::{self, Sound};
use crate::{SpeechOpenAi, language, summary, words};

impl Speech for SpeechOpenAi {
    fn start(file: Recording, language: String) -> Result<Progress, Failure> {
        let options = Options::read()?;
        let asked = language::asked(&language);
        let duration_ms = file.duration_ms.unwrap_or_default();
        let mut heard = Vec::new();
        // Who said what is known for certain where each side is heard by itself.
        for (sound, speaker) in sounds(file, options.largest)? {
            let answer = server::transcribe(sound, asked.as_deref(), &options)?;
            let read = words::read(&answer.text, options.form, &speaker, duration_ms);
            heard.push(read.ok_or_else(|| answer.not_understood("it is no transcription, or half of one"))?);
        }
        let heard = words::merge(heard);
        let language = if language.is_empty() { heard.language } else { language };
        Ok(Progress::Done(Transcript { language, turns: heard.turns, ..Transcript::default() }))
    }

    fn summarise(words: Transcript) -> Result<String, Failure> {
        let options = Summaries::read()?;
        match summary::request(&words, &options) {
            Some(body) => summary::read(&server::complete(&body, &options)?),
            None => Ok(String::new()),
        }
    }
}

/// What is sent, with whose words it holds.
///
/// # Errors
/// *Rejected*: it is too large. How large the sides are is not known: each has the bitrate of MP3s, and a server that finds
/// one too large says so itself.
fn sounds(file: Recording, largest: u64) -> Result<Vec<(Sound, String)>, Failure> {
    let sound = |Side { id, speaker, content_type }| {
        let extension = "mp3".to_owned();
        (Sound { id, extension, content_type }, speaker)
    };
    if let Some(sides) = sides(&file) {
        return Ok(sides.map(sound).into());
    }
    file.fits(largest, "the server (setting `largest-mb`)")?;
    let extension = file.extension().unwrap_or_default();
    Ok(vec![(Sound { id: file.id, extension, content_type: file.content_type }, String::new())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, extra: &[(&str, &str)]) -> Recording {
        Recording {
            id: "7".into(),
            content_type: "audio/mpeg".into(),
            file_name: "2026-11-22_0915_4930123456_1-0.mp3".into(),
            size,
            extra: extra.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            ..Recording::default()
        }
    }

    #[test]
    fn each_side_is_heard_by_itself_where_there_are_two() {
        let both = [("left", "7/left"), ("left-speaker", "agent"), ("right", "7/right"), ("right-speaker", "external")];
        // The whole may be a WAV that is too large.
        let sent = sounds(file(9, &both), 1).unwrap();
        let sent: Vec<_> = sent.into_iter().map(|(sound, speaker)| (sound.id, speaker)).collect();
        assert_eq!(sent, [("7/left".to_owned(), "agent".to_owned()), ("7/right".to_owned(), "external".to_owned())]);
        let whole = Sound { id: "7".into(), extension: "mp3".into(), content_type: "audio/mpeg".into() };
        assert_eq!(sounds(file(1, &[]), 1), Ok(vec![(whole, String::new())]));
    }

    #[test]
    fn what_is_too_large_is_not_sent() {
        assert!(matches!(sounds(file(2, &[]), 1), Err(Failure::Rejected(_))));
    }
}
