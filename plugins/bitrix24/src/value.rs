//! Reads JSON as the portal's PHP writes it: ids as numbers or texts, "nothing" as `null`, `""`, `0` or `"0"`, and an
//! empty map as an empty list (sheet 2.3, 5.2, 5.4).

use serde_json::{Map, Value};

/// Returns a record's id; none for all spellings of nothing.
pub(crate) fn id(value: &Value) -> Option<u64> {
    let id = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    id.filter(|id| *id != 0)
}

/// Returns a text without spaces around it; empty for anything that is none.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_string(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Returns a field's text; empty if there is no such field.
pub(crate) fn field(record: &Value, name: &str) -> String {
    record.get(name).map(text).unwrap_or_default()
}

/// Returns the elements of a list; none for anything else.
pub(crate) fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns a map by its keys. `[]` is an empty map, and a list of several is a map from "0", "1" …
pub(crate) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Array(list) => list.into_iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_may_be_a_number_or_a_text_and_nothing_has_many_spellings() {
        for (value, expected) in [
            (json!(88), Some(88)),
            (json!("88"), Some(88)),
            (json!(0), None),
            (json!("0"), None),
            (json!(""), None),
            (json!(null), None),
            (json!([]), None),
            (json!("88a"), None),
        ] {
            assert_eq!(id(&value), expected, "{value}");
        }
    }

    #[test]
    fn an_empty_list_is_an_empty_map() {
        assert!(map(json!([])).is_empty());
        assert_eq!(map(json!({"c00": true})).len(), 1);
    }
}
