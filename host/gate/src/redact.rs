//! Takes secrets out of everything that came back from outside, before anybody else sees it.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hyper::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use crate::credential::Credential;

/// Finds the secrets of one plugin in the spellings in which other systems echo them, and puts `{handle}` there.
///
/// A secret is found as it is, percent-encoded, escaped for JSON, and in base64 with anything around it. The search
/// ignores case, since `%2f` is `%2F`. It cannot find a secret that the other side takes apart on purpose.
pub(crate) struct Redactor {
    search: AhoCorasick,
    /// What stands in for the pattern of the same number.
    marks: Vec<String>,
}

impl Redactor {
    pub(crate) fn new(credentials: &BTreeMap<String, Credential>) -> Result<Redactor, BuildError> {
        let (mut patterns, mut marks) = (Vec::new(), Vec::new());
        for (handle, credential) in credentials {
            let spellings: BTreeSet<Vec<u8>> = credential.secrets().iter().flat_map(spellings).collect();
            marks.extend(std::iter::repeat_n(format!("{{{handle}}}"), spellings.len()));
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

/// What RFC 3986 never needs to encode.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn spellings(secret: &SecretString) -> Vec<Vec<u8>> {
    let secret = secret.expose_secret();
    let percent = |set| utf8_percent_encode(secret, set).to_string();
    let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
    let mut spellings = vec![
        secret.to_owned(),
        percent(RESERVED),
        percent(NON_ALPHANUMERIC),
        json.replace('/', "\\/"),
        json.replace('/', "\\\\/"),
        json.replace('/', "\\u002f"),
        json,
    ];
    for before in 0..3 {
        spellings.extend([within_base64(&STANDARD, secret, before), within_base64(&URL_SAFE, secret, before)]);
    }
    spellings.into_iter().map(String::into_bytes).collect()
}

/// The characters that `secret` alone determines in the base64 of a longer text, where the number of bytes before it is
/// `before` modulo 3: each character stands for 6 bits.
fn within_base64(alphabet: &impl Engine, secret: &str, before: usize) -> String {
    let bytes = [vec![0; before].as_slice(), secret.as_bytes()].concat();
    let first = (before * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    alphabet.encode(&bytes).chars().take(end).skip(first).collect()
}
