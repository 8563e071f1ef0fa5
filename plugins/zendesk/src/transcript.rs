//! The words of a recording as a comment.

use hookswitch_sdk::{Recording, Transcript, Turn, minutes};

use crate::caption;

/// Bytes of a comment. Zendesk keeps 64 KiB.
const LONGEST: usize = 60_000;

const REST: &str = "\n… (the rest is left out)";

/// The whole comment; none if nothing was said.
pub(crate) fn text(file: &Recording, words: &Transcript) -> Option<String> {
    let summary = words.summary.as_deref().unwrap_or_default().trim();
    let lines = words.turns.iter().filter(|turn| !turn.text.trim().is_empty()).map(line);
    let turns = lines.collect::<Vec<_>>().join("\n");
    let parts: Vec<&str> = [summary, &turns].into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| {
        let (name, part) = (&file.file_name, caption::part(file));
        bounded(format!("Transcript of {name} ({part}):\n\n{}", parts.join("\n\n")))
    })
}

fn line(turn: &Turn) -> String {
    format!("[{}] {}", minutes(turn.start_ms), turn.line())
}

fn bounded(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST - REST.len()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push_str(REST);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::recording;

    fn turn(speaker: &str, start_ms: u64, text: &str) -> Turn {
        Turn { speaker: speaker.into(), start_ms, end_ms: start_ms + 900, text: text.into() }
    }

    #[test]
    fn the_summary_goes_before_the_words() {
        let words = Transcript {
            language: "en".into(),
            turns: vec![
                turn("agent", 0, "Good morning "),
                turn("external", 64_000, "Hi"),
                turn("Bo", 65_000, "Me too"),
            ],
            summary: Some(" They greet. ".into()),
            extra: vec![],
        };
        assert_eq!(
            text(&recording(), &words).unwrap(),
            "Transcript of call.mp3 (part 1.1):\n\nThey greet.\n\n[0:00] Agent: Good morning\n[1:04] Caller: Hi\n\
             [1:05] Bo: Me too"
        );
        let silence = Transcript { turns: vec![turn("", 0, " ")], ..Transcript::default() };
        assert_eq!(text(&recording(), &silence), None);
    }

    #[test]
    fn a_comment_is_never_longer_than_zendesk_takes() {
        let words = Transcript { turns: vec![turn("", 0, &"ä".repeat(LONGEST))], ..Transcript::default() };
        let text = text(&recording(), &words).unwrap();
        assert!(text.len() <= LONGEST && text.len() > LONGEST - 4 && text.ends_with(REST));
    }
}
