//! Invented data in the place of personal data: the same for the same, so that what belongs together still does.

use std::{collections::HashMap, sync::LazyLock};

use hookswitch_journal::runs::Body;
use regex::Regex;
use serde_json::Value;

/// Puts invented data in the place of personal data, the same for the same.
#[derive(Default)]
pub(crate) struct Mask {
    known: HashMap<String, String>,
}

static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}").ok());

/// Not inside of words: keys and hashes hold digits too. What stands before one may be percent-encoded, and names of files
/// have it between underscores.
static DIGITS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?<front>%[0-9A-Fa-f]{2}|_|\b)(?<digits>[0-9]{7,15})(?<end>_|\b)").ok());

/// Names of members whose texts say who somebody is.
const PERSONAL: [&str; 12] =
    ["name", "first", "last", "middle", "title", "email", "mail", "address", "street", "company", "comment", "subject"];

impl Mask {
    fn instead(&mut self, found: &str, make: impl FnOnce(usize) -> String) -> String {
        let number = self.known.len() + 1;
        self.known.entry(found.to_owned()).or_insert_with(|| make(number)).clone()
    }

    /// Numbers of telephones and addresses of e-mail inside of a text.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let masked = match &*EMAIL {
            Some(email) => email.replace_all(text, |found: &regex::Captures<'_>| {
                self.instead(found.get(0).map_or("", |it| it.as_str()), |number| format!("person{number}@example.com"))
            }),
            None => text.into(),
        };
        match &*DIGITS {
            Some(digits) => digits
                .replace_all(&masked, |found: &regex::Captures<'_>| {
                    let [before, found, behind] =
                        ["front", "digits", "end"].map(|name| found.name(name).map_or("", |it| it.as_str()));
                    // The last digits tell a subscriber, however the front is written.
                    let (front, end) = found.split_at(found.len() - 5);
                    let end = self.instead(end, |number| format!("{:05}", (number * 7919) % 100_000));
                    format!("{before}{front}{end}{behind}")
                })
                .into_owned(),
            None => masked.into_owned(),
        }
    }

    /// Everything personal in a value; `personal`: it is a text that is.
    pub(crate) fn value(&mut self, value: &mut Value, personal: bool) {
        match value {
            Value::String(text) if personal && !text.is_empty() && text.chars().any(char::is_alphabetic) => {
                let found = self.text(text);
                *text = if found == *text { self.instead(&found, |number| format!("Person {number}")) } else { found };
            }
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, personal)),
            Value::Object(members) => {
                for (name, value) in members {
                    let name = name.to_lowercase();
                    let personal = PERSONAL.iter().any(|part| name.contains(part)) && !name.contains("id");
                    self.value(value, personal);
                }
            }
            _ => {}
        }
    }

    pub(super) fn headers(&mut self, headers: &mut [(String, String)]) {
        headers.iter_mut().for_each(|(_, value)| *value = self.text(value));
    }

    pub(super) fn body(&mut self, body: &Body) -> Body {
        let Some(bytes) = body.whole() else { return body.clone() };
        if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
            self.value(&mut value, false);
            return Body::of(value.to_string().as_bytes());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Body::of(self.text(text).as_bytes()),
            Err(_) => body.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hidden_wherever_a_name_or_an_address_has_them() {
        let mut mask = Mask::default();
        for text in [
            "call +4930123456 back",
            "%2B4930123456",
            "2026-11-22.0915.4930123456.1-0.mp3",
            "external_4930123456_1.wav",
            "https://x/recording/tOkEn/2026-11-22.0915.4930123456.1-0.mp3",
            "?filename=a%5F4930123456%5F1",
        ] {
            let masked = mask.text(text);
            assert!(!masked.contains("4930123456") && masked.contains("49301"), "{text}: {masked}");
        }
        for text in ["deadbeef4930123456", "4711", "2026-11-22"] {
            assert_eq!(mask.text(text), text);
        }
    }
}
