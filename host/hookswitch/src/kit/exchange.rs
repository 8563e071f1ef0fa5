//! One request that a scenario's CRM may be asked, and its answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::matcher::{self, Difference, Names, compare, fits};

/// One `[[crm]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Exchange {
    pub(crate) request: Asked,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    json: Option<Value>,
    #[serde(default)]
    form: BTreeMap<String, String>,
    body: Option<String>,
    #[serde(default)]
    exact: bool,
    times: Option<Times>,
    #[serde(default)]
    when: Marks,
    #[serde(default)]
    unless: Marks,
    #[serde(default)]
    pub(super) then: Marks,
    #[serde(default)]
    pub(super) keep: BTreeMap<String, Place>,
    #[serde(default)]
    cards: Cards,
    write: Option<bool>,
    #[serde(default)]
    pub(super) answer: Answer,
}

/// A method and a URL in which `*` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Asked {
    pub(crate) method: String,
    origin: String,
    path: Vec<String>,
    query: Vec<(String, String)>,
    /// `?*`: the query may be anything.
    any_query: bool,
    text: String,
}

/// How often a request may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Times {
    pub(crate) least: u32,
    pub(crate) most: u32,
}

/// Marks that exchanges set and ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub(crate) struct Marks(pub(crate) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Where a value of a request is: `json.phone`, `query.q`, `form.TITLE`, `path.2`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Place(Vec<String>);

/// Whose screens get the card of the call by a request, and whose lose it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Cards {
    show: Option<Users>,
    hide: Option<Users>,
}

/// Users of the CRM.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
enum Users {
    /// Those whom the request names here: one, or a list.
    At(Place),
    These(Vec<String>),
}

/// What the CRM answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Answer {
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) json: Option<Value>,
    pub(super) text: Option<String>,
    pub(super) file: Option<PathBuf>,
    pub(super) fault: Option<AnswerFault>,
    /// The body as it is.
    #[serde(skip)]
    pub(super) bytes: Option<Vec<u8>>,
}

/// What happens instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AnswerFault {
    /// The connection breaks in the midst of the answer.
    Cut,
    /// Nothing is said.
    Silent,
}

/// A request as the CRM got it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: Url,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl From<OneOrMany> for Marks {
    fn from(marks: OneOrMany) -> Self {
        match marks {
            OneOrMany::One(mark) => Self(vec![mark]),
            OneOrMany::Many(marks) => Self(marks),
        }
    }
}

impl TryFrom<Value> for Times {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let wrong = || format!("`{value}` is no count: write a number, \"any\", \"0-3\" or \"1-\"");
        if let Some(count) = value.as_u64() {
            let count = u32::try_from(count).map_err(|_| wrong())?;
            return Ok(Self { least: count, most: count });
        }
        match value.as_str().ok_or_else(wrong)? {
            "any" => Ok(Self { least: 0, most: u32::MAX }),
            text => {
                let (least, most) = text.split_once('-').ok_or_else(wrong)?;
                let least = least.parse().map_err(|_| wrong())?;
                let most = if most.is_empty() { u32::MAX } else { most.parse().map_err(|_| wrong())? };
                if least <= most { Ok(Self { least, most }) } else { Err(wrong()) }
            }
        }
    }
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

impl TryFrom<Value> for Users {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(place) => Ok(Self::At(place.try_into()?)),
            users => {
                let users = serde_json::from_value(users.clone()).map(Self::These);
                users.map_err(|_| "write where the request names them, \"json.USER_ID\", or a list of ids".to_owned())
            }
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

impl Users {
    fn of(&self, request: &Request) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match self {
            Self::These(users) => users.clone(),
            Self::At(place) => match request.at(place) {
                None => Vec::new(),
                Some(Value::Array(users)) => users.iter().map(text).collect(),
                Some(user) => vec![text(&user)],
            },
        }
    }
}

impl Exchange {
    /// One request that may come once, whatever its body is.
    ///
    /// # Errors
    ///
    /// The URL is none.
    pub(super) fn once(method: &str, url: &str, answer: Answer) -> Result<Self, String> {
        let request = Asked::try_from(format!("{method} {url}"))?;
        let none = || Marks(Vec::new());
        Ok(Self {
            request,
            headers: BTreeMap::new(),
            json: None,
            form: BTreeMap::new(),
            body: None,
            exact: false,
            times: Some(Times { least: 0, most: 1 }),
            when: none(),
            unless: none(),
            then: none(),
            keep: BTreeMap::new(),
            cards: Cards::default(),
            write: None,
            answer,
        })
    }

