//! Requests: as a scenario asks for them, and as the CRM got them.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::matcher::{Difference, fits};

/// A method and a URL in which `*` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Asked {
    pub(super) method: String,
    origin: String,
    path: Vec<String>,
    query: Vec<(String, String)>,
    /// `?*`: the query may be anything.
    any_query: bool,
    text: String,
}

/// Where a value of a request is: `json.phone`, `query.q`, `form.TITLE`, `path.2`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Place(Vec<String>);

/// A request as the CRM got it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: Url,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl TryFrom<String> for Asked {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no request: write \"GET https://crm.test/contacts?phone=*\"");
        let (method, url) = text.split_once(' ').ok_or_else(wrong)?;
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(wrong());
        }
        let (front, query) = url.split_once('?').map_or((url, None), |(front, query)| (front, Some(query)));
        let scheme_end = front.find("://").ok_or_else(wrong)? + 3;
        let path_at = front.get(scheme_end..).and_then(|rest| rest.find('/')).map_or(front.len(), |at| scheme_end + at);
        let (origin, path) = front.split_at(path_at);
        // As a URL spells it: in small letters, without the usual port.
        let origin = Url::parse(origin).map_err(|error| format!("`{text}`: {error}"))?.origin().ascii_serialization();
        let path = segments(if path.is_empty() { "/" } else { path });
        let any_query = query == Some("*");
        let pairs = query.filter(|query| *query != "*").map(|query| {
            let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
        });
        let method = method.to_owned();
        Ok(Self { method, origin, path, query: pairs.unwrap_or_default(), any_query, text })
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<_> = text.split('.').map(str::to_owned).collect();
        match parts.first().map(String::as_str) {
            Some("json" | "query" | "form" | "path") if parts.len() > 1 => Ok(Self(parts)),
            _ => Err(format!("`{text}` is no place: json.phone, query.q, form.TITLE, path.2")),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

impl Request {
    /// The body as JSON, if it is.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as the fields of a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    fn query(&self) -> Vec<(String, String)> {
        self.url.query_pairs().into_owned().collect()
    }

    /// The value at a place.
    pub(crate) fn at(&self, Place(parts): &Place) -> Option<Value> {
        let (kind, rest) = parts.split_first()?;
        let of = |fields: Vec<(String, String)>| {
            let name = rest.join(".");
            fields.into_iter().find(|(known, _)| *known == name).map(|(_, value)| Value::from(value))
        };
        match kind.as_str() {
            "json" => rest.iter().try_fold(self.json()?, |value, part| match value {
                Value::Object(mut members) => members.remove(part),
                Value::Array(mut items) => {
                    let at = part.parse::<usize>().ok().filter(|at| *at < items.len())?;
                    Some(items.swap_remove(at))
                }
                _ => None,
            }),
            "query" => of(self.query()),
            "form" => of(self.form()),
            _ => segments(self.url.path()).get(rest.first()?.parse::<usize>().ok()?).map(|text| text.as_str().into()),
        }
    }
}

impl Asked {
    /// How a request's method and URL differ from what is asked for.
    pub(super) fn differences(&self, request: &Request) -> Vec<Difference> {
        let differ = |place: &str, expected: String, found: String| Difference { place: place.into(), expected, found };
        let mut found = Vec::new();
        if self.method != request.method {
            found.push(differ("method", self.method.clone(), request.method.clone()));
        }
        let origin = request.url.origin().ascii_serialization();
        if self.origin != origin {
            found.push(differ("origin", self.origin.clone(), origin));
        }
        let path = segments(request.url.path());
        let same = path.len() == self.path.len() && self.path.iter().zip(&path).all(|(glob, part)| fits(glob, part));
        if !same {
            found.push(differ("path", format!("/{}", self.path.join("/")), format!("/{}", path.join("/"))));
        }
        if self.any_query {
            return found;
        }
        let mut left = request.query();
        for (name, glob) in &self.query {
            match left.iter().position(|(known, value)| known == name && fits(glob, value)) {
                Some(at) => drop(left.swap_remove(at)),
                None => {
                    let there = left.iter().position(|(known, _)| known == name).map(|at| left.swap_remove(at).1);
                    found.push(differ(
                        &format!("query.{name}"),
                        glob.clone(),
                        there.unwrap_or_else(|| "nothing".into()),
                    ));
                }
            }
        }
        found.extend(left.into_iter().map(|(name, value)| differ(&format!("query.{name}"), "nothing".into(), value)));
        found
    }
}
