//! Values as the PBX writes them: numbers as numbers or as texts, a single space for nothing.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// The longest text that is taken, in bytes.
const LONGEST: usize = 512;

/// A text without blank space at its ends; empty where the field is missing, `null` or blank.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = match Value::deserialize(from)? {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(D::Error::custom("a text is neither a text nor a number")),
    };
    if text.len() > LONGEST {
        return Err(D::Error::custom(format!("a text is longer than {LONGEST} bytes")));
    }
    Ok(text)
}

/// A whole number that is not negative; none where the field is missing, blank or anything else.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// The elements of a list; a field that is missing or no list has none.
pub(super) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Array(elements) => elements,
        _ => Vec::new(),
    })
}

/// The first of these fields that is not blank; empty if there is none.
pub(super) fn field(json: &Value, names: &[&str]) -> String {
    let fields = names.iter().filter_map(|name| json.get(name));
    fields.filter_map(|value| text(value).ok()).find(|text| !text.is_empty()).unwrap_or_default()
}

/// Name and number of `Leo Ball<2005>`; what has no brackets is a number.
pub(super) fn named(text: &str) -> (String, String) {
    match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, number)) => (name.trim().to_owned(), number.trim().to_owned()),
        None => (String::new(), text.trim().to_owned()),
    }
}