    /// A request to a provider of tokens, as often as it comes and whatever is in it. It changes nothing in the CRM.
    ///
    /// # Errors
    ///
    /// The URL is none.
    pub(super) fn of_provider(method: &str, url: &str, json: Value) -> Result<Self, String> {
        let answer = Answer { json: Some(json), ..Answer::default() };
        let times = Some(Times { least: 0, most: u32::MAX });
        Ok(Self { times, write: Some(false), ..Self::once(method, &format!("{url}?*"), answer)? })
    }

    /// What is wrong with the exchange by itself.
    pub(super) fn fault(&self) -> Option<String> {
        let texts = self.headers.values().chain(self.form.values()).cloned().map(Value::from);
        let faults = texts.chain(self.json.clone()).filter_map(|expected| matcher::check(&expected).err()).next();
        let bodies = [self.json.is_some(), !self.form.is_empty(), self.body.is_some()];
        if bodies.iter().filter(|given| **given).count() > 1 {
            return Some("only one of `json`, `form` and `body` can say what the body is".to_owned());
        }
        let Answer { json, text, file, .. } = &self.answer;
        if [json.is_some(), text.is_some(), file.is_some()].iter().filter(|given| **given).count() > 1 {
            return Some("only one of `answer.json`, `answer.text` and `answer.file` can be the answer".to_owned());
        }
        faults
    }

    /// How often it may come.
    pub(crate) fn times(&self) -> Times {
        let guarded = !self.when.0.is_empty() || !self.unless.0.is_empty();
        let usual = if guarded { Times { least: 0, most: u32::MAX } } else { Times { least: 1, most: 1 } };
        self.times.unwrap_or(usual)
    }

    /// Whether it changes something in the CRM.
    pub(crate) fn writes(&self) -> bool {
        self.write.unwrap_or_else(|| !["GET", "HEAD"].contains(&self.request.method.as_str()))
    }

    /// Shows and hides cards, as the request wants it.
    pub(super) fn change_cards(&self, request: &Request, shown: &mut BTreeSet<String>) {
        let users = |users: &Option<Users>| users.as_ref().map(|users| users.of(request)).unwrap_or_default();
        for user in users(&self.cards.hide) {
            shown.remove(&user);
        }
        shown.extend(users(&self.cards.show));
    }

    /// Whether it is open while these marks are set.
    pub(super) fn is_open(&self, marked: impl Fn(&str) -> bool) -> bool {
        self.when.0.iter().all(|mark| marked(mark)) && !self.unless.0.iter().any(|mark| marked(mark))
    }

    /// How a request differs from what this exchange wants; none if it fits. `names` are changed only by one that fits.
    pub(super) fn differences(&self, request: &Request, names: &mut Names) -> Vec<Difference> {
        let mut learned = names.clone();
        let mut found = self.address(request);
        for (name, expected) in &self.headers {
            let there = request.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let there = there.map(|(_, value)| Value::from(value.as_str()));
            let place = format!("header {name}");
            found.extend(compare(&place, &expected.as_str().into(), there.as_ref(), false, &mut learned));
        }
        if let Some(expected) = &self.json {
            found.extend(compare("json", expected, request.json().as_ref(), self.exact, &mut learned));
        }
        let form = request.form();
        for (name, expected) in &self.form {
            let there = form.iter().find(|(known, _)| known == name).map(|(_, value)| Value::from(value.as_str()));
            found.extend(compare(
                &format!("form.{name}"),
                &expected.as_str().into(),
                there.as_ref(),
                false,
                &mut learned,
            ));
        }
        if self.exact && !self.form.is_empty() {
            for (name, value) in form.iter().filter(|(name, _)| !self.form.contains_key(name)) {
                found.push(Difference {
                    place: format!("form.{name}"),
                    expected: "nothing".into(),
                    found: value.clone(),
                });
            }
        }
        if let Some(expected) = &self.body {
            let there = String::from_utf8_lossy(&request.body).into_owned();
            found.extend(compare("body", &expected.as_str().into(), Some(&there.into()), true, &mut learned));
        }
        if found.is_empty() {
            *names = learned;
        }
        found
    }

    fn address(&self, request: &Request) -> Vec<Difference> {
        let asked = &self.request;
        let differ = |place: &str, expected: String, found: String| Difference { place: place.into(), expected, found };
        let mut found = Vec::new();
        if asked.method != request.method {
            found.push(differ("method", asked.method.clone(), request.method.clone()));
        }
        let origin = request.url.origin().ascii_serialization();
        if asked.origin != origin {
            found.push(differ("origin", asked.origin.clone(), origin));
        }
        let path = segments(request.url.path());
        let same = path.len() == asked.path.len() && asked.path.iter().zip(&path).all(|(glob, part)| fits(glob, part));
        if !same {
            found.push(differ("path", format!("/{}", asked.path.join("/")), format!("/{}", path.join("/"))));
        }
        if asked.any_query {
            return found;
        }
        let mut left = request.query();
        for (name, glob) in &asked.query {
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
