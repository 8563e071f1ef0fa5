//! Takes secrets out of everything that came back from outside, before anybody else sees it.

use std::sync::Arc;

use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};

use crate::origin::Origin;
use crate::spelling::spellings;

/// Characters that a secret has at least. Shorter texts occur by chance, and removing them would garble answers.
pub(crate) const SHORTEST: usize = 8;

/// One secret in all its spellings, and what stands in for it.
pub(crate) struct Spelled {
    mark: String,
    spellings: Vec<Spelling>,
}

struct Spelling {
    bytes: Vec<u8>,
    /// Where the bytes are by which it is looked up.
    anchor: usize,
}

impl Spelled {
    /// Takes all texts that give the secret away. Those that are too short are not looked for.
    pub(crate) fn new(mark: String, texts: impl IntoIterator<Item = SecretString>) -> Spelled {
        let texts = texts.into_iter().filter(|text| text.expose_secret().chars().count() >= SHORTEST);
        let mut all: Vec<Vec<u8>> = texts.flat_map(|text| spellings(text.expose_secret())).collect();
        all.sort_unstable();
        all.dedup();
        let spelling = |bytes: Vec<u8>| Spelling { anchor: anchor(&bytes), bytes };
        Spelled { mark, spellings: all.into_iter().map(spelling).collect() }
    }
}

/// Gives the place of the eight bytes in a row that are the least likely to occur elsewhere: tokens mix digits and
/// letters of both cases, the rest of a URL says the same in all of them.
fn anchor(bytes: &[u8]) -> usize {
    let kind = |b: &u8| (b.is_ascii_digit(), b.is_ascii_lowercase(), b.is_ascii_uppercase());
    let mixed = |pair: &[u8]| match pair {
        [one, other] if one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric() => kind(one) != kind(other),
        _ => false,
    };
    let rarity = |window: &[u8]| window.windows(2).filter(|pair| mixed(pair)).count();
    bytes.windows(ANCHOR).map(rarity).enumerate().max_by_key(|(_, rarity)| *rarity).map_or(0, |(at, _)| at)
}

const ANCHOR: usize = size_of::<u64>();

/// Finds the secrets of one plugin in the spellings in which other systems echo them, and puts their marks there.
///
/// A secret is found as it is, percent-encoded, escaped for JSON and HTML, in hexadecimal, and in base64 with anything
/// around it. The search ignores case, since `%2f` is `%2F`. It cannot find a secret that the other side takes apart on
/// purpose.
///
/// There may be tens of thousands of spellings, and with each secret that is kept a new redactor is made: spellings are
/// looked up by eight of their bytes, which takes no automaton.
pub(crate) struct Redactor {
    secrets: Vec<Arc<Spelled>>,
    /// By their key.
    anchors: Vec<Anchor>,
    /// A bit for each hash that a key has; most windows of a text have none of them.
    filter: Vec<u64>,
}

struct Anchor {
    /// Eight bytes, in lower case.
    key: u64,
    secret: usize,
    spelling: usize,
}

/// A part of a text that must not be seen.
struct Region {
    start: usize,
    end: usize,
    secret: usize,
    /// How long the secret is that gives the mark.
    longest: usize,
}

/// How many bytes are compared for each byte of a text, and how many in any case, before the rest of the text is taken
/// for a secret. Only a text that is made for it comes near.
const WORK_PER_BYTE: usize = 64;
const WORK: usize = 256 * 1024;

impl Redactor {
    pub(crate) fn new(secrets: impl IntoIterator<Item = Arc<Spelled>>) -> Redactor {
        let secrets: Vec<Arc<Spelled>> = secrets.into_iter().collect();
        let mut anchors = Vec::new();
        for (number, secret) in secrets.iter().enumerate() {
            for (spelling, Spelling { bytes, anchor }) in secret.spellings.iter().enumerate() {
                let key = bytes.iter().skip(*anchor).take(ANCHOR).fold(0, shifted);
                anchors.push(Anchor { key, secret: number, spelling });
            }
        }
        anchors.sort_unstable_by_key(|anchor| anchor.key);
        let mut redactor =
            Redactor { filter: vec![0; (anchors.len() / 4).next_power_of_two().max(16)], secrets, anchors };
        for anchor in &redactor.anchors {
            let (word, bit) = place(anchor.key, redactor.filter.len());
            if let Some(word) = redactor.filter.get_mut(word) {
                *word |= bit;
            }
        }
        redactor
    }

