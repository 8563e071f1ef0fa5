//! A method's parameters, read by exact name and type.
//!
//! Names are case-sensitive; what a method did not read was ignored, as on the real portal, and is noted in the journal
//! so that a misspelt name does not go unseen.

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::{Map, Value};

use crate::answer::Refusal;

pub(crate) struct Params {
    values: Map<String, Value>,
    read: RefCell<BTreeSet<String>>,
    notes: RefCell<Vec<String>>,
}

impl Params {
    pub(crate) fn new(values: Map<String, Value>) -> Self {
        Self { values, read: RefCell::default(), notes: RefCell::default() }
    }

    /// Whether the parameter was sent at all, be it empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        self.read.borrow_mut().insert(name.to_owned());
        self.values.get(name)
    }

    /// A text; an empty one counts as absent, as in PHP. Numbers are read as their digits.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.raw(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let text = scalar(value).ok_or_else(|| Refusal::argument(format!("{name} should be a string")))?;
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
        }
    }

    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Refusal::argument(format!("{name} should be an integer"))),
        }
    }

    /// 0 or 1.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        match self.int(name)? {
            None => Ok(default),
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(_) => Err(Refusal::argument(format!("{name} should be 0 or 1"))),
        }
    }

    /// A positive id, with the CRM's own refusal.
    pub(crate) fn id(&self, name: &str) -> Result<u64, Refusal> {
        let id = self.raw(name).and_then(positive);
        id.ok_or_else(|| Refusal::uncoded("ID is not defined or invalid."))
    }

    /// The `fields` of an add or update.
    pub(crate) fn fields(&self) -> Result<&Map<String, Value>, Refusal> {
        let fields = self.raw("fields").and_then(Value::as_object);
        fields.ok_or_else(|| Refusal::uncoded("Parameter 'fields' must be array."))
    }

    /// Notes something that the real portal would swallow, once.
    pub(crate) fn note(&self, text: impl Into<String>) {
        let (text, mut notes) = (text.into(), self.notes.borrow_mut());
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// The notes, with the parameters that nothing read among them when `all_read` is expected (after a success).
    pub(crate) fn into_notes(self, all_read: bool) -> Vec<String> {
        let mut notes = self.notes.into_inner();
        if all_read {
            let read = self.read.into_inner();
            let ignored = self.values.keys().filter(|name| !read.contains(*name));
            notes.extend(ignored.map(|name| format!("parameter {name} was ignored")));
        }
        notes
    }
}

/// A string or number as text. Booleans are no scalars here: PHP would read `false` as an empty text and surprise.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A positive integer, or its digits in a string.
pub(crate) fn positive(value: &Value) -> Option<u64> {
    scalar(value)?.parse().ok().filter(|id| *id > 0)
}
