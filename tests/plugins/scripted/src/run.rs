//! Carries a script out.

use std::collections::BTreeMap;

use hookswitch_sdk::bindings::imports::hookswitch::plugin::http::{self, Body, Error};
use hookswitch_sdk::bindings::imports::hookswitch::plugin::storage;
use hookswitch_sdk::bindings::imports::hookswitch::plugin::types::Content;
use hookswitch_sdk::commands::{self, Hook};
use hookswitch_sdk::http::{Answer, no_answer};
use hookswitch_sdk::secrets::{self, Encoding};
use hookswitch_sdk::{Call, Delay, Failure, Number, clock, info, job, people, random};
use serde_json::Value;

use crate::script::{Action, Dial, Effect, Fail, Key, Matches, Put, Reply, Scope, Send, Step};

/// What the function was called with.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) number: Option<Number>,
    pub(crate) chain: String,
    pub(crate) started_ms: u64,
    /// The id of the contact, empty if there is none.
    pub(crate) contact: String,
    /// The id that the step before returned, or what else the function is about.
    pub(crate) before: String,
    /// Who shall see the card, and who shall not.
    pub(crate) users: String,
    pub(crate) hook: Option<Hook>,
}

/// How a function ends that does not fail.
pub(crate) enum End {
    Id(String),
    Reply(commands::Reply),
}

impl Facts {
    pub(crate) fn of(call: Option<Call>) -> Self {
        let Some(call) = call else { return Self::default() };
        Self { number: call.external, chain: call.chain, started_ms: call.started_ms, ..Self::default() }
    }
}

pub(crate) struct Run {
    facts: Facts,
    status: u16,
    answer: String,
    value: String,
    revision: u64,
    matched: bool,
    n: u32,
}

impl Run {
    pub(crate) fn new(facts: Facts) -> Self {
        Self { facts, status: 0, answer: String::new(), value: String::new(), revision: 0, matched: false, n: 0 }
    }

