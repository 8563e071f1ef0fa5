//! Patterns for channel names and numbers: `*` stands for any text, `?` for one character, `\*` for a star.

use std::fmt;

use serde::Deserialize;

/// A pattern that matches a whole text; letters match without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Glob(String);

impl Glob {
    /// Whether all of `text` fits.
    pub fn matches(&self, text: &str) -> bool {
        fits(self.0.as_bytes(), text.as_bytes())
    }
}

impl<T: Into<String>> From<T> for Glob {
    fn from(pattern: T) -> Self {
        Self(pattern.into())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Remembers only the last `*`: linear in practice, and no pattern makes it worse than quadratic.
fn fits(mut pattern: &[u8], mut text: &[u8]) -> bool {
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, text));
                pattern = rest;
            }
            (Some((b'\\', [literal, rest @ ..])), Some((found, tail))) if literal == found => {
                (pattern, text) = (rest, tail);
            }
            (Some((wanted, rest)), Some((found, tail))) if *wanted == b'?' || wanted.eq_ignore_ascii_case(found) => {
                (pattern, text) = (rest, tail);
            }
            (None, None) => return true,
            _ => match retry.take().and_then(|(after, from)| Some((after, from.get(1..)?))) {
                Some((after, from)) => {
                    retry = Some((after, from));
                    (pattern, text) = (after, from);
                }
                None => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_texts_only() {
        for (pattern, text, fit) in [
            ("PJSIP/trunk-provider", "PJSIP/trunk-provider", true),
            ("PJSIP/trunk-provider", "PJSIP/trunk-provider2", false),
            ("SIP/trunk*", "sip/trunk-a", true),
            ("DAHDI/*", "DAHDI/i1/0301", true),
            ("*/carrier-?", "PJSIP/carrier-1", true),
            ("*/carrier-?", "PJSIP/carrier-10", false),
            ("**a*b", "xaab", true),
            ("\\*7?", "*78", true),
            ("\\*7?", "178", false),
            ("", "", true),
            ("?", "", false),
        ] {
            assert_eq!(Glob::from(pattern).matches(text), fit, "{pattern} {text}");
        }
    }
}
