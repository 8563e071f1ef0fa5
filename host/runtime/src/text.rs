//! Texts from outside, made fit to be shown.

use std::fmt::Write;

/// Escapes what could deceive a terminal or forge a line (control characters, direction overrides), and cuts the text
/// to about `max` bytes, saying how much is missing.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(max));
    for (at, c) in text.char_indices() {
        if clean.len() >= max {
            let _ = write!(clean, "… ({} bytes cut)", text.len() - at);
            break;
        }
        match c {
            '\t' => clean.push(' '),
            c if c.is_control() || is_invisible_order(c) => clean.extend(c.escape_unicode()),
            c => clean.push(c),
        }
    }
    clean
}

/// Characters that change the order or place of the text around them: line and paragraph separators, and the direction
/// marks, overrides and isolates of Unicode's bidirectional algorithm.
fn is_invisible_order(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn terminal_escapes_line_breaks_and_direction_overrides_become_visible() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc\u{202e}d\u{85}", 100), r"a\u{1b}[31mb\u{d}\u{a}c\u{202e}d\u{85}");
        assert_eq!(clean("Grüße 😀", 100), "Grüße 😀");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_so() {
        assert_eq!(clean(&"ä".repeat(1_000), 4), "ää… (1996 bytes cut)");
    }
}
