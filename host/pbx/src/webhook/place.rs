//! Where a value stands in a posted message.

use std::str::FromStr;

use http::HeaderName;
use serde::Deserialize;

/// Where a value stands, written as a text:
///
/// - `caller_id`: a field of the body. In JSON a path with dots between the keys, numbers for the elements of lists, `*`
///   for all of them: `files.*.url`; a key with a dot in it stands in quotes: `variables."a.b"`;
/// - `form:NAME`, `query:NAME`, `header:NAME`: a field of the posted form, a parameter of the address, a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Place {
    text: String,
    pub(super) at: At,
}

/// The same, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    /// In the body, whatever it is.
    Body(Vec<Step>),
    Form(String),
    Query(String),
    Header(String),
}

/// One step into JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A key of an object, or the number of an element.
    To(String),
    /// All elements of a list.
    Each,
}

/// A text that is no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no place in a message: {why}")]
pub struct InvalidPlace {
    text: String,
    why: &'static str,
}

/// Deeper than this no phone system nests what it says.
const DEEPEST: usize = 16;
/// Characters of a place.
const LONGEST: usize = 200;

impl Place {
    /// As it is written; in a form the name of the field.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let at = match text.split_once(':') {
            _ if text.len() > LONGEST => Err("it is longer than 200 characters"),
            Some(("form", name)) => named(name).map(At::Form),
            Some(("query", name)) => named(name).map(At::Query),
            Some(("header", name)) => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => Ok(At::Header(name.as_str().to_owned())),
                Err(_) => Err("there can be no such header"),
            },
            _ => steps(text).map(At::Body),
        };
        match at {
            Ok(at) => Ok(Self { text: text.to_owned(), at }),
            Err(why) => Err(InvalidPlace { text: text.to_owned(), why }),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = InvalidPlace;

    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        text.parse()
    }
}

fn named(name: &str) -> Result<String, &'static str> {
    if name.is_empty() { Err("a name is missing behind the colon") } else { Ok(name.to_owned()) }
}

fn steps(text: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let (step, behind) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (key, behind) = quoted.split_once('"').ok_or("a quotation mark is not closed")?;
                (Step::To(key.to_owned()), behind)
            }
            None => {
                let (key, behind) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                (if key == "*" { Step::Each } else { Step::To(key.to_owned()) }, behind)
            }
        };
        if step == Step::To(String::new()) {
            return Err("a key is missing: write one between two dots, and none at the ends");
        }
        steps.push(step);
        if steps.len() > DEEPEST {
            return Err("it is deeper than 16 keys");
        }
        match behind.strip_prefix('.') {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(steps),
            None => return Err("a dot is missing behind a quotation mark"),
        }
    }
}