    /// Does one step after the other, until one ends the function.
    pub(crate) fn steps(&mut self, steps: &[Step]) -> Result<Option<End>, Failure> {
        for step in steps {
            if let Some(end) = self.step(step)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    fn step(&mut self, step: &Step) -> Result<Option<End>, Failure> {
        match step {
            Step::Send(request) => return self.send(request),
            Step::Put(put) => self.put(put)?,
            Step::Get(key) => self.get(key)?,
            Step::Delete(Key { scope, key }) => {
                storage::delete((*scope).into(), &self.fill(key)?, None).map_err(stored)?;
            }
            Step::Repeat { times, steps } => {
                for n in 0..*times {
                    self.n = n;
                    if let Some(end) = self.steps(steps)? {
                        return Ok(Some(end));
                    }
                }
            }
            Step::Matches(Matches { handle, candidate }) => {
                self.matched = secrets::matches(handle, &self.fill(candidate)?);
            }
            Step::Log(text) => info!("the script says", text = self.fill(text)?),
            Step::Return(id) => return Ok(Some(End::Id(self.fill(id)?))),
            Step::Reply(reply) => return Ok(Some(End::Reply(self.reply(reply)?))),
            Step::Fail(fail) => return Err(self.failure(fail)?),
            Step::Trap => panic!("the script says so"),
            Step::Spin => loop {
                std::hint::spin_loop();
            },
        }
        Ok(None)
    }

    fn send(&mut self, request: &Send) -> Result<Option<End>, Failure> {
        let effect = match request.effect {
            Effect::Read => http::Effect::Read,
            Effect::Idempotent => http::Effect::Idempotent,
            Effect::Once => http::Effect::Once,
        };
        let filled = self.fill(&request.body)? + &"x".repeat(request.padding);
        let body = match (request.form.is_empty(), filled.is_empty()) {
            (false, _) => Body::Form(self.fields(&request.form)?),
            (true, true) => Body::Empty,
            (true, false) => Body::Text(filled),
        };
        let mut headers = self.fields(&request.headers)?;
        if !matches!(body, Body::Form(_)) && !request.headers.contains_key("content-type") {
            headers.push(("content-type".into(), "text/plain".into()));
        }
        let sent = http::send(&http::Request {
            method: request.method.clone(),
            url: self.fill(&request.url)?,
            headers,
            credential: request.credential.clone(),
            body,
            effect,
            timeout_ms: None,
            keep_secret: request.keep_secret.clone(),
        });
        match sent {
            Ok(response) => {
                self.status = response.status;
                self.answer = text(response.body);
                match request.on.get(&self.status.to_string()) {
                    Some(steps) => self.steps(steps),
                    None => {
                        let (status, text) = (response.status, self.answer.clone());
                        Answer { effect, status, headers: response.headers, text }.success()?;
                        Ok(None)
                    }
                }
            }
            Err(error) => match request.on.get(name(&error)) {
                Some(steps) => self.steps(steps),
                None => Err(no_answer(error, effect)),
            },
        }
    }

    fn put(&mut self, Put { scope, key, value, expected }: &Put) -> Result<(), Failure> {
        let (key, value) = (self.fill(key)?, Content::Text(self.fill(value)?));
        self.revision = storage::put((*scope).into(), &key, &value, *expected, None).map_err(stored)?;
        Ok(())
    }

    fn get(&mut self, Key { scope, key }: &Key) -> Result<(), Failure> {
        let entry = storage::get((*scope).into(), &self.fill(key)?).map_err(stored)?;
        (self.value, self.revision) = entry.map(|entry| (text(entry.value), entry.revision)).unwrap_or_default();
        Ok(())
    }

    fn reply(&self, reply: &Reply) -> Result<commands::Reply, Failure> {
        let action = |action: &Action| {
            Ok(match action {
                Action::Dial(Dial { extension, number }) => commands::Action::Dial(commands::Dial {
                    user: None,
                    extension: Some(self.fill(extension)?),
                    number: self.fill(number)?,
                    line: String::new(),
                    crm_call: None,
                    extra: Vec::new(),
                }),
                Action::HangUp(call) => commands::Action::HangUp(self.fill(call)?),
                Action::RefreshUsers => commands::Action::RefreshUsers,
                Action::Other(name) => commands::Action::Other((name.clone(), Vec::new())),
            })
        };
        Ok(commands::Reply {
            status: reply.status,
            headers: self.fields(&reply.headers)?,
            body: Content::Text(self.fill(&reply.body)?),
            actions: reply.actions.iter().map(action).collect::<Result<_, Failure>>()?,
        })
    }

    fn fields(&self, fields: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, Failure> {
        fields.iter().map(|(name, value)| Ok((name.clone(), self.fill(value)?))).collect()
    }

    fn failure(&self, fail: &Fail) -> Result<Failure, Failure> {
        Ok(match fail {
            Fail::Temporary(after_ms) => {
                Failure::Temporary(Delay { after_ms: *after_ms, reason: "the script says so".into() })
            }
            Fail::Rejected(text) => Failure::rejected("script", self.fill(text)?),
            Fail::Unauthorised(text) => Failure::Unauthorised(self.fill(text)?),
            Fail::NotConfigured(text) => Failure::NotConfigured(self.fill(text)?),
            Fail::InDoubt(text) => Failure::InDoubt(self.fill(text)?),
        })
    }

    /// Fills in the words between `<` and `>`.
    fn fill(&self, text: &str) -> Result<String, Failure> {
        let mut parts = text.split('<');
        let mut filled = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let unclosed = || Failure::NotConfigured(format!("setting `script`: no `>` in {text:?}"));
            let (word, rest) = part.split_once('>').ok_or_else(unclosed)?;
            filled.push_str(&self.word(word)?);
            filled.push_str(rest);
        }
        Ok(filled)
    }

    fn word(&self, word: &str) -> Result<String, Failure> {
        let (name, argument) = word.split_once(':').unwrap_or((word, ""));
        let hook = self.facts.hook.as_ref();
        Ok(match name {
            "attempt" => job::attempt().to_string(),
            "key" => job::key(argument),
            "now" => clock::now_ms().to_string(),
            "uuid" => random::uuid(),
            // When the call began, in the zone of the host's configuration.
            "began" => clock::format(self.facts.started_ms, None, "%Y-%m-%dT%H:%M:%S%:z").map_err(stored)?,
            "user" => people::user_of(argument).unwrap_or_default(),
            "number" => {
                let number = self.facts.number.as_ref();
                number.map(|number| number.e164.clone().unwrap_or_else(|| number.raw.clone())).unwrap_or_default()
            }
            "chain" => self.facts.chain.clone(),
            "contact" => self.facts.contact.clone(),
            "before" => self.facts.before.clone(),
            "users" => self.facts.users.clone(),
            "status" => self.status.to_string(),
            "answer" if argument.is_empty() => self.answer.clone(),
            "answer" => member(&self.answer, argument),
            "secret" => placeholder(argument)?,
            "matched" => self.matched.to_string(),
            "field" => hook.and_then(|hook| hook.field(argument)).unwrap_or_default().into(),
            "header" => hook.and_then(|hook| header(hook, argument)).unwrap_or_default(),
            "body" => hook.and_then(Hook::text).unwrap_or_default().into(),
            "proven" => hook.map(|hook| hook.proven.join(",")).unwrap_or_default(),
            "value" => self.value.clone(),
            "revision" => self.revision.to_string(),
            "n" => self.n.to_string(),
            _ => return Err(Failure::NotConfigured(format!("setting `script`: unknown word <{word}>"))),
        })
    }
}

impl From<Scope> for storage::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Call => Self::Call,
            Scope::Plugin => Self::Plugin,
        }
    }
}

/// What stands for a secret: `HANDLE:ENCODING`.
fn placeholder(argument: &str) -> Result<String, Failure> {
    let (handle, encoding) = argument.split_once(':').unwrap_or((argument, "plain"));
    let encoding = match encoding {
        "plain" => Encoding::Plain,
        "percent" => Encoding::Percent,
        "base64" => Encoding::Base64,
        "json" => Encoding::Json,
        _ => return Err(Failure::NotConfigured(format!("setting `script`: unknown encoding in <secret:{argument}>"))),
    };
    secrets::placeholder(handle, encoding)
}

/// A text in a JSON answer, by its path with dots; empty if there is none.
fn member(answer: &str, path: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let found = path.split('.').try_fold(&answer, |value, name| value.get(name));
    found.and_then(Value::as_str).unwrap_or_default().into()
}

fn header(hook: &Hook, name: &str) -> Option<String> {
    hook.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
}

fn text(content: Content) -> String {
    match content {
        Content::Text(text) => text,
        Content::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn stored(text: String) -> Failure {
    Failure::rejected("storage", text)
}

/// The error's name in the contract.
fn name(error: &Error) -> &'static str {
    match error {
        Error::Denied(_) => "denied",
        Error::NotSent(_) => "not-sent",
        Error::InDoubt(_) => "in-doubt",
        Error::TooLarge(_) => "too-large",
        Error::Unauthorised(_) => "unauthorised",
        Error::Other(_) => "other",
    }
}
