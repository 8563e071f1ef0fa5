//! The words of a recording as the portal takes them (sheet 3.5).

use hookswitch_sdk::{Recording, Transcript, Turn, minutes};
use serde_json::{Value, json};

pub(crate) const METHOD: &str = "telephony.call.attachTranscription";

/// Turns, characters in one of them, and characters in all. The sheet knows no limits; a day of talk is far below these.
const MOST_TURNS: usize = 2_000;
const LONGEST_TURN: usize = 4_000;
const MOST_CHARACTERS: usize = 200_000;

/// The portal knows two sides.
const US: &str = "User";
const THEM: &str = "Client";

/// Builds the parameters; none if nobody says anything. `summary` is said before everything else, for a call whose summary
/// has no other place.
pub(crate) fn parameters(call_id: &str, words: &Transcript, summary: Option<&str>) -> Option<Value> {
    let summary = summary.map(|summary| message(US, 0, 1, format!("Summary: {}", clipped(summary, LONGEST_TURN))));
    let (said, is_all) = spoken(words);
    let mut messages: Vec<_> = summary.into_iter().chain(said.iter().map(|turn| of_turn(turn))).collect();
    if let (false, Some(last)) = (is_all, said.last()) {
        messages.push(message(US, start_s(last), stop_s(last), "… (the rest is left out)".into()));
    }
    (!messages.is_empty()).then(|| json!({"CALL_ID": call_id, "MESSAGES": messages}))
}

/// The same as a text, for a comment; none if nobody says anything.
pub(crate) fn text(file: &Recording, words: &Transcript) -> Option<String> {
    let (said, is_all) = spoken(words);
    let lines = said.iter().map(|turn| format!("[{}] {}", minutes(turn.start_ms), clipped(&turn.line(), LONGEST_TURN)));
    let rest = (!is_all).then(|| "… (the rest is left out)".to_owned());
    let lines = lines.chain(rest).collect::<Vec<_>>().join("\n");
    (!lines.is_empty()).then(|| format!("Transcript of {}:\n{lines}", file.file_name))
}

/// What is said of a recording in short; none if nothing is.
pub(crate) fn summary(words: &Transcript) -> Option<&str> {
    words.summary.as_deref().map(str::trim).filter(|summary| !summary.is_empty())
}

/// The summary as a comment.
pub(crate) fn summary_text(file: &Recording, summary: &str) -> String {
    format!("Summary of {}:\n{}", file.file_name, clipped(summary, MOST_CHARACTERS))
}

/// The turns in which something is said, and whether these are all.
fn spoken(words: &Transcript) -> (Vec<&Turn>, bool) {
    let (mut said, mut characters) = (Vec::new(), 0);
    for turn in words.turns.iter().filter(|turn| !turn.text.trim().is_empty()) {
        characters += turn.text.chars().take(LONGEST_TURN).count();
        if said.len() == MOST_TURNS || characters > MOST_CHARACTERS {
            return (said, false);
        }
        said.push(turn);
    }
    (said, true)
}

/// Who is neither the agent nor the outside party by name has the name before the words. Where nobody can be told from
/// anybody, as in a recording of one channel, all is the client's: whom the record is about.
fn of_turn(turn: &Turn) -> Value {
    let said = clipped(turn.text.trim(), LONGEST_TURN);
    let (side, said) = match turn.speaker.trim() {
        "agent" => (US, said),
        "external" | "" => (THEM, said),
        name => (THEM, format!("{}: {said}", clipped(name, 100))),
    };
    message(side, start_s(turn), stop_s(turn), said)
}

fn message(side: &str, start: u64, stop: u64, said: String) -> Value {
    json!({"SIDE": side, "START_TIME": start, "STOP_TIME": stop, "MESSAGE": said})
}

fn start_s(turn: &Turn) -> u64 {
    turn.start_ms / 1000
}

/// A turn ends after it has begun, and not before the first second (sheet 3.5).
fn stop_s(turn: &Turn) -> u64 {
    turn.end_ms.div_ceil(1000).max(start_s(turn)).max(1)
}

fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::recording;

    fn turn(speaker: &str, start_ms: u64, end_ms: u64, text: &str) -> Turn {
        Turn { speaker: speaker.into(), start_ms, end_ms, text: text.into() }
    }

    fn words(turns: Vec<Turn>) -> Transcript {
        Transcript { language: "en".into(), turns, ..Transcript::default() }
    }

    #[test]
    fn turns_have_sides_and_whole_seconds() {
        let words = words(vec![
            turn("agent", 0, 400, "Good morning"),
            turn("external", 4_200, 5_100, " Hi "),
            turn("Ana", 6_000, 5_000, "And me"),
            turn("", 7_999, 9_000, "?"),
            turn("external", 9_000, 9_500, "  "),
        ]);
        assert_eq!(
            parameters("externalCall.1f", &words, None).unwrap(),
            json!({"CALL_ID": "externalCall.1f", "MESSAGES": [
                {"SIDE": "User", "START_TIME": 0, "STOP_TIME": 1, "MESSAGE": "Good morning"},
                {"SIDE": "Client", "START_TIME": 4, "STOP_TIME": 6, "MESSAGE": "Hi"},
                {"SIDE": "Client", "START_TIME": 6, "STOP_TIME": 6, "MESSAGE": "Ana: And me"},
                {"SIDE": "Client", "START_TIME": 7, "STOP_TIME": 9, "MESSAGE": "?"},
            ]})
        );
        assert_eq!(
            text(&recording("r-1"), &words).unwrap(),
            "Transcript of call.mp3:\n[0:00] Agent: Good morning\n[0:04] Caller: Hi\n[0:06] Ana: And me\n[0:07] ?"
        );
    }

    #[test]
    fn a_summary_goes_first_and_silence_is_nothing() {
        let parameters = |words: &Transcript, summary| super::parameters("1", words, summary);
        let silence = words(vec![turn("agent", 0, 1, " ")]);
        assert_eq!((parameters(&silence, None), text(&recording("r-1"), &silence)), (None, None));
        let told = parameters(&silence, Some("They talked")).unwrap();
        assert_eq!(told["MESSAGES"][0]["MESSAGE"], "Summary: They talked");
        assert_eq!(summary(&Transcript { summary: Some(" ".into()), ..silence }), None);
    }

    #[test]
    fn no_transcript_is_too_long_for_the_portal() {
        let long = "ä".repeat(LONGEST_TURN + 1);
        let one = parameters("1", &words(vec![turn("agent", 0, 1, &long)]), None).unwrap();
        assert_eq!(one["MESSAGES"][0]["MESSAGE"].as_str().unwrap().chars().count(), LONGEST_TURN + 1);
        let count = |turns| parameters("1", &words(turns), None).unwrap()["MESSAGES"].as_array().unwrap().len();
        assert_eq!(count(vec![turn("agent", 0, 1, "a"); MOST_TURNS]), MOST_TURNS);
        assert_eq!(count(vec![turn("agent", 0, 1, "a"); MOST_TURNS + 1]), MOST_TURNS + 1, "with the word of the rest");
        let most = MOST_CHARACTERS / LONGEST_TURN;
        assert_eq!(count(vec![turn("agent", 0, 1, &"a".repeat(LONGEST_TURN)); most + 5]), most + 1);
    }
}
