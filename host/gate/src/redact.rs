//! Takes secrets out of everything that came back from outside, before anybody else sees it.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use hyper::body::Bytes;
use percent_encoding::percent_decode_str;

use crate::origin::Origin;
use crate::spelling::spellings;

/// Characters that a secret has at least. Shorter texts occur by chance, and removing them would garble answers.
pub(crate) const SHORTEST: usize = 8;

/// Finds the secrets of one plugin in the spellings in which other systems echo them, and puts a mark there.
///
/// A secret is found as it is, percent-encoded, escaped for JSON and HTML, in hexadecimal, and in base64 with anything
/// around it. The search ignores case, since `%2f` is `%2F`. It cannot find a secret that the other side takes apart on
/// purpose.
pub(crate) struct Redactor {
    search: AhoCorasick,
    /// What stands in for the pattern of the same number.
    marks: Vec<String>,
}

impl Redactor {
    /// Takes marks, each with a text that gives its secret away.
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = (String, &'a str)>) -> Result<Redactor, BuildError> {
        let (mut patterns, mut marks) = (Vec::new(), Vec::new());
        for (mark, secret) in secrets {
            let spellings = spellings(secret);
            marks.extend(std::iter::repeat_n(mark, spellings.len()));
            patterns.extend(spellings);
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(patterns)?;
        Ok(Redactor { search, marks })
    }

    /// Says whether a secret is in a text.
    pub(crate) fn finds(&self, text: &[u8]) -> bool {
        self.search.is_match(text)
    }

    pub(crate) fn bytes(&self, bytes: Bytes) -> Bytes {
        if self.search.is_match(&bytes) { self.search.replace_all_bytes(&bytes, &self.marks).into() } else { bytes }
    }

    pub(crate) fn text(&self, text: String) -> String {
        if self.search.is_match(&text) { self.search.replace_all(&text, &self.marks) } else { text }
    }
}

/// The texts that give a secret URL away: the URL, its path, and those `parts` of it that look like a key and not like
/// a word of the API (`rest`, `v1`, a user's number), since removing words from answers would garble them.
pub(crate) fn of_url(origin: &Origin, path_and_query: &str, is_key: impl Fn(&str) -> bool) -> Vec<String> {
    let parts = path_and_query.split(['/', '?', '&', '=']);
    let mut texts: Vec<String> = parts.filter(|part| is_key(part)).map(str::to_owned).collect();
    if path_and_query.len() >= SHORTEST || !texts.is_empty() {
        texts.push(format!("{origin}{path_and_query}"));
        texts.push(path_and_query.to_owned());
    }
    let decoded = |text: &String| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
    let decoded: Vec<String> = texts.iter().filter_map(decoded).collect();
    [texts, decoded].concat()
}
