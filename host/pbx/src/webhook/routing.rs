//! The answer to the question where a caller should go.

use std::{collections::BTreeMap, time::Duration};

use hookswitch_web::{HeaderValue, Response, StatusCode};
use http::header;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::Route;

/// `route`: the message asks where the caller should go, and waits for so long. Answered by one of:
///
/// - `json`: an object, with `{target}` and `{name}` in its texts; what is not known is left out with its key;
/// - `xml`: a text with the same places, if all of them are known.
///
/// Where nothing is known, `otherwise` is the text to answer, or the ordinary answer is given.
#[derive(Clone, Debug)]
pub struct Routing {
    within: Duration,
    shape: Shape,
    otherwise: Option<String>,
}

#[derive(Clone, Debug)]
enum Shape {
    Json(BTreeMap<String, Value>),
    Xml(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    within: String,
    json: Option<BTreeMap<String, Value>>,
    xml: Option<String>,
    otherwise: Option<String>,
}

const PLACES: [&str; 2] = ["{target}", "{name}"];

impl Routing {
    /// How long finding an answer may take: what the phone system waits, less a fifth for the way.
    pub(super) fn within(&self) -> Duration {
        self.within * 4 / 5
    }

    /// The answer; none where nothing is known and nothing else is to be said.
    pub(super) fn answer(&self, route: &Route) -> Option<Response> {
        let known: Vec<(&str, &str)> = PLACES
            .into_iter()
            .zip([route.target.as_deref(), route.name.as_deref()])
            .filter_map(|(place, value)| Some((place, value?)))
            .collect();
        let (body, kind) = match &self.shape {
            Shape::Json(keys) if !known.is_empty() => {
                let filled = keys.iter().filter_map(|(key, value)| Some((key.clone(), fill(value, &known)?)));
                let object: serde_json::Map<String, Value> = filled.collect();
                (Value::Object(object).to_string(), "application/json")
            }
            Shape::Xml(text) => {
                let escaped: Vec<_> = known.iter().map(|(place, value)| (*place, escape(value))).collect();
                let known: Vec<_> = escaped.iter().map(|(place, value)| (*place, value.as_str())).collect();
                match fill_text(text, &known) {
                    Some(text) => (text, "text/xml; charset=utf-8"),
                    None => (self.otherwise.clone()?, "text/xml; charset=utf-8"),
                }
            }
            Shape::Json(_) => (self.otherwise.clone()?, "application/json"),
        };
        let response = Response { body: body.into(), ..Response::new(StatusCode::OK) };
        Some(response.with(header::CONTENT_TYPE, HeaderValue::from_static(kind)))
    }
}

/// The value with what is known; none if a place in it is not.
fn fill(value: &Value, known: &[(&str, &str)]) -> Option<Value> {
    match value {
        Value::String(text) => fill_text(text, known).map(Value::String),
        Value::Object(object) => {
            let filled = object.iter().filter_map(|(key, value)| Some((key.clone(), fill(value, known)?)));
            Some(Value::Object(filled.collect()))
        }
        other => Some(other.clone()),
    }
}

fn fill_text(text: &str, known: &[(&str, &str)]) -> Option<String> {
    let unknown = PLACES.iter().any(|place| text.contains(place) && !known.iter().any(|(known, _)| known == place));
    // From left to right, so that what is filled in is never taken for a place.
    let mut filled = String::new();
    let mut rest = text;
    while let Some((at, place, value)) =
        known.iter().filter_map(|(place, value)| Some((rest.find(place)?, place, value))).min()
    {
        filled.push_str(rest.get(..at)?);
        filled.push_str(value);
        rest = rest.get(at + place.len()..)?;
    }
    filled.push_str(rest);
    (!unknown).then_some(filled)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // XML 1.0 has no way to write the others (section 2.2).
            char if char < ' ' => {}
            char => escaped.push(char),
        }
    }
    escaped
}

impl TryFrom<Written> for Routing {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { within, json, xml, otherwise } = written;
        let time = humantime::parse_duration(&within).ok();
        let time = time.filter(|time| (Duration::from_millis(100)..=Duration::from_secs(25)).contains(time));
        let within = time.ok_or_else(|| format!("`{within}` is no time between 100ms and 25s"))?;
        let shape = match (json, xml) {
            (Some(keys), None) => Shape::Json(keys),
            (None, Some(text)) => Shape::Xml(text),
            _ => return Err("write either `json` or `xml`".to_owned()),
        };
        let text = match &shape {
            Shape::Json(keys) => serde_json::to_string(keys).unwrap_or_default(),
            Shape::Xml(text) => text.clone(),
        };
        if !PLACES.iter().any(|place| text.contains(place)) {
            return Err("the answer has neither {target} nor {name} in it".to_owned());
        }
        Ok(Self { within, shape, otherwise })
    }
}

impl<'de> Deserialize<'de> for Routing {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Written::deserialize(from)?.try_into().map_err(de::Error::custom)
    }
}
