//! Languages as the contract writes them and as Whisper does.

/// Whisper's languages: a code, and the English name that OpenAI and whisper.cpp answer with.
#[rustfmt::skip]
const NAMES: [(&str, &str); 99] = [
    ("af", "afrikaans"), ("am", "amharic"), ("ar", "arabic"), ("as", "assamese"), ("az", "azerbaijani"),
    ("ba", "bashkir"), ("be", "belarusian"), ("bg", "bulgarian"), ("bn", "bengali"), ("bo", "tibetan"),
    ("br", "breton"), ("bs", "bosnian"), ("ca", "catalan"), ("cs", "czech"), ("cy", "welsh"),
    ("da", "danish"), ("de", "german"), ("el", "greek"), ("en", "english"), ("es", "spanish"),
    ("et", "estonian"), ("eu", "basque"), ("fa", "persian"), ("fi", "finnish"), ("fo", "faroese"),
    ("fr", "french"), ("gl", "galician"), ("gu", "gujarati"), ("ha", "hausa"), ("haw", "hawaiian"),
    ("he", "hebrew"), ("hi", "hindi"), ("hr", "croatian"), ("ht", "haitian creole"), ("hu", "hungarian"),
    ("hy", "armenian"), ("id", "indonesian"), ("is", "icelandic"), ("it", "italian"), ("ja", "japanese"),
    ("jw", "javanese"), ("ka", "georgian"), ("kk", "kazakh"), ("km", "khmer"), ("kn", "kannada"),
    ("ko", "korean"), ("la", "latin"), ("lb", "luxembourgish"), ("ln", "lingala"), ("lo", "lao"),
    ("lt", "lithuanian"), ("lv", "latvian"), ("mg", "malagasy"), ("mi", "maori"), ("mk", "macedonian"),
    ("ml", "malayalam"), ("mn", "mongolian"), ("mr", "marathi"), ("ms", "malay"), ("mt", "maltese"),
    ("my", "myanmar"), ("ne", "nepali"), ("nl", "dutch"), ("nn", "nynorsk"), ("no", "norwegian"),
    ("oc", "occitan"), ("pa", "punjabi"), ("pl", "polish"), ("ps", "pashto"), ("pt", "portuguese"),
    ("ro", "romanian"), ("ru", "russian"), ("sa", "sanskrit"), ("sd", "sindhi"), ("si", "sinhala"),
    ("sk", "slovak"), ("sl", "slovenian"), ("sn", "shona"), ("so", "somali"), ("sq", "albanian"),
    ("sr", "serbian"), ("su", "sundanese"), ("sv", "swedish"), ("sw", "swahili"), ("ta", "tamil"),
    ("te", "telugu"), ("tg", "tajik"), ("th", "thai"), ("tk", "turkmen"), ("tl", "tagalog"),
    ("tr", "turkish"), ("tt", "tatar"), ("uk", "ukrainian"), ("ur", "urdu"), ("uz", "uzbek"),
    ("vi", "vietnamese"), ("yi", "yiddish"), ("yo", "yoruba"), ("zh", "chinese"),
];

/// What a server wants to be told: the language alone, without a region ("de" of "de-AT").
pub(crate) fn asked(tag: &str) -> Option<String> {
    let language = tag.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase();
    (!language.is_empty()).then_some(language)
}

/// The contract's tag for what a server has answered: a code or an English name. Empty: neither.
pub(crate) fn tag(answered: &str) -> String {
    let answered = answered.trim().to_lowercase();
    let known = NAMES.iter().find(|(code, name)| *code == answered || *name == answered);
    match known {
        // Whisper's own spelling of Javanese.
        Some(("jw", _)) => "jv".to_owned(),
        Some((code, _)) => (*code).to_owned(),
        None if answered.len() <= 3
            && answered.len() >= 2
            && answered.bytes().all(|byte| byte.is_ascii_lowercase()) =>
        {
            answered
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_the_language_without_its_region() {
        assert_eq!(asked("pt-BR").as_deref(), Some("pt"));
        assert_eq!(asked("DE").as_deref(), Some("de"));
        assert_eq!(asked(""), None);
    }

    #[test]
    fn answers_are_codes_or_names() {
        for (answered, expected) in [
            ("english", "en"),
            ("German", "de"),
            ("ru", "ru"),
            ("yue", "yue"),
            ("jw", "jv"),
            ("", ""),
            ("klingonese", ""),
        ] {
            assert_eq!(tag(answered), expected, "{answered}");
        }
    }
}
