//! `POST /stt/v3/recognizeFileAsync`.

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use fake_whisper::{Lessons, Segment, Sound, wire::Request};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::refusal::Refusal;

/// Limits, "Maximum file size when uploading in an API v3 request body".
const LARGEST: usize = 60 << 20;
/// *Supported languages and recognition models*.
const LANGUAGES: &str =
    "auto de-DE en-US es-ES fi-FI fr-FR he-HE it-IT kk-KZ nl-NL pl-PL pt-PT pt-BR ru-RU sv-SE tr-TR uz-UZ";
const MODELS: [&str; 6] = [
    "general",
    "general:rc",
    "general:deprecated",
    "deferred-general",
    "deferred-general:rc",
    "deferred-general:deprecated",
];

/// A file that it has listened to.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The id of the operation.
    pub operation: String,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
    /// SHA-256 of them, in hexadecimal.
    pub hash: String,
    /// What is in it; why it cannot be heard.
    pub sound: Result<Sound, String>,
    /// What was to be expected: `["ru-RU"]`.
    pub languages: Vec<String>,
    /// The model that was asked for.
    pub model: String,
    /// What was heard on each channel, left first.
    pub channels: Vec<Vec<Segment>>,
    /// The language that was heard.
    pub language: Option<String>,
}

pub(crate) fn listen(request: &Request, operation: String, lessons: &Lessons) -> Result<Heard, Refusal> {
    let order = Order::read(request).map_err(|error| Refusal::invalid(&error))?;
    if order.bytes.len() > LARGEST {
        return Err(Refusal::new(413, 3, format!("request body of {} bytes is too large", order.bytes.len())));
    }
    let sound = order.sound().map_err(|error| format!("{error:#}"));
    let heard: Vec<_> = match &sound {
        Ok(sound) => (0..sound.channels()).map(|channel| lessons.recognise(&sound.channel(channel))).collect(),
        Err(_) => Vec::new(),
    };
    Ok(Heard {
        operation,
        hash: Sha256::digest(&order.bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        language: heard.iter().flatten().next().map(|lesson| lesson.language.clone()),
        channels: heard.iter().map(|lesson| lesson.map(|lesson| lesson.segments.clone()).unwrap_or_default()).collect(),
        bytes: order.bytes,
        sound,
        languages: order.languages,
        model: order.model,
    })
}

struct Order {
    bytes: Vec<u8>,
    container: String,
    languages: Vec<String>,
    model: String,
    label: bool,
}

impl Order {
    fn read(request: &Request) -> Result<Self> {
        ensure!(request.head.content_type() == "application/json", "the type {}", request.head.content_type());
        let body: Value = serde_json::from_slice(&request.body).context("the body is no JSON")?;
        only(&body, &["content", "recognitionModel", "speakerLabeling", "speechAnalysis", "recognitionClassifier"])?;
        let content = body["content"].as_str().context("content or uri should be set")?;
        let bytes = STANDARD.decode(content).context("content is no base64")?;
        ensure!(!bytes.is_empty(), "content is empty");
        let model = &body["recognitionModel"];
        only(model, &["model", "audioFormat", "textNormalization", "languageRestriction", "audioProcessingType"])?;
        only(&model["audioFormat"], &["containerAudio"])?;
        only(&model["audioFormat"]["containerAudio"], &["containerAudioType"])?;
        let container =
            one_of(&model["audioFormat"]["containerAudio"]["containerAudioType"], &["WAV", "OGG_OPUS", "MP3"])?;
        let normalization = &model["textNormalization"];
        only(normalization, &["textNormalization", "profanityFilter", "literatureText", "phoneFormattingMode"])?;
        one_of(&normalization["textNormalization"], &["TEXT_NORMALIZATION_ENABLED", "TEXT_NORMALIZATION_DISABLED"])?;
        let restriction = &model["languageRestriction"];
        only(restriction, &["restrictionType", "languageCode"])?;
        one_of(&restriction["restrictionType"], &["WHITELIST", "BLACKLIST"])?;
        let languages = restriction["languageCode"].as_array().context("languageCode is no list")?;
        let languages =
            languages.iter().map(|code| code.as_str().map(str::to_owned).context("a language that is no text"));
        let languages = languages.collect::<Result<Vec<_>>>()?;
        let is_known = |code: &String| LANGUAGES.split(' ').any(|known| known == code);
        ensure!(!languages.is_empty() && languages.iter().all(is_known), "the languages {languages:?}");
        one_of(&model["audioProcessingType"], &["REAL_TIME", "FULL_DATA"])?;
        only(&body["speakerLabeling"], &["speakerLabeling"])?;
        let labeling = &body["speakerLabeling"]["speakerLabeling"];
        let label =
            one_of(labeling, &["SPEAKER_LABELING_DISABLED", "SPEAKER_LABELING_ENABLED"])? == "SPEAKER_LABELING_ENABLED";
        Ok(Self { bytes, container, languages, model: one_of(&model["model"], &MODELS)?, label })
    }

    /// What the container holds, if it is what it was called.
    fn sound(&self) -> Result<Sound> {
        let kind = Sound::kind(&self.bytes).context("unknown audio")?;
        let called = match self.container.as_str() {
            "WAV" => "wav",
            "MP3" => "mp3",
            _ => "ogg",
        };
        ensure!(kind == called, "{} expected, and {kind} found", self.container);
        let sound = Sound::read(&self.bytes)?;
        ensure!(kind != "wav" || sound.linear16, "WAV should be 16-bit linear PCM");
        ensure!(!self.label || sound.channels() == 1, "speaker labeling is for one channel");
        Ok(sound)
    }
}

/// Whatever the reference does not know is refused.
pub(crate) fn only(value: &Value, known: &[&str]) -> Result<()> {
    for key in value.as_object().context("an object is missing")?.keys() {
        ensure!(known.contains(&key.as_str()), "unknown field {key}");
    }
    Ok(())
}

pub(crate) fn one_of(value: &Value, known: &[&str]) -> Result<String> {
    let text = value.as_str().with_context(|| format!("one of {known:?} is missing"))?;
    ensure!(known.contains(&text), "{text} is none of {known:?}");
    Ok(text.to_owned())
}
