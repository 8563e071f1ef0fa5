//! What a function returned, in the contract's names.

use serde_json::Value;

/// The names of records' fields and of variants' cases as the contract spells them, in place of the generated types' own.
pub(crate) fn kebab(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(kebab).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                // The one list whose cases may come without a value, as plain texts.
                let value = if name == "actions" { cases(value) } else { value };
                (word(&name), kebab(value))
            })
            .collect(),
        other => other,
    }
}

fn cases(value: Value) -> Value {
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::String(case) => Value::String(word(&case)),
                other => other,
            })
            .collect(),
        other => other,
    }
}

/// `talk_ms` is `talk-ms`, and the case `HangUp` is `hang-up`.
fn word(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    word
}
