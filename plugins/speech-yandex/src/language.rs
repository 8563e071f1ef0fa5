//! Languages as the contract writes them and as SpeechKit does (*Recognition models*: always with a region).

/// Has SpeechKit find out by itself.
const AUTO: &str = "auto";

/// What SpeechKit recognises (*Supported languages and recognition models*), the usual region of a language first. Hebrew has
/// the region that is written there.
const KNOWN: [&str; 16] = [
    "de-DE", "en-US", "es-ES", "fi-FI", "fr-FR", "he-HE", "it-IT", "kk-KZ", "nl-NL", "pl-PL", "pt-PT", "pt-BR",
    "ru-RU", "sv-SE", "tr-TR", "uz-UZ",
];

/// What SpeechKit is told of what the host says: the language in a region that it knows. A language that it does not know is
/// left to it.
pub(crate) fn asked(tag: &str) -> String {
    let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let same = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(tag));
    let known = same.or_else(|| KNOWN.iter().find(|known| language(known) == language(tag)));
    known.copied().unwrap_or(AUTO).to_owned()
}

/// The contract's tag for what was asked for; empty if SpeechKit was to find out.
pub(crate) fn tag(asked: &str) -> &str {
    if asked == AUTO { "" } else { asked }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_a_region_or_is_left_to_the_service() {
        for (tag, expected) in [
            ("ru", "ru-RU"),
            ("DE", "de-DE"),
            ("pt", "pt-PT"),
            ("pt-br", "pt-BR"),
            // A region that it does not know is no reason to recognise nothing.
            ("en-GB", "en-US"),
            ("de-AT", "de-DE"),
            ("kk-Cyrl-KZ", "kk-KZ"),
            ("", "auto"),
            ("la", "auto"),
            ("uk-UA", "auto"),
        ] {
            assert_eq!(asked(tag), expected, "{tag}");
        }
        assert_eq!((tag("auto"), tag("ru-RU")), ("", "ru-RU"));
    }
}
