//! The value of a setting, as the admin wrote it.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::Secret;

/// One value of `[plugin.NAME.settings]`.
#[derive(Clone, Debug)]
pub(crate) enum Setting {
    /// A text, a number, true or false: plugins get all of them as text.
    Value(String),
    /// Where a secret comes from: `{ env = "VARIABLE" }` or `{ file = "PATH" }`.
    Secret(Secret),
}

impl Setting {
    /// The value, where it is no secret that stands elsewhere.
    pub(crate) fn value(&self) -> Option<&str> {
        match self {
            Self::Value(text) => Some(text),
            Self::Secret(_) => None,
        }
    }

    /// The value as a secret.
    pub(crate) fn secret(&self) -> Secret {
        match self {
            Self::Value(text) => Secret::Text(text.clone().into()),
            Self::Secret(secret) => secret.clone(),
        }
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Setting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false; for a secret { env = \"VARIABLE\" } or { file = \"PATH\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Setting, E> {
        Ok(Setting::Value(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Setting, E> {
        Ok(Setting::Value(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Setting, E> {
        Ok(Setting::Value(number.to_string()))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Setting, E> {
        Ok(Setting::Value(flag.to_string()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Setting, A::Error> {
        Secret::deserialize(de::value::MapAccessDeserializer::new(map)).map(Setting::Secret)
    }
}
