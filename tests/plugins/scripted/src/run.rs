//! Carries a script out.

use hookswitch_sdk::bindings::imports::hookswitch::plugin::http::{self, Body, Error};
use hookswitch_sdk::bindings::imports::hookswitch::plugin::storage;
use hookswitch_sdk::bindings::imports::hookswitch::plugin::types::Content;
use hookswitch_sdk::http::{Answer, no_answer};
use hookswitch_sdk::{Call, Delay, Failure, Number, clock, job, people, random};

use crate::script::{Effect, Fail, Key, Put, Scope, Send, Step};

/// What the function was called with.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) number: Option<Number>,
    pub(crate) chain: String,
    pub(crate) started_ms: u64,
    /// The id of the contact, empty if there is none.
    pub(crate) contact: String,
    /// The id that the step before returned.
    pub(crate) before: String,
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
    n: u32,
}

impl Run {
    pub(crate) fn new(facts: Facts) -> Self {
        Self { facts, status: 0, answer: String::new(), value: String::new(), revision: 0, n: 0 }
    }

    /// Does one step after the other, until one ends the function.
    pub(crate) fn steps(&mut self, steps: &[Step]) -> Result<Option<String>, Failure> {
        for step in steps {
            if let Some(id) = self.step(step)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn step(&mut self, step: &Step) -> Result<Option<String>, Failure> {
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
                    if let Some(id) = self.steps(steps)? {
                        return Ok(Some(id));
                    }
                }
            }
            Step::Return(id) => return self.fill(id).map(Some),
            Step::Fail(fail) => return Err(self.failure(fail)?),
            Step::Trap => panic!("the script says so"),
            Step::Spin => loop {
                std::hint::spin_loop();
            },
        }
        Ok(None)
    }

    fn send(&mut self, request: &Send) -> Result<Option<String>, Failure> {
        let effect = match request.effect {
            Effect::Read => http::Effect::Read,
            Effect::Idempotent => http::Effect::Idempotent,
            Effect::Once => http::Effect::Once,
        };
        let body = self.fill(&request.body)? + &"x".repeat(request.padding);
        let sent = http::send(&http::Request {
            method: request.method.clone(),
            url: self.fill(&request.url)?,
            headers: vec![("content-type".into(), "text/plain".into())],
            credential: Some("crm".into()),
            body: if body.is_empty() { Body::Empty } else { Body::Text(body) },
            effect,
            timeout_ms: None,
            keep_secret: Vec::new(),
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
            "status" => self.status.to_string(),
            "answer" => self.answer.clone(),
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
