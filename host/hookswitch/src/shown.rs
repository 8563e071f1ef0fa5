//! Text that strangers wrote, on its way to people.

/// Whether a character does something to the terminal or to the text around it, rather than being seen.
pub(crate) fn steers(char: char) -> bool {
    char.is_control() || matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` without such characters: what a caller, a CRM or a plugin wrote must not steer the reader's terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|char| if steers(char) { '\u{fffd}' } else { char }).collect()
}
