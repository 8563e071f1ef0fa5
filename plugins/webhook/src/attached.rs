//! What is told of recordings and of their words, in the plugin's own words.

use hookswitch_sdk::{Recording, Transcript, Turn};
use serde_json::{Value, json};

use crate::memory::End;

/// Bytes of what was said in one message. The host sends a body of 1 MiB.
const MOST_WORDS: usize = 256 * 1024;

/// What is told of a call's files, each with its link if it has one.
pub(crate) fn files(
    of: &Recording,
    files: &[(Recording, Option<String>)],
    end: Option<&End>,
    full_info: bool,
) -> Value {
    let files: Vec<_> = files.iter().map(|(file, url)| described(file, url.as_deref())).collect();
    let mut data = json!({"pbx": of.extra("pbx"), "chain": of.chain, "leg": of.leg, "files": files});
    if let (Some(end), Some(data)) = (end.filter(|end| full_info && !end.event.is_null()), data.as_object_mut()) {
        data.insert("ended".into(), end.event.clone());
    }
    data
}

/// What is told of the words of a file.
pub(crate) fn words(file: &Recording, words: &Transcript) -> Value {
    let (turns, is_all) = bounded(&words.turns);
    let turns: Vec<_> = turns
        .iter()
        .map(|turn| {
            json!({"speaker": turn.speaker, "start_ms": turn.start_ms, "end_ms": turn.end_ms, "text": turn.text})
        })
        .collect();
    json!({
        "pbx": file.extra("pbx"), "chain": file.chain, "leg": file.leg, "file": described(file, None),
        "language": words.language, "summary": words.summary, "turns": turns, "truncated": !is_all,
    })
}

/// The words of a file as one text.
pub(crate) fn text(words: &Transcript) -> String {
    let (turns, is_all) = bounded(&words.turns);
    turns.iter().map(|turn| turn.line()).chain((!is_all).then(|| "…".to_owned())).collect::<Vec<_>>().join("\n")
}

/// The beginning of a text, so long that it has no more than `most` bytes once it is percent-encoded.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut bytes = 0;
    let fits = |c: &char| {
        bytes += if c.is_ascii_alphanumeric() { 1 } else { 3 * c.len_utf8() };
        bytes <= most
    };
    let short: String = text.chars().take_while(fits).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

fn described(file: &Recording, url: Option<&str>) -> Value {
    let mut described = json!({
        "id": file.id, "leg": file.leg, "index": file.index, "name": file.file_name, "content_type": file.content_type,
        "size": file.size, "duration_ms": file.duration_ms, "damaged": file.damaged,
    });
    if let (Some(url), Some(described)) = (url, described.as_object_mut()) {
        described.insert("url".into(), url.into());
    }
    described
}

/// The turns in which something is said, as many as fit, and whether these are all.
fn bounded(turns: &[Turn]) -> (Vec<&Turn>, bool) {
    let (mut said, mut bytes) = (Vec::new(), 0);
    for turn in turns.iter().filter(|turn| !turn.text.trim().is_empty()) {
        // Names and times take their part of the message.
        bytes += turn.text.len() + turn.speaker.len() + 64;
        if bytes > MOST_WORDS {
            return (said, false);
        }
        said.push(turn);
    }
    (said, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{end, recording};

    #[test]
    fn files_are_listed_with_their_links() {
        let all = [(recording("r-1"), Some("https://calls.example.com/r/1".into())), (recording("r-2"), None)];
        let data = files(&recording("r-1"), &all, Some(&end()), false);
        assert_eq!((&data["pbx"], &data["chain"], &data["leg"]), (&json!("office"), &json!("1767225600.7"), &json!(1)));
        assert_eq!(
            data["files"][0],
            json!({"id": "r-1", "leg": 1, "index": 0, "name": "call.mp3", "content_type": "audio/mpeg", "size": 512_000,
                "duration_ms": 62_400, "damaged": false, "url": "https://calls.example.com/r/1"})
        );
        assert_eq!((data["files"][1].get("url"), data.get("ended")), (None, None));
        let full = files(&recording("r-1"), &all, Some(&end()), true);
        assert_eq!(full["ended"]["outcome"], "answered");
        assert_eq!(files(&recording("r-1"), &all, None, true)["pbx"], "office", "though the end is not known");
    }

    fn turn(speaker: &str, text: &str) -> Turn {
        Turn { speaker: speaker.into(), start_ms: 0, end_ms: 900, text: text.into() }
    }

    #[test]
    fn words_are_told_turn_by_turn_and_as_a_text() {
        let said = Transcript {
            language: "en".into(),
            turns: vec![
                turn("agent", "Hello "),
                turn("external", "Hi"),
                turn("", "?"),
                turn("Bo", "Me"),
                turn("", " "),
            ],
            ..Transcript::default()
        };
        assert_eq!(text(&said), "Agent: Hello\nCaller: Hi\n?\nBo: Me");
        let data = words(&recording("r-1"), &said);
        assert_eq!((data["turns"].as_array().unwrap().len(), &data["truncated"]), (4, &json!(false)));
        assert_eq!(data["turns"][0], json!({"speaker": "agent", "start_ms": 0, "end_ms": 900, "text": "Hello "}));
    }

    #[test]
    fn a_query_has_the_beginning_of_a_long_text() {
        assert_eq!((shortened("abc", 3), shortened("abcd", 3)), ("abc".into(), "abc…".into()));
        assert_eq!((shortened("ä b", 10), shortened("äb", 5)), ("ä b".into(), "…".into()));
    }

    #[test]
    fn a_message_is_never_too_long_to_be_sent() {
        let long = Transcript { turns: vec![turn("agent", &"a".repeat(60_000)); 6], ..Transcript::default() };
        let data = words(&recording("r-1"), &long);
        assert_eq!((data["turns"].as_array().unwrap().len(), &data["truncated"]), (4, &json!(true)));
        assert!(text(&long).ends_with("\n…") && text(&long).len() < MOST_WORDS);
    }
}