    /// Says whether a secret is in a text.
    pub(crate) fn finds(&self, text: &[u8]) -> bool {
        !self.regions(text).is_empty()
    }

    pub(crate) fn bytes(&self, bytes: Bytes) -> Bytes {
        self.replaced(&bytes).map_or(bytes, Bytes::from)
    }

    pub(crate) fn text(&self, text: String) -> String {
        // Spellings are whole texts, so what is left is one.
        self.replaced(text.as_bytes()).map_or(text, |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn replaced(&self, text: &[u8]) -> Option<Vec<u8>> {
        let regions = self.regions(text);
        if regions.is_empty() {
            return None;
        }
        let (mut out, mut done) = (Vec::with_capacity(text.len()), 0);
        for Region { start, end, secret, .. } in regions {
            out.extend_from_slice(text.get(done..start).unwrap_or_default());
            out.extend_from_slice(self.secrets.get(secret).map_or(&[], |secret| secret.mark.as_bytes()));
            done = end;
        }
        out.extend_from_slice(text.get(done..).unwrap_or_default());
        Some(out)
    }

    /// The parts of a text in which secrets are, in order and apart from each other.
    fn regions(&self, text: &[u8]) -> Vec<Region> {
        let (mut regions, mut work) = (Vec::new(), WORK + WORK_PER_BYTE * text.len());
        let mut key = 0;
        for (at, byte) in text.iter().enumerate() {
            key = shifted(key, byte);
            let (word, bit) = place(key, self.filter.len());
            if at + 1 < ANCHOR || self.filter.get(word).is_none_or(|word| word & bit == 0) {
                continue;
            }
            let first = self.anchors.partition_point(|anchor| anchor.key < key);
            let anchors = self.anchors.iter().skip(first).take_while(|anchor| anchor.key == key);
            for Anchor { secret, spelling, .. } in anchors {
                let Some(Spelling { bytes, anchor }) = self.spelling(*secret, *spelling) else { continue };
                let Some(start) = (at + 1 - ANCHOR).checked_sub(*anchor) else { continue };
                let Some(found) = text.get(start..start + bytes.len()) else { continue };
                let same = found.iter().zip(bytes).take_while(|(one, other)| one.eq_ignore_ascii_case(other)).count();
                let longest = bytes.len();
                if same == longest {
                    join(&mut regions, Region { start, end: start + longest, secret: *secret, longest });
                }
                let Some(left) = work.checked_sub(same + 1) else {
                    join(&mut regions, Region { start, end: text.len(), secret: *secret, longest });
                    return regions;
                };
                work = left;
            }
        }
        regions
    }

    fn spelling(&self, secret: usize, spelling: usize) -> Option<&Spelling> {
        self.secrets.get(secret)?.spellings.get(spelling)
    }
}

/// Adds a region. Those that overlap become one, under the mark of the longest secret in it: the others are parts of it
/// as a rule.
fn join(regions: &mut Vec<Region>, mut new: Region) {
    while let Some(last) = regions.pop_if(|last| new.start < last.end) {
        let (start, end) = (last.start.min(new.start), last.end.max(new.end));
        let longer = if last.longest >= new.longest { last } else { new };
        new = Region { start, end, ..longer };
    }
    regions.push(new);
}

fn shifted(key: u64, byte: &u8) -> u64 {
    key << 8 | u64::from(byte.to_ascii_lowercase())
}

/// The bit of a key in a filter of this many words, a power of two.
fn place(key: u64, words: usize) -> (usize, u64) {
    let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    ((hash >> 6) as usize & (words - 1), 1 << (hash & 63))
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
