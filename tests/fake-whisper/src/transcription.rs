//! `POST /v1/audio/transcriptions`.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    Lessons, Segment, Sound,
    multipart::{self, Part},
    wire::{Answer, Request},
};

/// The reference: files up to 25 MB.
const LARGEST: usize = 25 << 20;
/// "Audio file is too short. Minimum audio length is 0.1 seconds."
const SHORTEST_MS: u64 = 100;
const EXTENSIONS: [&str; 9] = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "ogg", "wav", "webm"];
const FIELDS: [&str; 6] = ["file", "model", "response_format", "language", "prompt", "temperature"];

/// A file that it has listened to.
#[derive(Clone, Debug)]
pub struct Heard {
    /// As it was named.
    pub file_name: String,
    /// As it was called.
    pub content_type: String,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
    /// SHA-256 of them, in hexadecimal.
    pub hash: String,
    /// What is in it.
    pub sound: Sound,
    /// The model that was asked for.
    pub model: String,
    /// The language that was named.
    pub language: Option<String>,
    /// The words that were to be expected.
    pub prompt: Option<String>,
    /// What was answered, put together.
    pub text: String,
}

/// Why nothing was heard.
pub(crate) struct Refused {
    pub(crate) answer: Answer,
    /// What the real one would say too, and what a client should never do.
    pub(crate) why: String,
}

pub(crate) fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
}

pub(crate) fn transcribe(request: &Request, models: &[&str], lessons: &Lessons) -> Result<(Heard, Answer), Refused> {
    let invalid =
        |message: String| Refused { answer: error(400, "invalid_request_error", None, &message), why: message };
    let parts = multipart::read(request).map_err(|error| invalid(format!("{error:#}")))?;
    let form = Form::read(&parts).map_err(|error| invalid(format!("{error:#}")))?;
    if form.file.bytes.len() > LARGEST {
        let size = form.file.bytes.len();
        let message = format!("413: Maximum content size limit ({LARGEST}) exceeded ({size} bytes read)");
        return Err(Refused { answer: error(413, "server_error", None, &message), why: message });
    }
    if !models.contains(&form.model) {
        let message = format!("The model `{}` does not exist or you do not have access to it.", form.model);
        return Err(Refused {
            answer: error(404, "invalid_request_error", Some("model_not_found"), &message),
            why: message,
        });
    }
    let sound = Sound::read(&form.file.bytes);
    let sound = sound.map_err(|error| {
        invalid(format!("The audio file could not be decoded or its format is not supported. {error:#}"))
    })?;
    if sound.duration_ms() < SHORTEST_MS {
        return Err(invalid("Audio file is too short. Minimum audio length is 0.1 seconds.".to_owned()));
    }
    let lesson = lessons.recognise(&sound);
    let segments = match lesson {
        Some(lesson) => lesson.segments.clone(),
        None => Vec::new(),
    };
    let language = form.language.map(str::to_owned).or_else(|| lesson.map(|lesson| lesson.language.clone()));
    let silent = lesson.is_none() && sound.is_silent();
    let answer = answer(form.form, &segments, silent, language.as_deref().unwrap_or("en"), &sound);
    let heard = Heard {
        file_name: form.file_name.to_owned(),
        content_type: form.file.content_type.clone().unwrap_or_default(),
        hash: Sha256::digest(&form.file.bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        bytes: form.file.bytes.clone(),
        sound,
        model: form.model.to_owned(),
        language: form.language.map(str::to_owned),
        prompt: form.prompt.map(str::to_owned),
        text: whole(&segments),
    };
    Ok((heard, answer))
}

/// The fields of a request.
struct Form<'a> {
    file: &'a Part,
    file_name: &'a str,
    model: &'a str,
    form: &'a str,
    language: Option<&'a str>,
    prompt: Option<&'a str>,
}

