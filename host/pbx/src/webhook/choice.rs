//! One of a few words: always the same, or read from the message.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeOwned,
        value::{MapAccessDeserializer, StrDeserializer},
    },
};

use super::{message::Message, place::Place, value::cut};

/// A word that is always the same, `"inbound"`, or a table that says where it stands in the message: `in`, `after` and
/// `before` as in a [`Value`](super::Value); `map` from the message's words to ours, `else` for all others. Without a
/// `map` the message has our words itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<T> {
    /// This one.
    Always(T),
    /// What the message says.
    Read(Reading<T>),
}

/// Where the word stands, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<T> {
    place: Place,
    after: Option<String>,
    before: Option<String>,
    map: BTreeMap<String, T>,
    otherwise: Option<T>,
}

/// A table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", bound = "T: DeserializeOwned")]
struct Written<T> {
    #[serde(rename = "in")]
    place: Place,
    after: Option<String>,
    before: Option<String>,
    #[serde(default = "BTreeMap::new")]
    map: BTreeMap<String, T>,
    #[serde(rename = "else")]
    otherwise: Option<T>,
}

impl<T: DeserializeOwned + Clone> Choice<T> {
    /// The word; none where the message does not say.
    pub(super) fn of(&self, message: &Message<'_>) -> Option<T> {
        match self {
            Self::Always(word) => Some(word.clone()),
            Self::Read(reading) => message.all(&reading.place).iter().find_map(|text| reading.word(text)),
        }
    }
}

impl<T: DeserializeOwned + Clone> Reading<T> {
    fn word(&self, text: &str) -> Option<T> {
        let text = cut(text, self.after.as_deref(), self.before.as_deref())?;
        let known = if self.map.is_empty() { word(text).ok() } else { self.map.get(text).cloned() };
        known.or_else(|| self.otherwise.clone())
    }
}

/// The word as the vocabulary spells it.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, de::value::Error> {
    T::deserialize(StrDeserializer::new(text))
}

struct Visitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> de::Visitor<'de> for Visitor<T> {
    type Value = Choice<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a word, or a table like { in = "place", map = { … } }"#)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Choice<T>, E> {
        word(text).map(Choice::Always).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Choice<T>, A::Error> {
        let Written { place, after, before, map, otherwise } = Written::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Choice::Read(Reading { place, after, before, map, otherwise }))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Visitor(PhantomData))
    }
}
