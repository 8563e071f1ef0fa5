//! The two habits of PHP that show on the wire: bracket keys in forms, and arrays that are lists or objects as they fall.

use serde_json::{Map, Value};

/// A query string or form body as PHP's `$_GET`/`$_POST` would hold it: `USER_ID[]=12&USER_ID[]=15` is a list,
/// `FILTER[ACTIVE]=1` an object. All values are strings.
pub(crate) fn parse_form(form: &[u8]) -> Map<String, Value> {
    let mut root = Map::new();
    for (key, value) in url::form_urlencoded::parse(form) {
        let path = split_key(&key);
        insert(&mut root, &path, value.into_owned());
    }
    root.into_iter().map(|(key, value)| (key, lists_where_php_has_lists(value))).collect()
}

/// `a[b][]` → `["a", "b", ""]`. A key with an unclosed bracket stays one name.
fn split_key(key: &str) -> Vec<String> {
    let Some((name, mut rest)) = key.find('[').map(|at| key.split_at(at)) else { return vec![key.to_owned()] };
    let mut path = vec![name.to_owned()];
    while let Some(inner) = rest.strip_prefix('[') {
        let Some((part, after)) = inner.split_once(']') else { return vec![key.to_owned()] };
        path.push(part.to_owned());
        rest = after;
    }
    path
}

fn insert(map: &mut Map<String, Value>, path: &[String], value: String) {
    let [first, rest @ ..] = path else { return };
    let key = if first.is_empty() { next_index(map) } else { first.clone() };
    if rest.is_empty() {
        map.insert(key, Value::String(value));
        return;
    }
    let child = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    if let Value::Object(child) = child {
        insert(child, rest, value);
    }
}

fn next_index(map: &Map<String, Value>) -> String {
    map.keys().filter_map(|key| key.parse::<u64>().ok()).max().map_or(0, |last| last + 1).to_string()
}

fn lists_where_php_has_lists(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            array(map.into_iter().map(|(key, value)| (key, lists_where_php_has_lists(value))).collect())
        }
        other => other,
    }
}

/// What `json_encode` makes of a PHP array: a list when the keys are 0, 1, 2, …, so also when it is empty; otherwise an
/// object.
pub(crate) fn array(map: Map<String, Value>) -> Value {
    let counts = map.keys().enumerate().all(|(index, key)| *key == index.to_string());
    if counts { Value::Array(map.into_iter().map(|(_, value)| value).collect()) } else { Value::Object(map) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bracket_keys_become_lists_and_objects() {
        let parsed = parse_form(b"USER_ID[]=12&USER_ID[]=15&FILTER[ACTIVE]=1&f[a][b]=c+d&x=%2B1&half[=z&m[0]=p&m[1]=q");
        assert_eq!(
            Value::Object(parsed),
            json!({"USER_ID": ["12", "15"], "FILTER": {"ACTIVE": "1"}, "f": {"a": {"b": "c d"}}, "x": "+1",
                "half[": "z", "m": ["p", "q"]})
        );
    }

    #[test]
    fn an_empty_array_is_a_list() {
        assert_eq!(array(Map::new()), json!([]));
        assert_eq!(array(Map::from_iter([("1".to_owned(), json!(1))])), json!({"1": 1}));
    }
}
