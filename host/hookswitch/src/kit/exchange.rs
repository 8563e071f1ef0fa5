//! One request that a scenario's CRM may be asked, and its answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::Deserialize;
use serde_json::Value;

use super::{
    matcher::{self, Difference, Names, compare},
    request::{Asked, Place, Request},
};

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
        let mut found = self.request.differences(request);
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
}
