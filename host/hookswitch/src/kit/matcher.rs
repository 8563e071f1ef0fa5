//! Whether a value is what a scenario expects, and where it is not. Matchers are texts in angle brackets
//! (`docs/scenarios.md`, "The CRM").

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

/// A place where something else was found than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Where: `json.contact.id`, `header x-key`.
    pub(crate) place: String,
    /// What the scenario says.
    pub(crate) expected: String,
    /// What was there.
    pub(crate) found: String,
}

/// Values that must be the same wherever their name stands.
pub(crate) type Names = BTreeMap<String, Value>;

/// What a text of a scenario stands for.
enum Matcher<'a> {
    Any,
    Text,
    Number,
    Bool,
    Missing,
    Key,
    Contains(&'a str),
    Matches(Regex),
    Same(&'a str),
    Is(&'a str),
}

impl<'a> Matcher<'a> {
    /// None for a text without angle brackets.
    fn parse(text: &'a str) -> Result<Option<Self>, String> {
        let Some(inner) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else { return Ok(None) };
        let (word, argument) = match inner.split_once(':') {
            Some((word, argument)) => (word, Some(argument.strip_prefix(' ').unwrap_or(argument))),
            None => (inner, None),
        };
        Ok(Some(match (word, argument) {
            ("any", None) => Self::Any,
            ("text", None) => Self::Text,
            ("number", None) => Self::Number,
            ("bool", None) => Self::Bool,
            ("missing", None) => Self::Missing,
            ("key", None) => Self::Key,
            ("contains", Some(part)) => Self::Contains(part),
            ("matches", Some(pattern)) => {
                Self::Matches(Regex::new(pattern).map_err(|error| format!("`{text}`: {error}"))?)
            }
            ("same", Some(name)) if !name.is_empty() => Self::Same(name),
            ("is", Some(text)) => Self::Is(text),
            _ => {
                return Err(format!(
                    "`{text}` is no matcher; there are <any>, <text>, <number>, <bool>, <missing>, <key>, <contains: …>, \
                     <matches: …>, <same: …> and, for a text that is meant so, <is: …>"
                ));
            }
        }))
    }

    fn holds(&self, found: Option<&Value>, names: &mut Names) -> bool {
        let Some(found) = found else { return matches!(self, Self::Missing) };
        match self {
            Self::Any => true,
            Self::Text => found.is_string(),
            Self::Number => found.is_number() || found.as_str().is_some_and(|text| text.parse::<f64>().is_ok()),
            Self::Bool => found.is_boolean(),
            Self::Missing => false,
            Self::Key => found.as_str().is_some_and(is_key),
            Self::Contains(part) => text(found).contains(part),
            Self::Matches(pattern) => pattern.is_match(&text(found)),
            Self::Same(name) => names.entry((*name).to_owned()).or_insert_with(|| found.clone()) == found,
            Self::Is(wanted) => text(found) == *wanted,
        }
    }
}

/// Whether a text can be a key of the contract's `job.key`.
fn is_key(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Checks the matchers of an expectation, before anything is held against it.
///
/// # Errors
///
/// What is wrong with one of them.
pub(crate) fn check(expected: &Value) -> Result<(), String> {
    match expected {
        Value::String(text) => Matcher::parse(text).map(drop),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => members.values().try_for_each(check),
        _ => Ok(()),
    }
}

/// Holds what was found against what is expected; nothing comes back if it fits. Objects may have more members than are
/// expected, unless `exact`.
pub(crate) fn compare(
    place: &str,
    expected: &Value,
    found: Option<&Value>,
    exact: bool,
    names: &mut Names,
) -> Vec<Difference> {
    let other = || {
        let found = found.map_or_else(|| "nothing".to_owned(), Value::to_string);
        vec![Difference { place: place.to_owned(), expected: expected.to_string(), found }]
    };
    match (expected, found) {
        (Value::String(wanted), _) => match Matcher::parse(wanted) {
            Ok(Some(matcher)) if matcher.holds(found, names) => Vec::new(),
            Ok(None) if found.and_then(Value::as_str) == Some(wanted) => Vec::new(),
            _ => other(),
        },
        (Value::Object(wanted), Some(Value::Object(there))) => {
            let inside = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
            let mut differences = Vec::new();
            for (name, expected) in wanted {
                differences.extend(compare(&inside(name), expected, there.get(name), exact, names));
            }
            for (name, value) in there.iter().filter(|(name, _)| exact && !wanted.contains_key(*name)) {
                let (place, found) = (inside(name), value.to_string());
                differences.push(Difference { place, expected: "nothing".to_owned(), found });
            }
            differences
        }
        (Value::Array(wanted), Some(Value::Array(there))) if wanted.len() == there.len() => {
            let pairs = wanted.iter().zip(there).enumerate();
            pairs
                .flat_map(|(at, (expected, found))| {
                    compare(&format!("{place}[{at}]"), expected, Some(found), exact, names)
                })
                .collect()
        }
        (Value::Number(wanted), Some(Value::Number(there))) if wanted.as_f64() == there.as_f64() => Vec::new(),
        (expected, Some(found)) if expected == found => Vec::new(),
        _ => other(),
    }
}

/// Whether a text is what a text with `*` for any part says.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differs(expected: &Value, found: &Value, exact: bool) -> Vec<String> {
        let differences = compare("json", expected, Some(found), exact, &mut Names::new());
        differences.into_iter().map(|difference| difference.place).collect()
    }

    #[test]
    fn each_place_that_differs_is_named() {
        let found = json!({ "a": 1, "b": ["x", { "c": "5" }], "d": null });
        assert!(differs(&json!({ "a": 1.0, "b": ["<text>", { "c": "<number>" }] }), &found, false).is_empty());
        assert_eq!(differs(&json!({ "a": 2, "b": ["x", { "c": 5 }] }), &found, false), ["json.a", "json.b[1].c"]);
        assert_eq!(differs(&json!({ "a": 1 }), &found, true), ["json.b", "json.d"]);
        assert_eq!(differs(&json!({ "b": ["x"] }), &found, false), ["json.b"]);
        assert_eq!(differs(&json!({ "e": "<any>", "d": "<missing>" }), &found, false), ["json.e", "json.d"]);
    }

    #[test]
    fn the_same_name_stands_for_the_same_value() {
        assert!(differs(&json!(["<same: id>", "<same: id>"]), &json!([7, 7]), false).is_empty());
        assert_eq!(differs(&json!(["<same: id>", "<same: id>"]), &json!([7, 8]), false), ["json[1]"]);
    }

    #[test]
    fn a_star_stands_for_any_part() {
        for (pattern, text) in
            [("a*c", "abc"), ("*", ""), ("a*", "a"), ("*b*", "abc"), ("abc", "abc"), ("a*b*c", "a1b2c")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*c", "ab"), ("abc", "abcd"), ("a*a", "a"), ("", "x"), ("*b*b*", "ab")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_matcher_is_said() {
        assert!(check(&json!({ "a": ["<anything>"] })).unwrap_err().contains("<anything>"));
        assert!(check(&json!("<matches: [>")).is_err());
        assert!(check(&json!("<is: <b>>")).is_ok());
    }
}
