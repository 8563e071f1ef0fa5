//! Requests, and their answers.

use hookswitch_sdk::http::{Answer, Effect, FormPart, Part, Request};
use hookswitch_sdk::{Failure, clock};
use serde_json::Value;

use crate::answer::{self, Asked};
use crate::options::{Options, Summaries};

/// The handle of the key for recordings, and for summaries where another server makes them.
pub(crate) const KEY: &str = "key";
pub(crate) const CHAT_KEY: &str = "chat-key";

/// The longest that a model may think: the job's deadline is a minute.
const THINKING_MS: u32 = 55_000;

/// A file that is sent to be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sound {
    pub(crate) id: String,
    /// Servers go by it. The name of a recording is not for them: it has the caller's number in it.
    pub(crate) extension: String,
    pub(crate) content_type: String,
}

/// Sends a file to be heard.
///
/// # Errors
/// The server did not take it, or cannot be reached.
pub(crate) fn transcribe(sound: Sound, language: Option<&str>, options: &Options) -> Result<Answer, Failure> {
    let Sound { id, extension, content_type } = sound;
    let file = FormPart {
        name: "file".into(),
        file_name: Some(format!("recording.{extension}")),
        content_type: Some(content_type),
        part: Part::Recording(id),
    };
    let mut parts =
        vec![file, FormPart::field("model", &options.model), FormPart::field("response_format", options.form.name())];
    let fields = [
        ("language", language),
        ("prompt", options.prompt.as_deref()),
        ("temperature", options.temperature.as_deref()),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some(FormPart::field(name, value?)));
    parts.extend(fields);
    let url = format!("{}/v1/audio/transcriptions", options.url);
    // Hearing a file twice costs twice and changes nothing. As a write it is not paid for again where a later try of the job
    // needs the answer once more.
    let request = Request::post(&url, Effect::Idempotent).credential(KEY).multipart(parts);
    answer::success(request.send()?, of_recordings(options), &clock::now_ms)
}

/// Has a conversation summed up.
///
/// # Errors
/// The server did not do it, or cannot be reached.
pub(crate) fn complete(body: &Value, options: &Summaries) -> Result<Answer, Failure> {
    let asked = of_summaries(options);
    let url = format!("{}/v1/chat/completions", options.url);
    let request = Request::post(&url, Effect::Idempotent).credential(asked.key).json(body).timeout_ms(THINKING_MS);
    answer::success(request.send()?, asked, &clock::now_ms)
}

/// Asks which models a server has; none: it answers, and does not say.
///
/// # Errors
/// It cannot be reached, or does not accept the key.
pub(crate) fn models(asked: Asked<'_>) -> Result<Option<Vec<String>>, Failure> {
    let answer = Request::get(&format!("{}/v1/models", asked.url)).credential(asked.key).send()?;
    // whisper.cpp has no such list.
    if matches!(answer.status, 404 | 405) {
        return Ok(None);
    }
    let listed: Value = answer::success(answer, asked, &clock::now_ms)?.json()?;
    let models = listed
        .get("data")
        .and_then(Value::as_array)
        .map(|models| models.iter().filter_map(|model| model.get("id")?.as_str()).map(str::to_owned).collect());
    Ok(models)
}

pub(crate) fn of_recordings(options: &Options) -> Asked<'_> {
    Asked { url: &options.url, url_setting: "url", model_setting: "model", key: KEY }
}

pub(crate) fn of_summaries(options: &Summaries) -> Asked<'_> {
    let (url_setting, key) = if options.apart { ("chat-url", CHAT_KEY) } else { ("url", KEY) };
    Asked { url: &options.url, url_setting, model_setting: "chat-model", key }
}
