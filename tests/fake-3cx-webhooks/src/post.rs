//! One post: its fields, and the bytes that they become.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// What is said at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    fields: Vec<(String, Said)>,
    /// It goes to `WEBHOOK_POST_URL`.
    pub(crate) is_addition: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Text(String),
    List(Vec<String>),
}

impl Post {
    pub(crate) fn new(is_addition: bool) -> Self {
        Self { fields: Vec::new(), is_addition }
    }

    /// A post of any fields, for what the sheet has no names for (C.6, C.7).
    pub fn of(fields: &[(&str, &str)]) -> Self {
        fields.iter().fold(Self::new(false), |post, (name, value)| post.with(*name, *value))
    }

    pub(crate) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), Said::Text(value.into())));
        self
    }

    pub(crate) fn into_addition(self) -> Self {
        Self { is_addition: true, ..self }
    }

    pub(crate) fn with_list(mut self, name: impl Into<String>, values: Vec<String>) -> Self {
        self.fields.push((name.into(), Said::List(values)));
        self
    }

    /// A JSON object of flat texts.
    pub fn json(&self) -> String {
        let value = |said: &Said| match said {
            Said::Text(text) => Value::from(text.as_str()),
            Said::List(texts) => Value::from(texts.as_slice()),
        };
        let object: Map<String, Value> = self.fields.iter().map(|(name, said)| (name.clone(), value(said))).collect();
        Value::Object(object).to_string()
    }

    /// A query.
    pub fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, said) in &self.fields {
            match said {
                Said::Text(text) => drop(query.append_pair(name, text)),
                Said::List(texts) => drop(query.extend_pairs(texts.iter().map(|text| (format!("{name}[]"), text)))),
            }
        }
        query.finish()
    }
}
