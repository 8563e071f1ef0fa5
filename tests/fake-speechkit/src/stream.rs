//! What `GET /stt/v3/getRecognition` answers: one object after the other, as the guide shows them.

use fake_whisper::Segment;
use serde_json::{Value, json};

use crate::recognition::Heard;

/// All that was heard, channel by channel.
pub(crate) fn of(heard: &Heard) -> String {
    let language = heard.language.as_deref().unwrap_or("ru-RU");
    let channels = heard.channels.iter().enumerate();
    channels.map(|(channel, segments)| of_channel(channel, segments, language)).collect()
}

fn of_channel(channel: usize, segments: &[Segment], language: &str) -> String {
    let (mut text, mut before) = (String::new(), 0);
    for (index, segment) in segments.iter().enumerate() {
        let raw: String = segment.text.chars().filter(|char| char.is_alphanumeric() || *char == ' ').collect();
        let raw = alternative(&raw.to_lowercase(), segment, before, language);
        let refined = alternative(&segment.text, segment, before, language);
        let tag = channel.to_string();
        for body in [
            json!({"final": {"alternatives": [raw], "channelTag": tag}}),
            json!({"finalRefinement": {
                "finalIndex": index.to_string(), "normalizedText": {"alternatives": [refined], "channelTag": tag},
            }}),
            json!({"eouUpdate": {"timeMs": segment.end_ms.to_string()}}),
        ] {
            text.push_str(&event(&tag, index, segment.end_ms, &body).to_string());
            text.push('\n');
        }
        before = segment.end_ms;
    }
    text
}

fn event(channel: &str, index: usize, at: u64, body: &Value) -> Value {
    let at = at.to_string();
    let mut event = json!({
        "sessionUuid": {"uuid": "24935f24-2c1f62dc-8dd49006", "userRequestId": "f8d2h7m07t4i"},
        "audioCursors": {"receivedDataMs": at, "resetTimeMs": "0", "partialTimeMs": at, "finalTimeMs": at,
            "finalIndex": index.to_string(), "eouTimeMs": "0"},
        "responseWallTimeMs": "189",
        "channelTag": channel,
    });
    for (name, value) in body.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    json!({ "result": event })
}

/// An alternative begins where the one before ended; when somebody speaks is told of each word.
fn alternative(text: &str, segment: &Segment, before: u64, language: &str) -> Value {
    let words: Vec<&str> = text.split_whitespace().collect();
    let each = (segment.end_ms - segment.start_ms) / (words.len().max(1) as u64);
    let word = |(place, word): (usize, &&str)| {
        let start = segment.start_ms + each * place as u64;
        let end = if place + 1 == words.len() { segment.end_ms } else { start + each };
        json!({"text": word, "startTimeMs": start.to_string(), "endTimeMs": end.to_string()})
    };
    json!({
        "words": words.iter().enumerate().map(word).collect::<Vec<_>>(), "text": text,
        "startTimeMs": before.to_string(), "endTimeMs": segment.end_ms.to_string(), "confidence": 0,
        "languages": [{"languageCode": language, "probability": 0.97}],
    })
}
