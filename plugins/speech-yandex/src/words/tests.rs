use serde_json::{Value, json};

use super::*;

fn event(channel: &str, index: &str, body: &Value) -> String {
    let mut event = json!({
        "sessionUuid": {"uuid": "24935f24", "userRequestId": "f8d2h7m07t4i"},
        "audioCursors": {"receivedDataMs": "7400", "finalTimeMs": "7400", "finalIndex": index, "eouTimeMs": "0"},
        "responseWallTimeMs": "189",
        "channelTag": channel,
    });
    event.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    json!({ "result": event }).to_string()
}

fn alternative(text: &str, words: &[(u64, u64)]) -> Value {
    let words: Vec<_> = words
        .iter()
        .map(|(start, end)| json!({"text": "w", "startTimeMs": start.to_string(), "endTimeMs": end.to_string()}))
        .collect();
    json!({"alternatives": [{"words": words, "text": text, "startTimeMs": "0", "endTimeMs": "9000", "confidence": 0,
        "languages": [{"languageCode": "ru-RU", "probability": 0.9}]}], "channelTag": "0"})
}

fn heard(channel: &str, index: &str, text: &str, words: &[(u64, u64)]) -> String {
    event(channel, index, &json!({ "final": alternative(text, words) }))
}

fn refined(channel: &str, index: &str, text: &str, words: &[(u64, u64)]) -> String {
    let refinement = json!({"finalIndex": index, "normalizedText": alternative(text, words)});
    event(channel, index, &json!({ "finalRefinement": refinement }))
}

fn said(lines: &[String], speakers: Option<[&str; 2]>) -> Vec<(String, u64, u64, String)> {
    let speakers = speakers.map(|speakers| speakers.map(str::to_owned));
    let heard = read(&lines.join("\n"), speakers.as_ref()).unwrap();
    heard.turns.into_iter().map(|turn| (turn.speaker, turn.start_ms, turn.end_ms, turn.text)).collect()
}

fn turn(speaker: &str, start_ms: u64, end_ms: u64, text: &str) -> (String, u64, u64, String) {
    (speaker.into(), start_ms, end_ms, text.into())
}

#[test]
fn the_refined_text_takes_the_place_of_the_raw_one_at_the_time_of_its_words() {
    let lines = [
        heard("0", "0", "мой номер двести", &[(459, 1_060), (1_120, 1_959)]),
        refined("0", "0", "Мой номер 200.", &[(459, 1_060), (1_120, 1_959)]),
        event("0", "0", &json!({"eouUpdate": {"timeMs": "7400"}})),
        heard("0", "1", "да", &[(2_480, 2_520)]),
    ];
    let expected = [turn("", 459, 1_959, "Мой номер 200."), turn("", 2_480, 2_520, "да")];
    assert_eq!(said(&lines, None), expected);
    // Whatever comes first.
    let turned: Vec<_> = lines.iter().rev().cloned().collect();
    assert_eq!(said(&turned, None), expected);
    assert_eq!(read(&lines.join("\n"), None).unwrap().language.as_deref(), Some("ru-RU"));
}

#[test]
fn each_channel_is_one_side_and_counts_by_itself() {
    let lines = [
        heard("1", "0", "алло", &[(3_000, 3_500)]),
        heard("0", "0", "добрый день", &[(200, 900)]),
        heard("1", "1", "до свидания", &[(9_000, 9_400)]),
    ];
    let expected = |left: &str, right: &str| {
        [
            turn(left, 200, 900, "добрый день"),
            turn(right, 3_000, 3_500, "алло"),
            turn(right, 9_000, 9_400, "до свидания"),
        ]
    };
    assert_eq!(said(&lines, Some(["agent", "external"])), expected("agent", "external"));
    assert_eq!(said(&lines, None), expected("speaker 1", "speaker 2"));
}

#[test]
fn a_channel_where_nobody_speaks_does_not_make_the_other_one_its_own() {
    let lines = [heard("1", "0", "алло", &[(3_000, 3_500)])];
    assert_eq!(said(&lines, Some(["agent", "external"])), [turn("external", 3_000, 3_500, "алло")]);
}

#[test]
fn objects_may_stand_bare_and_over_many_lines() {
    let bare = json!({"channelTag": "0", "final": alternative("алло", &[]), "audioCursors": {"finalIndex": 0}});
    let pretty = serde_json::to_string_pretty(&bare).unwrap();
    assert_eq!(said(&[pretty], None), [turn("", 0, 9_000, "алло")]);
}

#[test]
fn half_an_answer_and_an_error_in_its_midst_are_no_transcripts() {
    let line = heard("0", "0", "алло", &[]);
    let (half, _) = line.split_at(line.len() / 2);
    assert!(read(half, None).is_err());
    let error = r#"{"error":{"code":13,"message":"internal"}}"#;
    assert!(read(&format!("{line}\n{error}"), None).is_err());
    assert_eq!(read("", None), Ok(Heard::default()));
}
