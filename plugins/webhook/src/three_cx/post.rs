//! A post of the module, and how it is written.

use serde_json::Value;

use crate::event::What;

/// A post, field by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) fields: Vec<(String, String)>,
    /// Addresses of recordings.
    pub(crate) files: Vec<String>,
}

impl Post {
    pub(super) fn new(event: &str, what: &What, chain: &str, link: u32) -> Self {
        let call = &what.call;
        let caller = call.external.as_ref().map(|number| number.raw.clone()).unwrap_or_default();
        let mut fields = vec![("event".to_owned(), event.to_owned()), ("callerid".to_owned(), caller)];
        if call.direction == "inbound" {
            fields.push(("did".to_owned(), call.line.clone()));
        }
        if !call.external_name.is_empty() {
            fields.push(("phonebook".to_owned(), call.external_name.clone()));
        }
        fields.push(("id".to_owned(), format!("{chain}-{link}")));
        Self { fields, files: Vec::new() }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// As a JSON object of texts (sheet C.8).
    pub(crate) fn json(&self) -> Value {
        let mut object: serde_json::Map<String, Value> =
            self.fields.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        if !self.files.is_empty() {
            object.insert("FILES".to_owned(), self.files.clone().into());
        }
        Value::Object(object)
    }

    /// As names and values, for a form or a query.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let files = self.files.iter().map(|file| ("FILES".to_owned(), file.clone()));
        self.fields.iter().cloned().chain(files).collect()
    }
}
