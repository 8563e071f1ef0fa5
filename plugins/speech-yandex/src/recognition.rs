//! What is asked for (reference, *AsyncRecognizer.RecognizeFile*, "Body parameters").

use hookswitch_sdk::http::Part;
use hookswitch_sdk::{Failure, Recording};
use serde_json::{Value, json};

use crate::options::Options;

/// The container, as SpeechKit calls it.
///
/// # Errors
/// *Rejected*: SpeechKit takes three, and this is another one.
pub(crate) fn container(file: &Recording) -> Result<&'static str, Failure> {
    let kind = file.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => Ok("WAV"),
        "audio/mpeg" | "audio/mp3" => Ok("MP3"),
        // Vorbis is of the same type.
        "audio/ogg" | "audio/opus" if file.extension().as_deref() == Some("opus") => Ok("OGG_OPUS"),
        _ => Err(Failure::rejected(
            "format",
            format!(
                "SpeechKit takes WAV, MP3 and Opus, and this is {kind} ({}): [recordings] format = \"mp3\" makes later ones fit",
                file.extension().unwrap_or_default()
            ),
        )),
    }
}

/// The body, with the recording in base64 where the host puts it in.
pub(crate) fn body(file: &Recording, container: &str, language: &str, label: bool, options: &Options) -> [Part; 3] {
    let settings = settings(container, language, label, options).to_string();
    // The object goes on behind its first member.
    let rest = settings.strip_prefix('{').unwrap_or(&settings);
    [Part::Text("{\"content\":\"".to_owned()), Part::RecordingBase64(file.id.clone()), Part::Text(format!("\",{rest}"))]
}

fn settings(container: &str, language: &str, label: bool, options: &Options) -> Value {
    let labeling = if label { "SPEAKER_LABELING_ENABLED" } else { "SPEAKER_LABELING_DISABLED" };
    json!({
        "recognitionModel": {
            "model": options.model,
            "audioFormat": {"containerAudio": {"containerAudioType": container}},
            // Numbers as figures, and sentences with their marks.
            "textNormalization": {
                "textNormalization": "TEXT_NORMALIZATION_ENABLED",
                "profanityFilter": options.profanity_filter,
                "literatureText": true,
            },
            "languageRestriction": {"restrictionType": "WHITELIST", "languageCode": [language]},
            // Speakers are told apart in this mode only (*Speaker labeling*).
            "audioProcessingType": "FULL_DATA",
        },
        "speakerLabeling": {"speakerLabeling": labeling},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content_type: &str, file_name: &str) -> Recording {
        let (content_type, file_name) = (content_type.into(), file_name.into());
        Recording { id: "7".into(), content_type, file_name, ..Recording::default() }
    }

    #[test]
    fn three_containers_are_taken() {
        for (kind, name, expected) in [
            ("audio/wav", "call.wav", "WAV"),
            ("audio/mpeg", "call.mp3", "MP3"),
            ("audio/ogg; codecs=opus", "call.opus", "OGG_OPUS"),
            ("Audio/X-WAV", "call", "WAV"),
        ] {
            assert_eq!(container(&file(kind, name)), Ok(expected));
        }
        for (kind, name) in [("audio/flac", "call.flac"), ("audio/ogg", "call.ogg")] {
            let Err(Failure::Rejected(problem)) = container(&file(kind, name)) else { panic!("{name} is not taken") };
            assert!(problem.text.contains("format = \"mp3\""), "{problem:?}");
        }
    }

    #[test]
    fn the_body_is_one_object_around_the_recording() {
        let options = Options { model: "general".into(), label_speakers: true, profanity_filter: false, largest: 1 };
        let parts = body(&file("audio/mpeg", "call.mp3"), "MP3", "ru-RU", true, &options);
        let text = parts.into_iter().map(|part| match part {
            Part::Text(text) => text,
            Part::RecordingBase64(id) if id == "7" => "SUQz".to_owned(),
            other => panic!("{other:?}"),
        });
        let json: Value = serde_json::from_str(&text.collect::<String>()).unwrap();
        assert_eq!(json["content"], "SUQz");
        assert_eq!(json["recognitionModel"]["audioFormat"]["containerAudio"]["containerAudioType"], "MP3");
        assert_eq!(json["recognitionModel"]["languageRestriction"]["languageCode"], json!(["ru-RU"]));
        assert_eq!(json["speakerLabeling"]["speakerLabeling"], "SPEAKER_LABELING_ENABLED");
    }
}
