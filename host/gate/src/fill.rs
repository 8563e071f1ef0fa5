//! Texts that stand for secrets, and their replacement on the way out.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use memchr::memmem;
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

    /// Begins to give a message a number of its own, the same when the same message is sent again; its body, of so many
    /// bytes, comes by [`MessageId::update`].
    pub(crate) fn message_id(&self, method: &str, url: &str, body: u64) -> MessageId {
        let mut hasher = self.hasher(&[b"message", method.as_bytes(), url.as_bytes()]);
        hasher.update(&body.to_le_bytes());
        MessageId(Box::new(hasher))
    }

    /// Says in constant time whether two texts are the same.
    pub(crate) fn same(&self, one: &str, other: &str) -> bool {
        // Hashes are compared in constant time, and say nothing of the texts to whoever measures.
        self.hash(&[b"same", one.as_bytes()]) == self.hash(&[b"same", other.as_bytes()])
    }

    /// Lower-case letters and digits only: URL parsers, forms and JSON leave them as they are.
    fn derive(&self, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        format!("{BEGINNING}{}", self.hex(&parts))
    }

    fn hex(&self, parts: &[&[u8]]) -> String {
        digits(&self.hash(parts))
    }

    fn hash(&self, parts: &[&[u8]]) -> blake3::Hash {
        self.hasher(parts).finalize()
    }

    fn hasher(&self, parts: &[&[u8]]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        hasher
    }
}

/// The number of a message whose body is still coming.
pub(crate) struct MessageId(Box<blake3::Hasher>);

impl MessageId {
    pub(crate) fn update(&mut self, body: &[u8]) {
        self.0.update(body);
    }

    pub(crate) fn finish(self) -> String {
        digits(&self.0.finalize())
    }
}

fn digits(hash: &blake3::Hash) -> String {
    hash.to_hex().as_str().chars().take(DIGITS).collect()
}

/// What all texts that stand for secrets begin with, and how many digits follow.
const BEGINNING: &str = "secret";
const DIGITS: usize = 32;

/// Finds the texts that stand for secrets, and puts the secrets there.
#[derive(Default)]
pub(crate) struct Filler {
    /// By the text that stands for it.
    stands: HashMap<Vec<u8>, Stand>,
}

struct Stand {
    /// Whose value it is: a credential's handle, or a mask.
    owner: Arc<str>,
    value: Arc<SecretString>,
    encoding: Encoding,
}

impl Filler {
    /// Adds a secret, with the text that stands for it in each encoding.
    pub(crate) fn add(&mut self, owner: &str, value: &SecretString, text: impl Fn(Encoding) -> String) {
        let (owner, value) = (Arc::from(owner), Arc::new(value.clone()));
        for encoding in Encoding::ALL {
            let stand = Stand { owner: Arc::clone(&owner), value: Arc::clone(&value), encoding };
            self.stands.insert(text(encoding).into_bytes(), stand);
        }
    }

    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.stands_in(text.as_bytes()).next().is_some()
    }

    /// Fills a text in, and tells whose values are in it now; `None` where there is nothing to fill in. What becomes
    /// longer than `limit` is cut at some place beyond it.
    pub(crate) fn fill(&self, text: &[u8], limit: usize, owners: &mut BTreeSet<String>) -> Option<Vec<u8>> {
        let mut stands = self.stands_in(text).peekable();
        stands.peek()?;
        let (mut out, mut done) = (Vec::with_capacity(text.len()), 0);
        for (at, length, Stand { owner, value, encoding }) in stands {
            out.extend_from_slice(text.get(done..at).unwrap_or_default());
            out.extend_from_slice(encoding.apply(value.expose_secret()).as_bytes());
            done = at + length;
            owners.insert(owner.to_string());
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

    /// Where in a text something stands for a secret, and how long it is.
    fn stands_in<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, usize, &'a Stand)> {
        let length = BEGINNING.len() + DIGITS;
        memmem::find_iter(text, BEGINNING)
            .filter_map(move |at| Some((at, length, self.stands.get(text.get(at..at + length)?)?)))
    }
}
