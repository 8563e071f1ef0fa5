//! Languages as the contract writes them and as SpeechKit does (*Recognition models*: always with a region).

/// Has SpeechKit find out by itself.
const AUTO: &str = "auto";

/// What a language without a region means.
const USUAL: [(&str, &str); 15] = [
    ("de", "de-DE"),
    ("en", "en-US"),
    ("es", "es-ES"),
    ("fi", "fi-FI"),
    ("fr", "fr-FR"),
    ("he", "he-IL"),
    ("it", "it-IT"),
    ("kk", "kk-KZ"),
    ("nl", "nl-NL"),
    ("pl", "pl-PL"),
    ("pt", "pt-PT"),
    ("ru", "ru-RU"),
    ("sv", "sv-SE"),
    ("tr", "tr-TR"),
    ("uz", "uz-UZ"),
];

/// What SpeechKit is told of what the host says. A language that it does not know is left to it.
pub(crate) fn asked(tag: &str) -> String {
    if tag.contains('-') {
        return tag.to_owned();
    }
    let usual = USUAL.iter().find(|(language, _)| tag.eq_ignore_ascii_case(language));
    usual.map_or(AUTO, |(_, locale)| locale).to_owned()
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
        let pairs = [("ru", "ru-RU"), ("", "auto"), ("pt-BR", "pt-BR"), ("DE", "de-DE"), ("la", "auto")];
        for (tag, expected) in pairs {
            assert_eq!(asked(tag), expected, "{tag}");
        }
        assert_eq!((tag("auto"), tag("ru-RU")), ("", "ru-RU"));
    }
}
