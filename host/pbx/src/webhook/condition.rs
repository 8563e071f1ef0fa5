//! Which messages are meant.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de};

use super::{message::Message, place::Place};

/// What must hold of a message, all of it: `{ event = "NOTIFY_END", internal = true, "to.type" = ["a", "b"] }`.
///
/// A text or a number: that is what stands there. A list: one of these. `true`: something stands there, `false`:
/// nothing does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Conditions(BTreeMap<Place, Test>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Is(Vec<String>),
    IsThere(bool),
}

impl Conditions {
    /// Whether all of it holds.
    pub(super) fn hold(&self, message: &Message<'_>) -> bool {
        self.0.iter().all(|(place, test)| {
            let found = message.all(place);
            match test {
                Test::Is(words) => found.iter().any(|value| words.iter().any(|word| word == value)),
                Test::IsThere(wanted) => *wanted != found.is_empty(),
            }
        })
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Test;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list of texts, or true or false for whether anything stands there")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Test, E> {
        Ok(Test::Is(vec![text.to_owned()]))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Test, E> {
        Ok(Test::Is(vec![number.to_string()]))
    }

    fn visit_bool<E: de::Error>(self, is: bool) -> Result<Test, E> {
        Ok(Test::IsThere(is))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Test, A::Error> {
        let mut words = Vec::new();
        while let Some(test) = list.next_element()? {
            match test {
                Test::Is(more) => words.extend(more),
                Test::IsThere(_) => return Err(de::Error::custom("true and false stand alone")),
            }
        }
        if words.is_empty() { Err(de::Error::custom("a list of no texts")) } else { Ok(Test::Is(words)) }
    }

    fn visit_map<A: de::MapAccess<'de>>(self, _: A) -> Result<Test, A::Error> {
        Err(de::Error::custom("a place with dots stands in quotes here: \"from.number\" = …"))
    }
}

impl<'de> Deserialize<'de> for Test {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Visitor)
    }
}
