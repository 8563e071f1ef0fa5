//! Where in a request a credential's value stands.

use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::body::Bytes;
use serde::Deserialize;
use url::form_urlencoded;

use crate::error::Malformed;
use crate::headers;
use crate::json::{self, Json};
use crate::spelling::percent;
use crate::target::Target;

/// A place in a request. `Authorization: Bearer …` if nothing else is said.
///
/// ```
/// use hookswitch_gate::Place;
/// let place: Place = serde_json::from_str(r#"{ "header": { "name": "X-Api-Key" } }"#)?;
/// assert_eq!(place, Place::Header { name: "X-Api-Key".into(), prefix: String::new() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Place {
    /// A header; `prefix` stands before the value, with its space: `Bearer `, `Token token=`.
    Header {
        name: String,
        #[serde(default)]
        prefix: String,
    },
    /// A parameter of the URL's query.
    Query { name: String },
    /// A field of an `application/x-www-form-urlencoded` body.
    Form { name: String },
    /// A member of a JSON object in the body; the names of the objects on the way to it stand before it, with dots
    /// between: `params.auth`.
    Json { path: String },
}

impl Default for Place {
    fn default() -> Place {
        Place::Header { name: "Authorization".into(), prefix: "Bearer ".into() }
    }
}

/// Why no value can stand at a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    #[error("{name:?} is no header name")]
    Header { name: String },
    #[error("the header `{name}` cannot carry a credential: {reason}")]
    Forbidden { name: String, reason: &'static str },
    #[error("the prefix of the header `{name}` holds a character that no header can carry; use printable ASCII")]
    Prefix { name: String },
    #[error("the query parameter or form field has no name")]
    Name,
    #[error("{path:?} names no member of a JSON object; write names with dots between, as in \"params.auth\"")]
    Path { path: String },
}

/// A request that is being put together.
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl Place {
    pub(crate) fn check(&self) -> Result<(), InvalidPlace> {
        match self {
            Place::Header { name, prefix } => {
                let key = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| InvalidPlace::Header { name: name.chars().take(64).collect() })?;
                if let Some(reason) = headers::forbidden(key.as_str()) {
                    return Err(InvalidPlace::Forbidden { name: name.clone(), reason });
                }
                let printable = prefix.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
                if printable { Ok(()) } else { Err(InvalidPlace::Prefix { name: name.clone() }) }
            }
            Place::Query { name } | Place::Form { name } if name.is_empty() => Err(InvalidPlace::Name),
            Place::Query { .. } | Place::Form { .. } => Ok(()),
            Place::Json { path } if path.split('.').any(str::is_empty) => {
                Err(InvalidPlace::Path { path: path.chars().take(64).collect() })
            }
            Place::Json { .. } => Ok(()),
        }
    }

    /// Puts a value in. What the plugin has put there itself is not overwritten: one of both would be a mistake.
    pub(crate) fn put(&self, draft: &mut Draft, value: &str) -> Result<(), Malformed> {
        match self {
            Place::Header { name, prefix } => {
                let unfit = || Malformed::HeaderValue { name: name.clone() };
                let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
                let value = HeaderValue::from_str(&format!("{prefix}{value}")).map_err(|_| unfit())?;
                set_header(&mut draft.headers, key, value)
            }
            Place::Query { name } => draft.put_query(name, value),
            Place::Form { name } => draft.put_field(name, value),
            Place::Json { path } => draft.put_member(path, value),
        }
    }
}

/// Sets a header that brings a secret or proves one.
pub(crate) fn set_header(headers: &mut HeaderMap, name: HeaderName, mut value: HeaderValue) -> Result<(), Malformed> {
    value.set_sensitive(true);
    let taken = || Malformed::Taken { what: format!("the header `{name}`") };
    if headers.contains_key(&name) {
        return Err(taken());
    }
    headers.insert(name, value);
    Ok(())
}

impl Draft {
    fn put_query(&mut self, name: &str, value: &str) -> Result<(), Malformed> {
        let query = self.target.path_and_query.query();
        if query.is_some_and(|query| has_field(query.as_bytes(), name)) {
            return Err(Malformed::Taken { what: format!("the query parameter `{name}`") });
        }
        let mark = match query {
            None => "?",
            Some("") => "",
            Some(_) => "&",
        };
        let Target { origin, path_and_query } = &self.target;
        let url = format!("{origin}{path_and_query}{mark}{}={}", percent(name), percent(value));
        self.target = Target::of(&url.parse()?)?;
        Ok(())
    }

    fn put_field(&mut self, name: &str, value: &str) -> Result<(), Malformed> {
        self.expect_body(
            FORM,
            "the credential is a field of a form: send one, as `application/x-www-form-urlencoded`",
        )?;
        if has_field(&self.body, name) {
            return Err(Malformed::Taken { what: format!("the form field `{name}`") });
        }
        let field = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        let mark: &[u8] = if self.body.is_empty() { b"" } else { b"&" };
        self.body = [&*self.body, mark, field.as_bytes()].concat().into();
        Ok(())
    }

    fn put_member(&mut self, path: &str, value: &str) -> Result<(), Malformed> {
        let unfit = |reason| Malformed::NoPlace { reason };
        self.expect_body(JSON, "the credential is a member of a JSON object: send one, as `application/json`")?;
        if self.body.is_empty() {
            self.body = Bytes::from_static(b"{}");
        }
        let json = Json::parse(&self.body).ok_or(unfit("the body is no JSON"))?;
        let names: Vec<&str> = path.split('.').collect();
        if !json.find(&names).is_empty() {
            return Err(Malformed::Taken { what: format!("the member `{path}` of the body") });
        }
        // The innermost object on the way that is there already; what lies further in is made.
        let (there, missing, object) = (0..names.len())
            .rev()
            .filter_map(|depth| names.split_at_checked(depth))
            .find_map(|(there, missing)| Some((there, missing, json.find(there).pop()?)))
            .ok_or(unfit("the body is no JSON object"))?;
        let inner = json.text(&object).strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or(unfit(
            if there.is_empty() { "the body is no JSON object" } else { "a member on the way to it is no JSON object" },
        ))?;
        let made =
            missing.iter().rev().fold(json::string(value), |inner, name| format!("{{{}:{inner}}}", json::string(name)));
        let member = made.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
        let mark = if inner.trim().is_empty() { "" } else { "," };
        let end = object.end - 1;
        self.body = json.replaced([(end..end, format!("{mark}{member}"))]).into();
        Ok(())
    }

    /// Makes sure that the body is of a kind, or that there is none yet.
    fn expect_body(&mut self, kind: &'static str, reason: &'static str) -> Result<(), Malformed> {
        if [Method::GET, Method::HEAD].contains(&self.method) {
            return Err(Malformed::NoPlace {
                reason: "the credential goes into the body, which GET and HEAD have not",
            });
        }
        match self.headers.get(CONTENT_TYPE) {
            Some(value) => {
                let value = value.to_str().unwrap_or_default();
                let essence = value.split(';').next().unwrap_or_default().trim();
                let suffix = kind == JSON && essence.to_ascii_lowercase().ends_with("+json");
                let fits = essence.eq_ignore_ascii_case(kind) || suffix;
                if fits { Ok(()) } else { Err(Malformed::NoPlace { reason }) }
            }
            None if self.body.is_empty() => {
                self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                Ok(())
            }
            // Whether it is JSON will be seen; any text is a form.
            None if kind == JSON => Ok(()),
            None => Err(Malformed::NoPlace { reason }),
        }
    }
}

fn has_field(form: &[u8], name: &str) -> bool {
    form_urlencoded::parse(form).any(|(field, _)| field == name)
}
