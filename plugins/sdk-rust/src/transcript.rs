use crate::Transcript;

/// Nothing was said: fill in what is known, `Transcript { language, turns, ..Transcript::default() }`.
impl Default for Transcript {
    fn default() -> Self {
        Self { language: String::new(), turns: Vec::new(), summary: None, extra: Vec::new() }
    }
}
