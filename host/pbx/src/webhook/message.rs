//! What is posted, as values at their places. Read without trusting it: bounds on every count and length.

use std::borrow::Cow;

use hookswitch_web::{Request, form};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::place::{At, Place, Step};

/// What the body of a post is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// JSON: one message, or a list of them.
    #[default]
    Json,
    /// A form (`application/x-www-form-urlencoded`).
    Form,
    /// A form with JSON in one of its fields: `{ json-in = "json" }`.
    JsonIn(String),
    /// Nothing: all stands in the address and in headers.
    None,
}

/// Messages of one post.
const MOST_MESSAGES: usize = 1000;
/// Values at one place.
const MOST_VALUES: usize = 64;

/// A post, as it was read.
#[derive(Debug)]
pub struct Post<'a> {
    path: &'a str,
    headers: &'a HeaderMap,
    query: form::Fields,
    form: form::Fields,
    /// None where the body is no JSON.
    json: Option<Value>,
}

/// Why a post cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Its kind is another one.
    #[error("the body is no form")]
    NoForm,
    /// The field is not there.
    #[error("the form has no field `{0}`")]
    NoField(String),
    /// It does not follow RFC 8259, or is nested too deep.
    #[error("the body is no JSON: {0}")]
    NoJson(serde_json::Error),
    /// It is longer than any real one.
    #[error("there are more than {MOST_MESSAGES} messages in it")]
    TooMany,
    /// The same of fields.
    #[error(transparent)]
    Fields(#[from] form::TooManyFields),
}

/// One message of a post.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    post: &'a Post<'a>,
    /// None where the fields of the form are the message.
    json: Option<&'a Value>,
}

impl<'a> Post<'a> {
    /// Reads a post whose body is of this kind.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn read(request: &'a Request, body: &Body) -> Result<Self, Unreadable> {
        let is_form = form::is_form(&request.headers);
        let fields = if is_form { form::parse(&request.body)? } else { form::Fields::new() };
        let json = match body {
            Body::Json => Some(serde_json::from_slice(&request.body).map_err(Unreadable::NoJson)?),
            Body::Form | Body::JsonIn(_) if !is_form => return Err(Unreadable::NoForm),
            Body::JsonIn(name) => {
                let field = fields.iter().find(|(other, _)| other == name);
                let (_, text) = field.ok_or_else(|| Unreadable::NoField(name.clone()))?;
                Some(serde_json::from_str(text).map_err(Unreadable::NoJson)?)
            }
            Body::Form | Body::None => None,
        };
        if json.as_ref().and_then(Value::as_array).is_some_and(|list| list.len() > MOST_MESSAGES) {
            return Err(Unreadable::TooMany);
        }
        let query = form::parse(request.query.as_bytes())?;
        Ok(Self { path: &request.path, headers: &request.headers, query, form: fields, json })
    }

    /// Behind `/pbx/NAME`, without slashes at its ends.
    pub(super) fn path(&self) -> &str {
        self.path.trim_matches('/')
    }

    /// The messages in it, in order.
    pub(super) fn messages(&'a self) -> Vec<Message<'a>> {
        match &self.json {
            Some(Value::Array(list)) => list.iter().map(|one| Message { post: self, json: Some(one) }).collect(),
            json => vec![Message { post: self, json: json.as_ref() }],
        }
    }
}

impl<'a> Message<'a> {
    /// Behind `/pbx/NAME`, without slashes at its ends.
    pub(super) fn path(&self) -> &str {
        self.post.path()
    }

    /// What stands at a place, in order, without blank space at the ends; nothing that is empty.
    pub(super) fn all(&self, place: &Place) -> Vec<Cow<'a, str>> {
        let fields = |fields: &'a form::Fields, name: &str| -> Vec<Cow<'a, str>> {
            let named = fields.iter().filter(|(other, _)| other == name);
            named.map(|(_, value)| Cow::Borrowed(value.as_str())).take(MOST_VALUES).collect()
        };
        let mut found = match &place.at {
            At::Form(name) => fields(&self.post.form, name),
            At::Query(name) => fields(&self.post.query, name),
            At::Header(name) => {
                let values = self.post.headers.get_all(name.as_str()).iter().take(MOST_VALUES);
                values.filter_map(|value| value.to_str().ok()).map(Cow::Borrowed).collect()
            }
            At::Body(steps) => match self.json {
                None => fields(&self.post.form, place.as_str()),
                Some(json) => {
                    let mut found = Vec::new();
                    walk(json, steps, &mut found);
                    found
                }
            },
        };
        found.iter_mut().for_each(trim);
        found.retain(|value| !value.is_empty());
        found
    }
}

fn trim(value: &mut Cow<'_, str>) {
    match value {
        Cow::Borrowed(text) => *text = text.trim(),
        Cow::Owned(text) => *text = text.trim().to_owned(),
    }
}

/// Collects what stands at the end of the steps, as text: lists and objects are none.
fn walk<'a>(json: &'a Value, steps: &[Step], found: &mut Vec<Cow<'a, str>>) {
    match (steps.split_first(), json) {
        _ if found.len() >= MOST_VALUES => {}
        (None, Value::String(text)) => found.push(Cow::Borrowed(text)),
        (None, Value::Number(number)) => found.push(Cow::Owned(number.to_string())),
        (None, Value::Bool(is)) => found.push(Cow::Borrowed(if *is { "true" } else { "false" })),
        (Some((Step::To(key), rest)), Value::Object(object)) => {
            object.get(key).into_iter().for_each(|next| walk(next, rest, found));
        }
        (Some((Step::To(key), rest)), Value::Array(list)) => {
            let element = key.parse().ok().and_then(|at: usize| list.get(at));
            element.into_iter().for_each(|next| walk(next, rest, found));
        }
        (Some((Step::Each, rest)), Value::Array(list)) => list.iter().for_each(|next| walk(next, rest, found)),
        _ => {}
    }
}
