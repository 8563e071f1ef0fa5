//! How a secret may be written, and the search for all of it.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use anyhow::{Result, ensure};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

/// Something that nobody but the admin, the program and its owner may know.
#[derive(Clone, Debug)]
pub struct Secret {
    pub name: &'static str,
    pub text: &'static str,
    /// How the program comes by it, and where it takes it.
    pub course: Course,
}

/// The course of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// From a file of the admin's to the CRM.
    Sent,
    /// From a file of the admin's; it is only calculated or compared with.
    Kept,
    /// From a file of the admin's; it is used once and forgotten.
    Used,
    /// From the CRM's answer to the request of this number at this place, and back to the CRM.
    Given(&'static str, usize),
    /// From a browser to the CRM, where it is good for nothing afterwards.
    Passed,
}

/// One way to write it.
pub struct Spelling {
    pub name: String,
    /// As a system would write it somewhere: base64 has more around it.
    pub written: String,
    /// What of that is surely there.
    pub needle: Vec<u8>,
}

impl Secret {
    pub fn new(name: &'static str, text: &'static str, course: Course) -> Self {
        Self { name, text, course }
    }

    /// The ways to write it that are text, each once.
    pub fn spellings(&self) -> Vec<Spelling> {
        let text = self.text;
        let json = serde_json::Value::from(text).to_string();
        let json = json[1..json.len() - 1].to_owned();
        let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let bytes = |before: &str| text.bytes().map(|byte| format!("{before}{byte:02x}")).collect::<String>();
        let reserved: String = text.bytes().map(percent).collect();
        let plain = [
            ("plain".to_owned(), text.to_owned()),
            ("json-slash".to_owned(), json.replace('/', "\\/")),
            ("json-units".to_owned(), units),
            ("json".to_owned(), json),
            ("form".to_owned(), reserved.replace("%20", "+")),
            ("percent".to_owned(), reserved),
            ("percent-all".to_owned(), bytes("%")),
            ("hex".to_owned(), bytes("")),
        ];
        let plain = plain.into_iter().map(|(name, written)| {
            let needle = written.clone().into_bytes();
            Spelling { name, written, needle }
        });
        let base64 = (0..3).flat_map(|before| {
            let around = [&"user:"[..before], text, "\n;"].concat();
            let only = |written: String| {
                let needle = written[(before * 8).div_ceil(6)..(before + text.len()) * 8 / 6].into();
                (written, needle)
            };
            [("base64", only(STANDARD.encode(&around))), ("base64url", only(URL_SAFE.encode(&around)))]
                .map(|(name, (written, needle))| Spelling { name: format!("{name} behind {before}"), written, needle })
        });
        let mut seen = BTreeSet::new();
        plain.chain(base64).filter(|spelling| seen.insert(spelling.needle.clone())).collect()
    }
}

/// As RFC 3986 wants it anywhere in a URL.
fn percent(byte: u8) -> String {
    match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).into(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).into(),
        byte => format!("%{byte:02X}"),
    }
}

/// Finds secrets in whatever spelling.
pub struct Search {
    automaton: AhoCorasick,
    /// Of each pattern: the secret's name and the spelling's.
    names: Vec<(&'static str, String)>,
}

impl Search {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Result<Self> {
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for secret in secrets {
            for spelling in secret.spellings() {
                names.push((secret.name, spelling.name));
                patterns.push(spelling.needle);
            }
            // As JavaScript engines keep texts that are not Latin.
            names.push((secret.name, "utf-16".to_owned()));
            patterns.push(secret.text.encode_utf16().flat_map(u16::to_le_bytes).collect());
            // Half a secret is too much.
            let (first, second) = secret.text.as_bytes().split_at(secret.text.len() / 2);
            for (name, half) in [("first half", first), ("second half", second)] {
                names.push((secret.name, name.to_owned()));
                patterns.push(half.to_owned());
            }
        }
        let owners: BTreeMap<_, _> = patterns.iter().zip(names.iter().map(|(secret, _)| secret)).collect();
        for (pattern, (secret, spelling)) in patterns.iter().zip(&names) {
            ensure!(owners[pattern] == secret, "{secret}, {spelling} is found in {} too", owners[pattern]);
        }
        Ok(Self { automaton: AhoCorasick::builder().ascii_case_insensitive(true).build(patterns)?, names })
    }

    /// What is in there, as "SECRET, SPELLING".
    pub fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<String> {
        let found: BTreeSet<_> = self.automaton.find_overlapping_iter(bytes).map(|found| found.pattern()).collect();
        found.into_iter().map(|pattern| format!("{}, {}", self.names[pattern].0, self.names[pattern].1)).collect()
    }
}
