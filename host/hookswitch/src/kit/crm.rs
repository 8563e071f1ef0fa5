//! The CRM of a scenario: which exchange a request is, what is remembered, and what goes wrong on purpose.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    exchange::{Answer, AnswerFault, Exchange, Marks},
    matcher::{Difference, Names},
    request::Request,
    trouble::{Fault, Moment, Trouble, What},
};

/// A CRM that plays a scenario's exchanges.
pub(crate) struct Crm {
    exchanges: Vec<Exchange>,
    /// Files of answers are relative to it.
    folder: PathBuf,
    trouble: Option<Trouble>,
    /// Cancelled where the host is to die.
    death: CancellationToken,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    asked: Vec<u32>,
    marks: BTreeSet<String>,
    kept: BTreeMap<String, Value>,
    names: Names,
    /// On whose screens the card of a call is.
    cards: BTreeSet<String>,
    seen: Vec<Seen>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) request: Request,
    /// Which exchange it was; none: the scenario has none for it.
    pub(crate) exchange: Option<usize>,
    /// The status of its answer, or what happened instead.
    pub(crate) answer: String,
    /// Why the scenario's answer cannot be given.
    pub(crate) broken: Option<String>,
    /// How it differs from the exchange that is nearest, where none fits.
    pub(crate) nearest: Option<(usize, Vec<Difference>)>,
}

/// What to do with a request.
pub(crate) enum Deed {
    Answer(Reply),
    /// Half of an answer.
    Cut,
    /// Nothing, for ever.
    Silence,
    /// An answer, and the host dies.
    AnswerAndDie(Reply),
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) after: Duration,
}

impl Reply {
    fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Self { status, headers, body: body.into(), after: Duration::ZERO }
    }
}

/// A web page where JSON was expected, as a proxy or a server under maintenance shows it.
const PAGE: &str = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>We are back soon.</body></html>";

impl Crm {
    pub(crate) fn new(exchanges: Vec<Exchange>, folder: PathBuf, trouble: Option<Trouble>) -> Arc<Self> {
        let state = State { asked: vec![0; exchanges.len()], ..State::default() };
        Arc::new(Self { exchanges, folder, trouble, death: CancellationToken::new(), state: Mutex::new(state) })
    }

    /// Cancelled where the host is to die.
    pub(crate) fn death(&self) -> &CancellationToken {
        &self.death
    }

    /// Everything that was asked, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// How often each exchange was asked.
    pub(crate) fn asked(&self) -> Vec<u32> {
        self.state().asked.clone()
    }

