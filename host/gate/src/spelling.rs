//! How a text is written in other notations: the one that somebody asks for, and all in which systems echo it.

use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

/// How a secret is to be written at the place of its placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    /// For a URL or a form (RFC 3986, section 2.1).
    Percent,
    Base64,
    /// For the inside of a JSON string (RFC 8259, section 7).
    Json,
}

impl Encoding {
    pub(crate) const ALL: [Encoding; 4] = [Encoding::Plain, Encoding::Percent, Encoding::Base64, Encoding::Json];

    pub(crate) fn parse(name: &str) -> Option<Encoding> {
        Encoding::ALL.into_iter().find(|encoding| encoding.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Encoding::Plain => "plain",
            Encoding::Percent => "percent",
            Encoding::Base64 => "base64",
            Encoding::Json => "json",
        }
    }

    pub(crate) fn apply(self, text: &str) -> String {
        match self {
            Encoding::Plain => text.to_owned(),
            Encoding::Percent => percent(text),
            Encoding::Base64 => STANDARD.encode(text),
            Encoding::Json => json(text, |_| false),
        }
    }
}

/// Writes a text so that it can stand at any place of a URL.
pub(crate) fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// What RFC 3986 lets stand only with a meaning.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// JavaScript's `encodeURIComponent`.
const COMPONENT: &AsciiSet = &RESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// What cannot stand in a URL even with a meaning.
const ILLEGAL: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');
/// The same, and what ends a path or a query.
const ENDING: &AsciiSet = &ILLEGAL.add(b'#').add(b'?').add(b'%').add(b'\'');

/// Every spelling in which other systems echo a text. Upper and lower case are one.
pub(crate) fn spellings(text: &str) -> BTreeSet<Vec<u8>> {
    let mut spellings = BTreeSet::from([text.to_owned()]);
    spellings.extend(json_spellings(text));
    spellings.extend(url_spellings(text));
    spellings.extend(HTML.iter().map(|entities| html(text, entities)));
    spellings.extend(base64_spellings(text));
    spellings.insert(text.bytes().fold(String::new(), |hex, byte| hexed(hex, "", byte)));
    spellings.into_iter().map(String::into_bytes).collect()
}

/// JSON as PHP, Go, Python, .NET, Java and Ruby write it by default or for pages, and JSON inside of JSON.
fn json_spellings(text: &str) -> Vec<String> {
    let page = |c: char| "<>&\u{2028}\u{2029}".contains(c);
    let careful = |c: char| !c.is_ascii() || "<>&'\"+`=\u{7f}".contains(c);
    let escaped = [
        json(text, |_| false),
        json(text, page),
        json(text, |c| !c.is_ascii()),
        json(text, careful),
        json(text, |c| careful(c) || c == '\\'),
        json(text, |c| !c.is_ascii_alphanumeric()),
        json(text, |_| true),
    ];
    let once = escaped.iter().flat_map(|text| [text.clone(), text.replace('/', "\\/"), text.replace('/', "\\u002f")]);
    let once: Vec<String> = once.collect();
    let twice = once.iter().map(|text| json(text, |_| false));
    let twice: Vec<String> = twice.flat_map(|text| [text.replace('/', "\\/"), text]).collect();
    [once, twice].concat()
}

/// Writes the inside of a JSON string; what `must` names is written as `\uXXXX`.
fn json(text: &str, must: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if must(c) => escape(&mut out, c),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => escape(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

fn escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a string does not fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

fn url_spellings(text: &str) -> Vec<String> {
    let sets = [RESERVED, NON_ALPHANUMERIC, COMPONENT, ILLEGAL, ENDING];
    let mut spellings: Vec<String> = sets.iter().map(|set| utf8_percent_encode(text, set).to_string()).collect();
    spellings.push(form_urlencoded::byte_serialize(text.as_bytes()).collect());
    spellings.push(percent(text).replace("%20", "+"));
    spellings.push(percent(&percent(text)));
    spellings.push(text.bytes().fold(String::new(), |out, byte| hexed(out, "%", byte)));
    // Two layers that meet often: a JSON text in a query, and a URL in JSON.
    spellings.push(percent(&json(text, |_| false)));
    spellings.push(percent(&json(text, |c| !c.is_ascii())));
    let in_json: Vec<String> = spellings.iter().map(|text| text.replace('/', "\\/")).collect();
    [spellings, in_json].concat()
}

/// How pages write what has a meaning in HTML: the usual way, and those of Python, Go and Mustache.
const HTML: [&[(char, &str)]; 4] = [
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#x27;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;"), ('\'', "&#39;"), ('+', "&#43;")],
    &[
        ('&', "&amp;"),
        ('<', "&lt;"),
        ('>', "&gt;"),
        ('"', "&quot;"),
        ('\'', "&#39;"),
        ('/', "&#x2f;"),
        ('=', "&#x3d;"),
        ('`', "&#x60;"),
    ],
];

fn html(text: &str, entities: &[(char, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match entities.iter().find(|(plain, _)| *plain == c) {
            Some((_, entity)) => out.push_str(entity),
            None => out.push(c),
        }
    }
    out
}

/// Base64 with anything around the text, also in a URL and as PHP writes it in JSON.
fn base64_spellings(text: &str) -> Vec<String> {
    let standard = (0..3).map(|before| within_base64(&STANDARD, text, before));
    let url_safe = (0..3).map(|before| within_base64(&URL_SAFE, text, before));
    let plain = standard.chain(url_safe);
    plain.flat_map(|text| [text.replace('/', "\\/"), percent(&text), text]).collect()
}

/// The characters that `text` alone determines in the base64 of a longer text, where the number of bytes before it is
/// `before` modulo 3: each character stands for 6 bits.
fn within_base64(alphabet: &impl Engine, text: &str, before: usize) -> String {
    let bytes = [vec![0; before].as_slice(), text.as_bytes()].concat();
    let first = (before * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    alphabet.encode(&bytes).chars().take(end).skip(first).collect()
}

fn hexed(mut out: String, prefix: &str, byte: u8) -> String {
    let _ = write!(out, "{prefix}{byte:02x}");
    out
}
