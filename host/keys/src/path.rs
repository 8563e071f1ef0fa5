//! Places in JSON: names and numbers with dots between.

use std::borrow::Cow;

use serde_json::Value;

/// The value at a path; `None` if there is none, or if it is null.
pub(crate) fn find<'a>(json: &'a Value, path: &str) -> Option<&'a Value> {
    let found = path.split('.').try_fold(json, |at, part| match at {
        Value::Object(fields) => fields.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    });
    found.filter(|value| !value.is_null())
}

/// The text at a path, or the number there as text.
pub(crate) fn text<'a>(json: &'a Value, path: &str) -> Option<Cow<'a, str>> {
    match find(json, path)? {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}