impl<'a> Form<'a> {
    fn read(parts: &'a [Part]) -> Result<Self> {
        for part in parts {
            ensure!(FIELDS.contains(&part.name.as_str()), "Unrecognized request argument supplied: {}", part.name);
            ensure!(parts.iter().filter(|other| other.name == part.name).count() == 1, "{} comes twice", part.name);
        }
        let part = |name: &str| parts.iter().find(|part| part.name == name);
        let field = |name: &str| -> Result<Option<&'a str>> {
            let Some(part) = part(name) else { return Ok(None) };
            ensure!(part.file_name.is_none(), "{name} is a file");
            Ok(Some(std::str::from_utf8(&part.bytes).with_context(|| format!("{name} is no text"))?))
        };
        let file = part("file").context("you must provide a file")?;
        let file_name = file.file_name.as_deref().context("file is no file")?;
        let extension =
            file_name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
        ensure!(EXTENSIONS.contains(&extension.as_str()), "Invalid file format. Supported formats: {EXTENSIONS:?}");
        // The real one goes by the name, and hears nothing if it lies.
        let kind = Sound::kind(&file.bytes).unwrap_or("nothing known");
        ensure!(extension == kind, "{file_name} is {kind}");
        let types: &[&str] = if kind == "mp3" { &["audio/mpeg", "audio/mp3"] } else { &["audio/wav", "audio/x-wav"] };
        let content_type = file.content_type.as_deref().unwrap_or_default();
        ensure!(kind == "ogg" || types.contains(&content_type), "{kind} is called {content_type}");
        let form = field("response_format")?.unwrap_or("json");
        ensure!(["json", "text", "verbose_json"].contains(&form), "Invalid value for response_format: {form}");
        let language = field("language")?;
        let is_code = |code: &str| (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase());
        ensure!(
            language.is_none_or(is_code),
            "Invalid language {language:?}. Language parameter must be specified in ISO-639-1 format."
        );
        if let Some(degrees) = field("temperature")? {
            let degrees: f64 = degrees.parse().with_context(|| format!("temperature is no number: {degrees}"))?;
            ensure!((0.0..=1.0).contains(&degrees), "temperature is not between 0 and 1: {degrees}");
        }
        let model = field("model")?.filter(|model| !model.is_empty()).context("you must provide a model parameter")?;
        Ok(Self { file, file_name, model, form, language, prompt: field("prompt")? })
    }
}

fn whole(segments: &[Segment]) -> String {
    segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn answer(form: &str, segments: &[Segment], silent: bool, language: &str, sound: &Sound) -> Answer {
    // What the model writes under silence.
    let invented = [Segment::new(0, sound.duration_ms(), "Thank you.")];
    let segments = if silent { &invented } else { segments };
    let text = whole(segments);
    match form {
        "text" => Answer::text(200, format!("{text}\n")),
        "json" => Answer::json(200, &json!({ "text": text })),
        _ => {
            let (no_speech, sureness) = if silent { (0.92, -1.3) } else { (0.02, -0.21) };
            let seconds = |ms: u64| ms as f64 / 1000.0;
            let segments: Vec<Value> = segments
                .iter()
                .enumerate()
                .map(|(id, segment)| {
                    json!({
                        "id": id, "seek": 0, "start": seconds(segment.start_ms), "end": seconds(segment.end_ms),
                        "text": format!(" {}", segment.text), "tokens": [50364, 639, 50464], "temperature": 0.0,
                        "avg_logprob": sureness, "compression_ratio": 1.1, "no_speech_prob": no_speech,
                    })
                })
                .collect();
            Answer::json(
                200,
                &json!({"task": "transcribe", "language": name(language), "duration": seconds(sound.duration_ms()),
                    "text": text, "segments": segments, "usage": {"type": "duration", "seconds": sound.duration_ms() / 1000}}),
            )
        }
    }
}

/// OpenAI answers with English names.
fn name(code: &str) -> &str {
    match code {
        "en" => "english",
        "de" => "german",
        "ru" => "russian",
        "fr" => "french",
        "es" => "spanish",
        other => other,
    }
}
