//! Texts that stand for secrets, and their replacement on the way out.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, BuildError};
use secrecy::{ExposeSecret, SecretString};

use crate::spelling::Encoding;

/// Derives the texts that stand for secrets: the same from the same key, and not to be guessed without it.
pub(crate) struct Masks {
    key: [u8; 32],
}

impl Masks {
    pub(crate) fn new(key: [u8; 32]) -> Masks {
        Masks { key }
    }

    /// What stands for a value that is kept.
    pub(crate) fn of_value(&self, value: &str) -> String {
        self.derive(&["value", value])
    }

    /// What stands for a value by its name: a credential's handle, or a mask.
    pub(crate) fn placeholder(&self, name: &str, encoding: Encoding) -> String {
        self.derive(&["placeholder", name, encoding.name()])
    }

    /// What stands for a value that is kept, given the mask that stands for it as it is.
    pub(crate) fn kept(&self, mask: &str, encoding: Encoding) -> String {
        match encoding {
            Encoding::Plain => mask.to_owned(),
            _ => self.placeholder(mask, encoding),
        }
    }

    /// Gives a message a number of its own, the same when the same message is sent again.
    pub(crate) fn message_id(&self, method: &str, url: &str, body: &[u8]) -> String {
        self.hash(&[b"message", method.as_bytes(), url.as_bytes(), body]).to_hex().as_str().chars().take(32).collect()
    }

    /// Says in constant time whether two texts are the same.
    pub(crate) fn same(&self, one: &str, other: &str) -> bool {
        // Hashes are compared in constant time, and say nothing of the texts to whoever measures.
        self.hash(&[b"same", one.as_bytes()]) == self.hash(&[b"same", other.as_bytes()])
    }

    /// Lower-case letters and digits only: URL parsers, forms and JSON leave them as they are.
    fn derive(&self, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        let hash: String = self.hash(&parts).to_hex().as_str().chars().take(32).collect();
        format!("secret{hash}")
    }

    fn hash(&self, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        hasher.finalize()
    }
}

/// Finds the texts that stand for secrets, and puts the secrets there.
pub(crate) struct Filler {
    search: AhoCorasick,
    /// What belongs to the pattern of the same number.
    stands: Vec<Stand>,
}

/// What a text stands for.
pub(crate) struct Stand {
    pub(crate) text: String,
    /// Whose value it is: a credential's handle, or a mask.
    pub(crate) owner: String,
    pub(crate) value: SecretString,
}

impl Filler {
    pub(crate) fn new(stands: Vec<Stand>) -> Result<Filler, BuildError> {
        let search = AhoCorasick::new(stands.iter().map(|stand| &stand.text))?;
        Ok(Filler { search, stands })
    }

    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.search.is_match(text)
    }

    /// Fills a text in, and tells whose values are in it now; `None` where there is nothing to fill in. What becomes
    /// longer than `limit` is cut at some place beyond it.
    pub(crate) fn fill(&self, text: &[u8], limit: usize, owners: &mut BTreeSet<String>) -> Option<Vec<u8>> {
        if !self.search.is_match(text) {
            return None;
        }
        let (mut out, mut done) = (Vec::with_capacity(text.len()), 0);
        for found in self.search.find_iter(text) {
            let Some(stand) = self.stands.get(found.pattern().as_usize()) else { continue };
            out.extend_from_slice(text.get(done..found.start()).unwrap_or_default());
            out.extend_from_slice(stand.value.expose_secret().as_bytes());
            done = found.end();
            owners.insert(stand.owner.clone());
            if out.len() > limit {
                return Some(out);
            }
        }
        out.extend_from_slice(text.get(done..).unwrap_or_default());
        Some(out)
    }

    /// The same for a text, which stays one.
    pub(crate) fn fill_text(&self, text: &str, limit: usize, owners: &mut BTreeSet<String>) -> Option<String> {
        let filled = self.fill(text.as_bytes(), limit, owners)?;
        // Whole texts were put in the place of ASCII.
        Some(String::from_utf8_lossy(&filled).into_owned())
    }
}
