//! What a plugin did in production, as one file: enough to play it again offline, with the same build or another.
//!
//! It holds what the journal holds: calls, requests and answers, in which secrets are masked already. Personal data is in
//! it unless it is [`mask`](Trace::masked)ed.

use std::collections::{BTreeMap, HashMap};

use hookswitch_call::{Call, Millis};
use hookswitch_journal::{
    Error, View,
    directory::User,
    runs::{Answer, Body, Reply, Request, Run},
};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Loaded;

/// The format of the file.
const FORMAT: u32 = 1;

/// What a plugin did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Trace {
    /// [`FORMAT`].
    pub(crate) hookswitch_trace: u32,
    pub(crate) plugin: String,
    /// `region` and `timezone` of the host.
    pub(crate) region: Option<String>,
    pub(crate) timezone: Option<String>,
    /// The plugin's settings, but for secrets and files.
    pub(crate) settings: BTreeMap<String, String>,
    /// The CRM's users.
    pub(crate) users: Vec<User>,
    /// Users whom the admin named, by extension.
    pub(crate) named: BTreeMap<String, String>,
    pub(crate) doings: Vec<Doing>,
}

/// One run of a function in a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Doing {
    pub(crate) call: Call,
    /// When the job was accepted: its keys are made of that.
    pub(crate) created: Millis,
    pub(crate) run: Run,
    pub(crate) requests: Vec<Request>,
}

impl Trace {
    /// Reads the runs of a plugin that can be played again, oldest first: first tries of jobs that were brought to an end.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub(crate) fn gather(view: &View<'_>, loaded: &Loaded, plugin: &str, runs: Vec<Run>) -> Result<Self, Error> {
        let config = loaded.config.plugin.get(plugin);
        let settings = config.iter().flat_map(|config| &config.settings);
        let settings = settings.filter_map(|(name, setting)| Some((name.clone(), setting.value()?.to_owned())));
        let mut doings = Vec::new();
        for run in runs {
            let playable =
                run.begun.attempt == 1 && run.resumed == 0 && run.ended.is_some() && run.begun.input.is_some();
            let Some(call) = run.begun.call.clone().filter(|_| playable) else { continue };
            let Some(entry) = view.call(&call)? else { continue };
            let job = run.begun.job.map(|job| view.job(job)).transpose()?.flatten();
            let created = job.map(|job| job.created).unwrap_or_default();
            doings.push(Doing { call: entry.call, created, requests: view.requests_of(run.begun.id)?, run });
        }
        let server = &loaded.config.server;
        Ok(Self {
            hookswitch_trace: FORMAT,
            plugin: plugin.to_owned(),
            region: server.region.clone(),
            timezone: server.zone().iana_name().map(str::to_owned),
            settings: settings.collect(),
            users: view.directory(plugin)?.map(|directory| directory.users).unwrap_or_default(),
            named: config.map(|config| config.users.clone()).unwrap_or_default(),
            doings,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It is no trace, or one of another format.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let trace: Self = serde_json::from_str(text)
            .map_err(|error| format!("this is no trace that `hookswitch trace CALL --export FILE` wrote: {error}"))?;
        if trace.hookswitch_trace == FORMAT {
            return Ok(trace);
        }
        Err(format!("the trace has format {}; this program reads format {FORMAT}", trace.hookswitch_trace))
    }

    /// The same with other numbers, names and addresses of persons: equal ones stay equal.
    ///
    /// # Errors
    ///
    /// What was masked cannot be read again.
    pub(crate) fn masked(&self) -> Result<Self, String> {
        let mut mask = Mask::default();
        let mut value = serde_json::to_value(self).map_err(|error| error.to_string())?;
        if let Some(doings) = value.get_mut("doings").and_then(Value::as_array_mut) {
            for doing in doings {
                if let Some(Value::Object(call)) = doing.get_mut("call") {
                    for name in ["external", "external_name", "external-name", "line"] {
                        if let Some(part) = call.get_mut(name) {
                            mask.value(part, name.contains("name"));
                        }
                    }
                }
                if let Some(input) = doing.pointer_mut("/run/begun/input") {
                    mask.value(input, false);
                }
            }
        }
        if let Some(users) = value.get_mut("users") {
            mask.value(users, false);
        }
        let mut masked: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        for request in masked.doings.iter_mut().flat_map(|doing| &mut doing.requests) {
            request.intent.url = mask.text(&request.intent.url);
            request.intent.body = mask.body(&request.intent.body);
            if let Some(Answer { reply: Reply::Response { body, .. }, .. }) = &mut request.answer {
                *body = mask.body(body);
            }
        }
        Ok(masked)
    }
}

/// Puts invented data in the place of personal data, the same for the same.
#[derive(Default)]
pub(crate) struct Mask {
    known: HashMap<String, String>,
}

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
        let email = Regex::new(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}").ok();
        let masked = match &email {
            Some(email) => email.replace_all(text, |found: &regex::Captures<'_>| {
                self.instead(found.get(0).map_or("", |it| it.as_str()), |number| format!("person{number}@example.com"))
            }),
            None => text.into(),
        };
        // As many digits as there were, with the first two as they are: the country.
        // Not inside of words: keys and hashes hold digits too. A plus may be percent-encoded.
        let digits = Regex::new(r"(?<plus>%2B|\b)(?<digits>[0-9]{7,15})\b").ok();
        match &digits {
            Some(digits) => digits
                .replace_all(&masked, |found: &regex::Captures<'_>| {
                    let [plus, found] = ["plus", "digits"].map(|name| found.name(name).map_or("", |it| it.as_str()));
                    // The last digits tell a subscriber, however the front is written.
                    let (front, end) = found.split_at(found.len() - 5);
                    let end = self.instead(end, |number| format!("{:05}", (number * 7919) % 100_000));
                    format!("{plus}{front}{end}")
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

    fn body(&mut self, body: &Body) -> Body {
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
