//! A text that is taken out of a message.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, value::MapAccessDeserializer},
};

use super::{message::Message, place::Place};

/// Where a text comes from: a place, a list of which the first counts that holds something, or a table.
///
/// - `in`: the place;
/// - `after`, `before`: only what stands behind, or before, this text; where the text is missing there is no value;
/// - `map`: other words for what stands there, `else` the word for all others; without `else` they are no value;
/// - `is`: always this text, in place of `in`.
///
/// ```
/// use hookswitch_pbx::webhook::Value;
/// # #[derive(serde::Deserialize)]
/// # struct Table { value: Vec<Value> }
/// # let read: Table = toml::from_str(r#"value = [
/// "caller_id",
/// ["last_internal", "internal"],
/// { in = "To", after = "client:" },
/// { in = "queue.id", map = { 3 = "sales", 4 = "support" }, else = "other" },
/// { is = "main" },
/// # ]"#)?;
/// # assert_eq!(read.value.len(), 5);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(Vec<Origin>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Always(String),
    Read(Read),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    place: Place,
    after: Option<String>,
    before: Option<String>,
    map: BTreeMap<String, String>,
    otherwise: Option<String>,
}

/// A table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    #[serde(rename = "in")]
    place: Option<Place>,
    is: Option<String>,
    after: Option<String>,
    before: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, String>,
    #[serde(rename = "else")]
    otherwise: Option<String>,
}

impl Value {
    /// All that stands there.
    pub(super) fn all(&self, message: &Message<'_>) -> Vec<String> {
        let mut found = self.0.iter().map(|origin| origin.all(message));
        found.find(|values| !values.is_empty()).unwrap_or_default()
    }
}

impl From<Place> for Value {
    fn from(place: Place) -> Self {
        Self(vec![place.into()])
    }
}

impl From<Place> for Origin {
    fn from(place: Place) -> Self {
        Self::Read(Read { place, after: None, before: None, map: BTreeMap::new(), otherwise: None })
    }
}

impl Origin {
    fn all(&self, message: &Message<'_>) -> Vec<String> {
        match self {
            Self::Always(text) => vec![text.clone()],
            Self::Read(read) => message.all(&read.place).iter().filter_map(|text| read.made_of(text)).collect(),
        }
    }
}

impl Read {
    fn made_of(&self, text: &str) -> Option<String> {
        let text = cut(text, self.after.as_deref(), self.before.as_deref())?;
        if self.map.is_empty() {
            return Some(text.to_owned());
        }
        self.map.get(text).or(self.otherwise.as_ref()).cloned()
    }
}

/// What stands behind `after` and before `before`.
pub(super) fn cut<'a>(text: &'a str, after: Option<&str>, before: Option<&str>) -> Option<&'a str> {
    let text = match after {
        Some(after) => text.split_once(after)?.1,
        None => text,
    };
    let text = match before {
        Some(before) => text.split_once(before)?.0,
        None => text,
    };
    Some(text.trim()).filter(|text| !text.is_empty())
}

impl TryFrom<Written> for Origin {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        let Written { place, is, after, before, map, otherwise } = written;
        let bare = after.is_none() && before.is_none() && map.is_empty();
        match (place, is) {
            (None, Some(text)) if bare && otherwise.is_none() => Ok(Self::Always(text)),
            (None, Some(_)) => Err("what always `is` so is not cut or mapped"),
            (Some(_), None) if otherwise.is_some() && map.is_empty() => Err("`else` belongs to a `map`"),
            (Some(_), None) if after.as_deref() == Some("") || before.as_deref() == Some("") => {
                Err("`after` and `before` need a text")
            }
            (Some(place), None) => Ok(Self::Read(Read { place, after, before, map, otherwise })),
            _ => Err("write either `in`, the place where it stands, or `is`, what it always is"),
        }
    }
}

const EXPECTED: &str = r#"a place like "caller_id", a list of places, or { in = "place", map = { … } }"#;

struct OriginVisitor;

impl<'de> de::Visitor<'de> for OriginVisitor {
    type Value = Origin;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Origin, E> {
        text.parse::<Place>().map(Origin::from).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Origin, A::Error> {
        Written::deserialize(MapAccessDeserializer::new(map))?.try_into().map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OriginVisitor)
    }
}

struct ValueVisitor;

impl<'de> de::Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        OriginVisitor.visit_str(text).map(|origin| Value(vec![origin]))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        OriginVisitor.visit_map(map).map(|origin| Value(vec![origin]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut origins = Vec::new();
        while let Some(origin) = list.next_element()? {
            origins.push(origin);
        }
        if origins.is_empty() { Err(de::Error::custom("a list of no places")) } else { Ok(Value(origins)) }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ValueVisitor)
    }
}
