//! The arguments of a function, made of what a scenario says of them: the names are the contract's, and what is left out
//! is empty.

use hookswitch_call::number::{Number as Parsed, Numbering, Region};
use hookswitch_runtime::contract::{
    Call, Contact, Number, Reference, Text, Transcript,
    commands::{Dial, Hook},
    journal::Entry,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{super::scenario::one_of, blank};
use crate::view;

/// What a scenario says.
pub(super) struct Input {
    given: Map<String, Value>,
    /// How numbers without a country are read.
    region: Option<Region>,
}

/// The type of an argument, and what stands for one that is left out; none: it must be there.
pub(super) trait Argument: DeserializeOwned {
    fn absent() -> Option<Value>;
}

impl<T: DeserializeOwned> Argument for Option<T> {
    fn absent() -> Option<Value> {
        Some(Value::Null)
    }
}

impl<T: DeserializeOwned> Argument for Vec<T> {
    fn absent() -> Option<Value> {
        Some(json!([]))
    }
}

impl Argument for String {
    fn absent() -> Option<Value> {
        Some(json!(""))
    }
}

impl Argument for Number {
    fn absent() -> Option<Value> {
        None
    }
}

macro_rules! records {
    ($($type:ty),*) => {$(
        impl Argument for $type {
            fn absent() -> Option<Value> {
                Some(json!({}))
            }
        }
    )*};
}

records!(Call, Contact, Dial, Entry, Hook, Reference, Text, Transcript);

impl Input {
    /// # Errors
    ///
    /// It is no table.
    pub(super) fn of(given: &Value, region: Option<Region>) -> Result<Self, String> {
        match given {
            Value::Null => Ok(Self { given: Map::new(), region }),
            Value::Object(members) => {
                let given = members.iter().map(|(name, value)| (snake(name), value.clone())).collect();
                Ok(Self { given, region })
            }
            other => Err(format!("`input` is a table of the function's arguments, not {other}")),
        }
    }

    /// # Errors
    ///
    /// Something is given that is none of these arguments.
    pub(super) fn only(&self, arguments: &[&str]) -> Result<(), String> {
        let known: Vec<String> = arguments.iter().map(|name| kebab(name)).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let unknown = self.given.keys().find(|name| !arguments.contains(&name.as_str()));
        match unknown {
            Some(name) if known.is_empty() => Err(format!("`input.{}`: the function has no arguments", kebab(name))),
            Some(name) => one_of(&kebab(name), &known).map_err(|problem| format!("`input`: {problem}")),
            None => Ok(()),
        }
    }

    /// One argument.
    ///
    /// # Errors
    ///
    /// It is missing, or not what the contract says.
    pub(super) fn argument<T: Argument>(&self, name: &str) -> Result<T, String> {
        let shown = kebab(name);
        let given = self.given.get(name).cloned().or_else(T::absent);
        let given = given.ok_or_else(|| format!("`input.{shown}` is missing"))?;
        let whole = match given {
            Value::String(text) if name == "number" => self.number(&text),
            given => self.filled(name, given),
        };
        let read = whole.and_then(|whole| serde_json::from_value(whole).map_err(|error| error.to_string()));
        read.map_err(|problem| format!("`input.{shown}`: {problem}"))
    }

    /// A value with the records in it completed.
    fn filled(&self, name: &str, given: Value) -> Result<Value, String> {
        match (given, blank::inside(name)) {
            (Value::Object(members), Some(record)) => self.record(record, members),
            (Value::Array(items), Some(_)) => {
                items.into_iter().map(|item| self.filled(name, item)).collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            (other, _) => Ok(other),
        }
    }

    fn record(&self, record: &str, members: Map<String, Value>) -> Result<Value, String> {
        let mut whole = match blank::record(record) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        for (given, value) in members {
            let name = snake(&given);
            let Some(field) = whole.get_mut(&name) else {
                let known: Vec<String> = whole.keys().map(|name| kebab(name)).collect();
                return one_of(&given, &known.iter().map(String::as_str).collect::<Vec<_>>()).map(|()| Value::Null);
            };
            *field = match (record, name.as_str(), value) {
                ("call", "external", Value::String(text)) => self.number(&text)?,
                ("event", "json", value) if !value.is_string() => Value::String(value.to_string()),
                // Names and values.
                (_, name, Value::Object(pairs)) if field.is_array() && blank::inside(name).is_none() => {
                    pairs.into_iter().map(|(name, value)| json!([name, text(value)])).collect()
                }
                (_, name, value) => self.filled(name, value)?,
            };
        }
        match record {
            "call" => of_variant(&mut whole, "direction", &["inbound", "outbound", "internal"])?,
            "hook" => {
                if whole.get("name").is_none_or(|name| name == "") {
                    return Err("`name`, the hook's name in the manifest, is missing".to_owned());
                }
                let body = whole.remove("body").unwrap_or_default();
                whole.insert("body".to_owned(), json!({ "Text": text(body) }));
            }
            _ => {}
        }
        Ok(Value::Object(whole))
    }

    /// A number as the host tells it.
    fn number(&self, text: &str) -> Result<Value, String> {
        let numbering = Numbering { region: self.region, ..Numbering::default() };
        serde_json::to_value(view::number(&Parsed::parse(text, &numbering))).map_err(|error| error.to_string())
    }
}

/// Spells the case of an enumeration as its type does. A recorded one is spelled so already.
fn of_variant(record: &mut Map<String, Value>, field: &str, words: &[&str]) -> Result<(), String> {
    let Some(value) = record.get_mut(field) else { return Ok(()) };
    let given = value.as_str().unwrap_or_default();
    let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(given)) else {
        return Err(format!("`{field}` is {}, not {value}", words.join(" or ")));
    };
    let (first, rest) = word.split_at(1);
    *value = Value::String(first.to_ascii_uppercase() + rest);
    Ok(())
}

/// A text as it is, anything else as JSON.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
}

fn kebab(name: &str) -> String {
    name.replace('_', "-")
}