    /// The users on whose screens the card of a call is, as far as the exchanges say.
    pub(crate) fn cards(&self) -> BTreeSet<String> {
        self.state().cards.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request in.
    pub(crate) fn take(&self, request: Request) -> Deed {
        let mut state = self.state();
        let now = state.seen.len();
        let trouble = self.trouble.as_ref().filter(|trouble| trouble.at == now).map(|trouble| trouble.what);
        let found = self.find(&mut state, &request);
        let mut seen =
            Seen { request: request.clone(), exchange: None, answer: String::new(), broken: None, nearest: None };
        let at = match found {
            Ok(at) => at,
            Err(nearest) => {
                seen.nearest = nearest;
                seen.answer = "404, as the scenario has no exchange for it".to_owned();
                state.seen.push(seen);
                return Deed::Answer(Reply::new(404, "text/plain", "the scenario has no exchange for this request"));
            }
        };
        seen.exchange = Some(at);
        let exchange = self.exchanges.get(at);
        let carried_out = trouble.is_none_or(|what| what.is_carried_out());
        let mut reply = Reply::new(500, "text/plain", "");
        if let (true, Some(exchange)) = (carried_out, exchange) {
            self.carry_out(&mut state, exchange, &request);
            let count = state.asked.get_mut(at).map_or(0, |count| {
                *count += 1;
                *count
            });
            reply = match self.reply(&state, &exchange.answer, &request, count) {
                Ok(reply) => reply,
                Err(problem) => {
                    seen.broken = Some(problem);
                    reply
                }
            };
        }
        let deed = match (trouble, exchange.and_then(|exchange| exchange.answer.fault)) {
            (None, None) => Deed::Answer(reply),
            (None, Some(AnswerFault::Cut)) | (Some(Trouble::CUT), _) => Deed::Cut,
            (None, Some(AnswerFault::Silent)) | (Some(Trouble::SILENT), _) => Deed::Silence,
            (Some(What::Fault(fault)), _) => Deed::Answer(faulty(fault, reply)),
            (Some(What::Death(moment)), _) => match moment {
                Moment::Arrived | Moment::CarriedOut => {
                    self.death.cancel();
                    Deed::Silence
                }
                Moment::Answered => Deed::AnswerAndDie(reply),
            },
        };
        seen.answer = match &deed {
            Deed::Answer(reply) => reply.status.to_string(),
            Deed::AnswerAndDie(reply) => format!("{}, and the host dies", reply.status),
            Deed::Cut => "cut off".to_owned(),
            Deed::Silence if self.death.is_cancelled() => "none: the host dies".to_owned(),
            Deed::Silence => "none".to_owned(),
        };
        state.seen.push(seen);
        deed
    }

    /// The exchange that a request is; otherwise the one that is nearest, with the differences.
    fn find(&self, state: &mut State, request: &Request) -> Result<usize, Option<(usize, Vec<Difference>)>> {
        let mut nearest: Option<(usize, Vec<Difference>)> = None;
        let mut full = None;
        for (at, exchange) in self.exchanges.iter().enumerate() {
            if !exchange.is_open(|mark| state.marks.contains(mark)) {
                continue;
            }
            let differences = exchange.differences(request, &mut state.names);
            if differences.is_empty() {
                // In trouble a request may come more often; how often it may have an effect is judged at the end.
                if state.asked.get(at).is_some_and(|asked| *asked < exchange.times().most) {
                    return Ok(at);
                }
                full = full.or(Some(at));
            } else if nearest.as_ref().is_none_or(|(_, fewest)| distance(&differences) < distance(fewest)) {
                nearest = Some((at, differences));
            }
        }
        match full {
            Some(at) if self.trouble.is_some() => Ok(at),
            Some(at) => Err(Some((at, Vec::new()))),
            None => Err(nearest),
        }
    }

    fn carry_out(&self, state: &mut State, exchange: &Exchange, request: &Request) {
        let Marks(marks) = &exchange.then;
        state.marks.extend(marks.iter().cloned());
        for (name, place) in &exchange.keep {
            state.kept.insert(name.clone(), request.at(place).unwrap_or(Value::Null));
        }
        exchange.change_cards(request, &mut state.cards);
    }

    fn reply(&self, state: &State, answer: &Answer, request: &Request, count: u32) -> Result<Reply, String> {
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        let form: BTreeMap<_, _> = request.form().into_iter().collect();
        let mut context = serde_json::Map::from_iter(state.kept.clone());
        context.insert("count".to_owned(), count.into());
        context.insert("request".to_owned(), json!({ "json": request.json(), "query": query, "form": form }));
        let context = Value::Object(context);
        let (kind, body) = match (&answer.json, &answer.text, &answer.file) {
            (Some(value), ..) => ("application/json", filled(value, &context)?.to_string().into_bytes()),
            (None, Some(text), _) => ("text/plain", rendered(text, &context)?.into_bytes()),
            (None, None, Some(file)) => {
                let path = self.folder.join(file);
                let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                ("application/octet-stream", bytes)
            }
            (None, None, None) => ("", Vec::new()),
        };
        let (kind, body) = answer.bytes.clone().map_or((kind, body), |bytes| ("", bytes));
        let mut reply = Reply::new(answer.status.unwrap_or(200), kind, body);
        reply.headers.retain(|(_, value)| !value.is_empty());
        for (name, value) in &answer.headers {
            reply.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            reply.headers.push((name.clone(), rendered(value, &context)?));
        }
        Ok(reply)
    }
}

/// How far a request is from an exchange: one for another address is farther than any that differs in its content.
fn distance(differences: &[Difference]) -> (bool, usize) {
    let elsewhere = differences.iter().any(|differ| ["method", "origin", "path"].contains(&differ.place.as_str()));
    (elsewhere, differences.len())
}

/// What a CRM in trouble says; `reply` is what it would have said.
fn faulty(fault: Fault, reply: Reply) -> Reply {
    let json = "application/json";
    let with = |mut reply: Reply, name: &str, value: &str| {
        reply.headers.push((name.to_owned(), value.to_owned()));
        reply
    };
    match fault {
        Fault::Delayed => Reply { after: Duration::from_millis(500), ..reply },
        Fault::Busy => Reply::new(429, json, r#"{"error":"too many requests"}"#),
        Fault::BusyUntil => with(Reply::new(429, json, r#"{"error":"too many requests"}"#), "retry-after", "2"),
        Fault::Broken | Fault::BrokenAfterwards => Reply::new(500, json, r#"{"error":"internal error"}"#),
        Fault::Unauthorised => Reply::new(401, json, r#"{"error":"the token is not valid"}"#),
        Fault::Page => Reply::new(200, "text/html", PAGE),
        Fault::OtherJson => Reply::new(200, json, r#"{"unexpected":[{"as":"it is"}]}"#),
        Fault::Empty => Reply { headers: Vec::new(), ..Reply::new(200, "", "") },
        Fault::Cut | Fault::Silent => reply,
    }
}

/// Every text in a value, rendered. One that is a single name keeps the type of the value.
fn filled(value: &Value, context: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim) {
            Some(name) if context.get(name).is_some() => context.get(name).cloned().unwrap_or_default(),
            _ => Value::String(rendered(text, context)?),
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, context)).collect::<Result<_, _>>()?),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), filled(value, context)?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn rendered(text: &str, context: &Value) -> Result<String, String> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let mut environment = minijinja::Environment::new();
    environment.set_fuel(Some(10_000));
    environment.render_str(text, minijinja::value::Serde(context)).map_err(|error| error.to_string())
}
