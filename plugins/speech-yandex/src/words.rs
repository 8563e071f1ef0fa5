//! What was heard (reference, *AsyncRecognizer.GetRecognition*, "Response"): one JSON object after the other.
//!
//! The guide shows each of them inside of `result`, the reference without. `final` is what was heard, `finalRefinement` the
//! same with figures and marks. Where `final` begins is where the one before ended; when somebody really speaks stands at its
//! words.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_sdk::Turn;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// A service that says more than this of one recording, or of a time beyond it, is not believed.
const MOST_TURNS: usize = 20_000;
const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;

/// The words of a recording.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heard {
    /// As SpeechKit writes it, if it has said so.
    pub(crate) language: Option<String>,
    /// In order of time.
    pub(crate) turns: Vec<Turn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    result: Option<Box<Event>>,
    error: Option<IgnoredAny>,
    #[serde(default)]
    channel_tag: String,
    audio_cursors: Option<Cursors>,
    r#final: Option<Update>,
    final_refinement: Option<Refinement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cursors {
    #[serde(default, deserialize_with = "number")]
    final_index: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refinement {
    #[serde(default, deserialize_with = "number")]
    final_index: Option<u64>,
    normalized_text: Option<Update>,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default)]
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alternative {
    #[serde(default)]
    text: String,
    #[serde(default, deserialize_with = "number")]
    start_time_ms: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    end_time_ms: Option<u64>,
    #[serde(default)]
    words: Vec<Span>,
    #[serde(default)]
    languages: Vec<Language>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(default, deserialize_with = "number")]
    start_time_ms: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    end_time_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Language {
    #[serde(default)]
    language_code: String,
}

/// Whole numbers of 64 bits are texts in Google's JSON, and some servers write them as numbers.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
        Other(IgnoredAny),
    }
    Ok(match Written::deserialize(from)? {
        Written::Number(number) => Some(number),
        Written::Text(text) => text.parse().ok(),
        Written::Other(_) => None,
    })
}

/// A channel, and the number of what was said there: each channel counts by itself.
type Place = (String, u64);

/// Reads the whole answer. `speakers` is who speaks on the left and on the right channel.
///
/// # Errors
/// What is wrong with it: it breaks off, or tells of an error.
pub(crate) fn read(text: &str, speakers: Option<&[String; 2]>) -> Result<Heard, String> {
    let mut said: BTreeMap<Place, Alternative> = BTreeMap::new();
    for event in serde_json::Deserializer::from_str(text).into_iter::<Event>() {
        let mut event = event.map_err(|error| error.to_string())?;
        if let Some(inner) = event.result.take() {
            event = *inner;
        }
        if event.error.is_some() {
            return Err("it tells of an error in its midst".to_owned());
        }
        let cursor = event.audio_cursors.and_then(|cursors| cursors.final_index);
        let (index, update, refined) = match (event.final_refinement, event.r#final) {
            (Some(refinement), _) => (refinement.final_index.or(cursor), refinement.normalized_text, true),
            (None, update) => (cursor, update, false),
        };
        let alternative = update.and_then(|update| update.alternatives.into_iter().next());
        let Some(alternative) = alternative.filter(|alternative| !alternative.text.trim().is_empty()) else { continue };
        let place = (event.channel_tag, index.unwrap_or(said.len() as u64));
        if refined || !said.contains_key(&place) {
            said.insert(place, alternative);
        }
        if said.len() > MOST_TURNS {
            return Err(format!("it tells of more than {MOST_TURNS} turns"));
        }
    }
    let language = language(said.values());
    let mut turns = turns(said, speakers);
    turns.sort_by_key(|turn| turn.start_ms);
    Ok(Heard { language, turns })
}

fn turns(said: BTreeMap<Place, Alternative>, speakers: Option<&[String; 2]>) -> Vec<Turn> {
    let channels: BTreeSet<String> = said.keys().map(|(channel, _)| channel.clone()).collect();
    let turn = |((channel, _), spoken): (Place, Alternative)| {
        let (start_ms, end_ms) = spoken.time();
        let speaker = match (speakers, channel.as_str()) {
            // The first channel of a file is its left one. That SpeechKit counts them in the file's order is inferred.
            (Some([left, _]), "0") => left.clone(),
            (Some([_, right]), "1") => right.clone(),
            _ if channels.len() > 1 => {
                format!("speaker {}", channels.iter().position(|one| *one == channel).unwrap_or(0) + 1)
            }
            _ => String::new(),
        };
        Turn { speaker, start_ms, end_ms, text: spoken.text.trim().to_owned() }
    };
    said.into_iter().map(turn).collect()
}

impl Alternative {
    /// When it was said, in milliseconds from the beginning.
    fn time(&self) -> (u64, u64) {
        let first = self.words.first().and_then(|word| word.start_time_ms).or(self.start_time_ms);
        let last = self.words.last().and_then(|word| word.end_time_ms).or(self.end_time_ms);
        let start_ms = first.unwrap_or_default().min(LONGEST_MS);
        (start_ms, last.unwrap_or_default().clamp(start_ms, LONGEST_MS))
    }
}

/// The language of most of what was said.
fn language<'a>(said: impl Iterator<Item = &'a Alternative>) -> Option<String> {
    let mut heard: BTreeMap<&str, usize> = BTreeMap::new();
    for alternative in said {
        if let Some(language) = alternative.languages.first().filter(|language| !language.language_code.is_empty()) {
            *heard.entry(&language.language_code).or_default() += 1;
        }
    }
    heard.into_iter().max_by_key(|(_, times)| *times).map(|(language, _)| language.to_owned())
}

#[cfg(test)]
mod tests;
