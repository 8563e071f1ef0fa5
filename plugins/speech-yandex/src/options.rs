//! The admin's settings.

use std::ops::RangeInclusive;

use hookswitch_sdk::manifest::Setting;
use hookswitch_sdk::{Failure, Transcript, settings};

/// Where the services are in Russia (reference; guide). In other regions of the cloud they have other names.
pub(crate) const RECOGNITION: &str = "https://stt.api.cloud.yandex.net";
pub(crate) const OPERATIONS: &str = "https://operation.api.cloud.yandex.net";
pub(crate) const COMPLETIONS: &str = "https://llm.api.cloud.yandex.net";
/// Limits, "Maximum file size when uploading in an API v3 request body".
const LARGEST_MB: u64 = 60;
/// Well within what the models of YandexGPT read.
const SUMMARY_CHARACTERS: u64 = 30_000;
/// Of less there is nothing to sum up, and more no model reads.
const CHARACTERS: RangeInclusive<u64> = 500..=1_000_000;

/// The cloud, and which folder of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) folder: Option<String>,
    pub(crate) recognition: String,
    pub(crate) operations: String,
    pub(crate) completions: String,
}

/// How recordings are turned into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) model: String,
    pub(crate) label_speakers: bool,
    pub(crate) profanity_filter: bool,
    /// Bytes of a recording that the service takes.
    pub(crate) largest: u64,
}

/// How conversations are summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summaries {
    /// `gpt://FOLDER/MODEL`.
    pub(crate) model_uri: String,
    pub(crate) prompt: String,
    pub(crate) characters: usize,
}

/// All settings, as the manifest shows them.
pub(crate) fn declared() -> [Setting; 11] {
    [
        Setting::text("folder", "Folder", "Id of the folder in the cloud. Summaries need it, and IAM tokens."),
        Setting::text(
            "model",
            "Model",
            "general, general:rc, or deferred-general, which costs less and takes up to a day.",
        )
        .default("general"),
        Setting::flag(
            "label-speakers",
            "Tell speakers apart",
            "In recordings with one channel, by their voices: two at most. With two channels each is one side anyway.",
        ),
        Setting::flag("profanity-filter", "Hide swear words", "They are written with asterisks."),
        Setting::number("largest-mb", "Largest file", "What is larger (in MB) is not sent.")
            .default(&LARGEST_MB.to_string()),
        Setting::text("stt-url", "Address of the recognition", "Grant it in allow.http.").default(RECOGNITION),
        Setting::text("operation-url", "Address of operations", "Grant it in allow.http.").default(OPERATIONS),
        Setting::text("llm-url", "Address of YandexGPT", "Only for summaries. Grant it in allow.http.")
            .default(COMPLETIONS),
        Setting::text(
            "summary-model",
            "Model for summaries",
            "Its name, such as yandexgpt or yandexgpt-lite, or the whole address gpt://…",
        )
        .default("yandexgpt-lite"),
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

impl Account {
    /// # Errors
    /// *Not configured*: which setting is wrong, and how.
    pub(crate) fn read() -> Result<Self, Failure> {
        Ok(Self {
            folder: settings::get("folder"),
            recognition: address("stt-url", RECOGNITION)?,
            operations: address("operation-url", OPERATIONS)?,
            completions: address("llm-url", COMPLETIONS)?,
        })
    }
}

impl Options {
    /// # Errors
    /// *Not configured*: which setting is wrong, and how.
    pub(crate) fn read() -> Result<Self, Failure> {
        Ok(Self {
            model: settings::get("model").unwrap_or_default(),
            label_speakers: settings::flag("label-speakers"),
            profanity_filter: settings::flag("profanity-filter"),
            largest: settings::number("largest-mb", LARGEST_MB, 1..=1_000_000)?.saturating_mul(1024 * 1024),
        })
    }
}

impl Summaries {
    /// # Errors
    /// *Not configured*: which setting is wrong, and how.
    pub(crate) fn read(account: &Account) -> Result<Self, Failure> {
        let model = settings::get("summary-model").unwrap_or_default();
        let characters = settings::number("summary-characters", SUMMARY_CHARACTERS, CHARACTERS)?;
        Ok(Self {
            model_uri: model_uri(&model, account.folder.as_deref())?,
            prompt: settings::get("summary-prompt").unwrap_or_else(|| Transcript::SUMMARY.to_owned()),
            characters: usize::try_from(characters).unwrap_or(usize::MAX),
        })
    }
}

fn model_uri(model: &str, folder: Option<&str>) -> Result<String, Failure> {
    match folder {
        _ if model.contains("://") => Ok(model.to_owned()),
        Some(folder) => Ok(format!("gpt://{folder}/{model}")),
        None => Err(Failure::NotConfigured("setting `folder` is empty: summaries need the folder's id".to_owned())),
    }
}

fn address(setting: &str, usual: &str) -> Result<String, Failure> {
    let url = settings::get(setting).unwrap_or_else(|| usual.to_owned());
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(Failure::NotConfigured(format!("setting `{setting}` is no address: it begins with https://")));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_within_its_folder() {
        assert_eq!(model_uri("yandexgpt", Some("b1g")), Ok("gpt://b1g/yandexgpt".to_owned()));
        assert_eq!(model_uri("ds://b1g/tuned", None), Ok("ds://b1g/tuned".to_owned()));
        assert!(matches!(model_uri("yandexgpt", None), Err(Failure::NotConfigured(_))));
    }
}
