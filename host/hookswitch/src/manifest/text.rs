//! Texts of a manifest, as `wit/manifest.schema.json` bounds them. A stranger wrote them, and people read them on
//! terminals and pages: they are short, and every character is one that can be seen.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, de::Error};

use crate::shown::steers;

/// A name, in characters that need no quotes in TOML.
pub(super) fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if is_name(&text) {
        return Ok(text);
    }
    Err(D::Error::custom(format!(
        "`{}` is no name: a small letter, then at most 62 small letters, digits and hyphens",
        shown(&text)
    )))
}

/// Whether a text is a small letter, then at most 62 small letters, digits and hyphens.
pub(crate) fn is_name(text: &str) -> bool {
    let tail = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 63 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(tail)
}

/// The title of something: a line of 1 to 200 characters.
pub(super) fn title<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = line(from)?;
    if text.is_empty() { Err(D::Error::custom("a title is empty")) } else { Ok(text) }
}

/// A line of at most 200 characters.
pub(super) fn line<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    bounded(String::deserialize(from)?, 200, steers)
}

/// An explanation of at most 2,000 characters; it may have line breaks.
pub(super) fn help<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    bounded(String::deserialize(from)?, 2_000, |char| char != '\n' && steers(char))
}

/// At most 64 different lines.
pub(super) fn lines<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<String>, D::Error> {
    let lines = list::<64, String, D>(from)?;
    lines.into_iter().map(|text| bounded(text, 200, steers)).collect()
}

/// At most so many of something.
pub(super) fn list<'de, const MOST: usize, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(from)?;
    if list.len() > MOST {
        return Err(D::Error::custom(format!("a list has {} entries; at most {MOST}", list.len())));
    }
    Ok(list)
}

fn bounded<E: Error>(text: String, most: usize, refused: impl Fn(char) -> bool) -> Result<String, E> {
    let count = text.chars().count();
    if count > most {
        return Err(E::custom(format!("`{}` has {count} characters; at most {most}", shown(&text))));
    }
    match text.chars().find(|char| refused(*char)) {
        Some(steering) => Err(E::custom(format!(
            "`{}` holds the character U+{:04X}, which cannot be seen",
            shown(&text),
            u32::from(steering)
        ))),
        None => Ok(text),
    }
}

/// The begin of a text that may be anything.
fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}
