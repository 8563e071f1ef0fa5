//! Single values in JSON, which come as text here and as numbers there.

use serde_json::Value;

/// Characters of a value that are kept.
const MOST: usize = 256;

/// A field as text, at most 256 characters; none where it is missing, null, blank or no single value.
pub(super) fn text(object: &Value, key: &str) -> Option<String> {
    whole(object, key).map(|text| cut(&text, MOST))
}

/// The same, all of it.
pub(super) fn whole(object: &Value, key: &str) -> Option<String> {
    let text = match object.get(key)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The first so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Whether a text says yes.
pub(super) fn is_true(text: &str) -> bool {
    text == "1" || text.eq_ignore_ascii_case("true")
}
