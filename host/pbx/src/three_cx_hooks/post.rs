//! One post as its fields: a JSON object, a form, or the query of a GET (C.8).

use hookswitch_web::{Request, form};
use serde_json::Value;

use super::id::InvalidId;

/// Fields of a post, and values in its lists, that are read.
const MOST: usize = form::MAX_FIELDS;
/// Bytes of everything but a transcript and a summary.
const LONGEST: usize = 2048;

/// The fields of a post, as sent. A field that is a list, or stands there several times, has several values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Post(Vec<(String, Vec<String>)>);

/// Why a post is not understood. No text holds what the post says, except for the name of its event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It has no fields.
    #[error("it is neither a JSON object nor a form nor a query")]
    NoFields,
    /// It has too many.
    #[error("it has more than {MOST} fields or values")]
    TooMany,
    /// A field that this event must have is not there.
    #[error("`{event}` comes without {field}; if it is called otherwise, name it under `fields.{key}`")]
    Missing {
        /// The event, as the post names it.
        event: String,
        /// The field's part.
        field: &'static str,
        /// Its key in the configuration.
        key: &'static str,
    },
    /// Neither an event nor anything that is added to a call.
    #[error("it says neither what happened nor what a call is to get; name its fields under `fields`")]
    NoEvent,
    /// Nobody knows this event.
    #[error("nothing is known of an event `{0}`; name it under `events`, if need be as `events.ignored`")]
    UnknownEvent(String),
    /// The id of the call is none.
    #[error("the id of its call is wrong: {0}")]
    Id(#[from] InvalidId),
    /// A field holds what it cannot hold.
    #[error("its field for {0} holds what it cannot hold")]
    Wrong(&'static str),
}

impl Post {
    /// Reads what a request says.
    ///
    /// # Errors
    ///
    /// It says nothing that has fields, or too much.
    pub fn read(request: &Request) -> Result<Self, Unreadable> {
        // The module is written in C#, whose writers like to put this before a text.
        let body = request.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&request.body).trim_ascii();
        if body.is_empty() {
            return Self::of_form(request.query.as_bytes());
        }
        if form::is_form(&request.headers) {
            return Self::of_form(body);
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return Err(Unreadable::NoFields) };
        let mut post = Self::default();
        for (name, value) in object {
            match value {
                Value::Array(values) => values.into_iter().for_each(|value| post.add(&name, text(value))),
                value => post.add(&name, text(value)),
            }
        }
        post.bounded()
    }

    fn of_form(fields: &[u8]) -> Result<Self, Unreadable> {
        let mut post = Self::default();
        for (name, value) in form::parse(fields).map_err(|_| Unreadable::TooMany)? {
            // Lists in forms: `FILES`, `FILES[]` or `FILES[0]`, again and again.
            let name = name.split_once('[').map_or(name.as_str(), |(name, _)| name);
            post.add(name, Some(value));
        }
        post.bounded()
    }

    fn bounded(self) -> Result<Self, Unreadable> {
        match self.0.iter().map(|(_, values)| values.len()).sum::<usize>() {
            0 => Err(Unreadable::NoFields),
            count if count > MOST => Err(Unreadable::TooMany),
            _ => Ok(self),
        }
    }

    fn add(&mut self, name: &str, value: Option<String>) {
        let Some(value) = value.filter(|value| !value.trim().is_empty()) else { return };
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name.to_owned(), vec![value])),
        }
    }

    /// The values of the first of these fields that is there.
    pub(super) fn all(&self, names: &[String]) -> &[String] {
        let find = |name: &String| self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        names.iter().find_map(find).map_or(&[], |(_, values)| values.as_slice())
    }

    /// The text of the first of these fields that is there: a word, a number, a name, an address. `what` is what errors
    /// call it.
    pub(super) fn short(&self, names: &[String], what: &'static str) -> Result<Option<&str>, Unreadable> {
        let Some(value) = self.all(names).first() else { return Ok(None) };
        short(value, what).map(Some)
    }

    /// The text of the first of these fields that is there, however long; several are put below each other.
    pub(super) fn long(&self, names: &[String]) -> Option<String> {
        Some(self.all(names).join("\n").trim().to_owned()).filter(|text| !text.is_empty())
    }
}

/// The text without blank space around it, if it is as short as it is to be and nothing in it steers a terminal.
pub(super) fn short<'a>(value: &'a str, what: &'static str) -> Result<&'a str, Unreadable> {
    let value = value.trim();
    let good = value.len() <= LONGEST && !value.chars().any(char::is_control);
    good.then_some(value).ok_or(Unreadable::Wrong(what))
}

/// A value as a text; none of null, and of what is nested.
fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
