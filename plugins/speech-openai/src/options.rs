//! The admin's settings.

use std::ops::RangeInclusive;

use hookswitch_sdk::manifest::Setting;
use hookswitch_sdk::{Failure, Transcript, settings};

/// Where OpenAI is.
const OPENAI: &str = "https://api.openai.com";
/// OpenAI takes no larger file (reference, *Create transcription*).
const LARGEST_MB: u64 = 25;
/// About ten thousand tokens: three quarters of an hour of talk.
const SUMMARY_CHARACTERS: u64 = 40_000;
/// Of less there is nothing to sum up, and more no model reads.
const CHARACTERS: RangeInclusive<u64> = 500..=1_000_000;

/// Which form a transcription is asked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// With times of each segment.
    Verbose,
    /// The text alone, in JSON.
    Json,
    Text,
}

impl Form {
    /// As the API calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verbose => "verbose_json",
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

/// How recordings are turned into words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    /// Address of the server, without `/v1`.
    pub(crate) url: String,
    pub(crate) model: String,
    pub(crate) form: Form,
    pub(crate) prompt: Option<String>,
    pub(crate) temperature: Option<String>,
    /// Bytes that the server takes.
    pub(crate) largest: u64,
}

/// How conversations are summed up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summaries {
    pub(crate) url: String,
    /// Whether that is another server than the one for recordings, with a key of its own.
    pub(crate) apart: bool,
    pub(crate) model: String,
    pub(crate) prompt: String,
    /// So much of a conversation is sent.
    pub(crate) characters: usize,
}

/// All settings, as the manifest shows them.
pub(crate) fn declared() -> [Setting; 10] {
    [
        Setting::text(
            "url",
            "Server",
            "Address of the server, such as http://127.0.0.1:8000 for one in the house. Grant it in allow.http.",
        )
        .default(OPENAI),
        Setting::text("model", "Model", "The name by which the server knows the model that hears.")
            .default("whisper-1"),
        Setting::choice(
            "response-format",
            "Form of answers",
            "verbose_json tells when each sentence was said. Models that cannot (gpt-4o-transcribe) need json.",
            [Form::Verbose.name(), Form::Json.name(), Form::Text.name()],
        ),
        Setting::text(
            "prompt",
            "Words to expect",
            "Names and terms in the right spelling, in the language of the calls: they guide the model. Empty: none.",
        ),
        Setting::text("temperature", "Temperature", "0 to 1: how freely the model guesses. Empty: the server's own."),
        Setting::number("largest-mb", "Largest file", "What is larger (in MB) is not sent.")
            .default(&LARGEST_MB.to_string()),
        Setting::text(
            "chat-url",
            "Server for summaries",
            "Address of the server that sums up, if it is another one; its key is credentials.chat-key. Empty: the same.",
        ),
        Setting::text("chat-model", "Model for summaries", "The name of the model that sums up.")
            .default("gpt-4o-mini"),
        Setting::text("summary-prompt", "Order for summaries", "What the model is told to do with a conversation.")
            .default(Transcript::SUMMARY),
        Setting::number(
            "summary-characters",
            "Length of conversations",
            "So many characters of a conversation are sent; the middle of a longer one is left out.",
        )
        .default(&SUMMARY_CHARACTERS.to_string()),
    ]
}

impl Options {
    /// # Errors
    /// *Not configured*: which setting is wrong, and how.
    pub(crate) fn read() -> Result<Self, Failure> {
        let form = match settings::get("response-format").as_deref() {
            Some("json") => Form::Json,
            Some("text") => Form::Text,
            _ => Form::Verbose,
        };
        Ok(Self {
            url: base("url", &settings::get("url").unwrap_or_else(|| OPENAI.to_owned()))?,
            model: settings::get("model").unwrap_or_default(),
            form,
            prompt: settings::get("prompt"),
            temperature: settings::get("temperature").map(temperature).transpose()?,
            largest: settings::number("largest-mb", LARGEST_MB, 1..=1_000_000)?.saturating_mul(1024 * 1024),
        })
    }
}

impl Summaries {
    /// # Errors
    /// *Not configured*: which setting is wrong, and how.
    pub(crate) fn read() -> Result<Self, Failure> {
        let own = settings::get("chat-url");
        let url = match &own {
            Some(url) => base("chat-url", url)?,
            None => Options::read()?.url,
        };
        let characters = settings::number("summary-characters", SUMMARY_CHARACTERS, CHARACTERS)?;
        Ok(Self {
            url,
            apart: own.is_some(),
            model: settings::get("chat-model").unwrap_or_default(),
            prompt: settings::get("summary-prompt").unwrap_or_else(|| Transcript::SUMMARY.to_owned()),
            characters: usize::try_from(characters).unwrap_or(usize::MAX),
        })
    }
}

/// An address as people write it: with or without a slash or the version at its end.
fn base(setting: &str, url: &str) -> Result<String, Failure> {
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(Failure::NotConfigured(format!(
            "setting `{setting}` is no address: it begins with https:// or http://"
        )));
    }
    let url = url.trim_end_matches('/');
    Ok(url.strip_suffix("/v1").unwrap_or(url).to_owned())
}

fn temperature(value: String) -> Result<String, Failure> {
    let parsed: Option<f64> = value.parse().ok().filter(|degrees| (0.0..=1.0).contains(degrees));
    parsed
        .map(|_| value)
        .ok_or_else(|| Failure::NotConfigured("setting `temperature` is a number from 0 to 1".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_people_write_it() {
        for url in
            ["http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/"]
        {
            assert_eq!(base("url", url), Ok("http://127.0.0.1:8000".to_owned()));
        }
        assert_eq!(base("url", "https://ai.example.com/team/v1"), Ok("https://ai.example.com/team".to_owned()));
        assert!(matches!(base("url", "api.openai.com"), Err(Failure::NotConfigured(_))));
    }

    #[test]
    fn a_temperature_is_a_share() {
        assert_eq!(temperature("0.2".into()), Ok("0.2".to_owned()));
        for wrong in ["2", "-1", "warm", "NaN"] {
            assert!(temperature(wrong.into()).is_err(), "{wrong}");
        }
    }
}
