//! What a posted record holds. A real account leaves out what it does not know; here that is a complaint.

use serde_json::{Map, Value};

use crate::{answer::Answer, world::World};

/// The fields of a posted record.
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The record `name` of a body, whose fields must be among these.
    pub(crate) fn of(world: &mut World, body: &'a Value, name: &str, known: &[&str]) -> Result<Self, Answer> {
        let Some(record) = body.get(name).and_then(Value::as_object) else {
            return Err(Answer::bad_request(&format!("Required param missing: {name}")));
        };
        for stranger in body.as_object().into_iter().flatten().map(|(key, _)| key).filter(|key| *key != name) {
            world.complain(format!("nobody reads {stranger:?} beside {name:?}"));
        }
        for stranger in record.keys().filter(|key| !known.contains(&key.as_str())) {
            world.complain(format!("a {name} has no {stranger:?} that could be written"));
        }
        Ok(Self(record))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// A text, if the field is there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, Answer> {
        self.typed(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn id(&self, key: &str) -> Result<Option<u64>, Answer> {
        self.typed(key, "an id", Value::as_u64)
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Answer> {
        self.typed(key, "a boolean", Value::as_bool)
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Answer> {
        self.typed(key, "a list of strings", |value| {
            value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        })
    }

    fn typed<T>(&self, key: &str, what: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, Answer> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| Answer::invalid(key, &format!("{key}: {value} is not {what}")))
    }
}
