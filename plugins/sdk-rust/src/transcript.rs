use crate::Transcript;

/// Nothing was said: fill in what is known, `Transcript { language, turns, ..Transcript::default() }`.
impl Default for Transcript {
    fn default() -> Self {
        Self { language: String::new(), turns: Vec::new(), summary: None, extra: Vec::new() }
    }
}

/// Stands where something was cut out.
const CUT: &str = "\n[…]\n";

impl Transcript {
    /// The conversation as text, a line for each turn (`agent: Good morning.`), of at most about `characters`. What is too
    /// long is cut in its middle: why somebody called is said at the beginning, and what was agreed at the end.
    pub fn to_text(&self, characters: usize) -> String {
        let lines = self.turns.iter().filter(|turn| !turn.text.trim().is_empty()).map(|turn| {
            let text = turn.text.split_whitespace().collect::<Vec<_>>().join(" ");
            if turn.speaker.is_empty() { text } else { format!("{}: {text}", turn.speaker) }
        });
        let whole = lines.collect::<Vec<_>>().join("\n");
        let length = whole.chars().count();
        if length <= characters {
            return whole;
        }
        let half = characters / 2;
        let begin: String = whole.chars().take(half).collect();
        let end: String = whole.chars().skip(length - half).collect();
        format!("{begin}{CUT}{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Turn;

    fn said(turns: &[(&str, &str)]) -> Transcript {
        let turn = |(speaker, text): &(&str, &str)| Turn {
            speaker: (*speaker).into(),
            start_ms: 0,
            end_ms: 0,
            text: (*text).into(),
        };
        Transcript { turns: turns.iter().map(turn).collect(), ..Transcript::default() }
    }

    #[test]
    fn a_turn_is_a_line_whatever_is_in_it() {
        let words = said(&[("agent", " Good\nmorning. "), ("external", " "), ("", "Hello?")]);
        assert_eq!(words.to_text(100), "agent: Good morning.\nHello?");
        assert_eq!(said(&[]).to_text(100), "");
    }

    #[test]
    fn what_is_too_long_loses_its_middle() {
        let words = said(&[("", &"ä".repeat(50)), ("", &"x".repeat(100)), ("", &"ö".repeat(50))]);
        let text = words.to_text(60);
        assert_eq!(text, format!("{}{CUT}{}", "ä".repeat(30), "ö".repeat(30)));
        assert_eq!(words.to_text(202), format!("{}\n{}\n{}", "ä".repeat(50), "x".repeat(100), "ö".repeat(50)));
    }
}
