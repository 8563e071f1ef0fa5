//! What the account knows.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    fault::Faults,
    options::Options,
    routes::Call,
    ticket::Ticket,
    upload::Upload,
    user::{OWNER, User},
};

/// Milliseconds since the epoch, on the account's clock.
pub(crate) type Millis = i64;

/// How long a key of a request is known (sheet 1: "documented 2 h window").
const KEYS_LIVE: Millis = 2 * 60 * 60 * 1000;
const MINUTE: Millis = 60 * 1000;

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) ahead: Duration,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) groups: BTreeMap<u64, String>,
    pub(crate) organizations: Vec<u64>,
    pub(crate) tickets: BTreeMap<u64, Ticket>,
    /// What agents were shown: agent, "user" or "ticket", id.
    pub(crate) displays: Vec<(u64, &'static str, u64)>,
    pub(crate) uploads: Vec<Upload>,
    pub(crate) journal: Vec<Value>,
    pub(crate) complaints: Vec<String>,
    pub(crate) faults: Faults,
    keys: HashMap<String, Kept>,
    minute: VecDeque<Millis>,
    last_id: u64,
}

/// The first answer to a key.
struct Kept {
    at: Millis,
    body: Value,
    answer: Answer,
}

impl World {
    pub(crate) fn new(options: Options) -> Result<Self> {
        let seed = options.seed.clone();
        let owner = User { email: Some(options.email.clone()), ..User::new(OWNER, "Owner", "admin") };
        let mut world = Self {
            options,
            ahead: Duration::ZERO,
            users: [(OWNER, owner)].into(),
            groups: BTreeMap::new(),
            organizations: Vec::new(),
            tickets: BTreeMap::new(),
            displays: Vec::new(),
            uploads: Vec::new(),
            journal: Vec::new(),
            complaints: Vec::new(),
            faults: Faults::default(),
            keys: HashMap::new(),
            minute: VecDeque::new(),
            last_id: 100_000,
        };
        world.plant(&seed)?;
        Ok(world)
    }

    pub(crate) fn host(&self) -> String {
        format!("{}.zendesk.com", self.options.subdomain)
    }

    pub(crate) fn now(&self) -> Millis {
        Timestamp::now().as_millisecond() + self.ahead.as_millis() as Millis
    }

    pub(crate) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }

    /// Answers a request and writes it down. `refusal` is answered in its place; one that is `skipped` never came.
    pub(crate) fn answer(
        &mut self,
        call: Call,
        refusal: Option<Answer>,
        skipped: bool,
        fault: Option<String>,
    ) -> Answer {
        let line = json!({"operation": call.operation, "target": call.target, "body": call.body, "fault": fault});
        let answer = match refusal {
            Some(refusal) => refusal,
            None if skipped => Answer::page(500, "never sent"),
            None => self.admit(&call).and_then(|()| self.once(&call)).unwrap_or_else(|refusal| refusal),
        };
        let mut line = line;
        line["status"] = if skipped { Value::Null } else { answer.status.into() };
        if answer.status / 100 != 2 {
            line["answer"] = answer.body.chars().take(300).collect::<String>().into();
        }
        self.journal.push(line);
        answer
    }

    /// The plan's limit first, then who it is.
    fn admit(&mut self, call: &Call) -> Result<(), Answer> {
        let now = self.now();
        if let Some(most) = self.options.per_minute {
            while self.minute.front().is_some_and(|at| at + MINUTE <= now) {
                self.minute.pop_front();
            }
            if self.minute.len() >= most {
                let oldest = self.minute.front().copied().unwrap_or(now);
                return Err(Answer::too_many(((oldest + MINUTE - now) / 1000 + 1) as u64));
            }
            self.minute.push_back(now);
        }
        if call.signed_in(&self.options) { Ok(()) } else { Err(Answer::unauthorised()) }
    }

    /// Tickets are made once for each key.
    fn once(&mut self, call: &Call) -> Result<Answer, Answer> {
        let makes_tickets = matches!(call.operation.as_str(), "POST tickets" | "POST channels/voice/tickets");
        let Some(key) = call.key.clone().filter(|_| makes_tickets) else { return call.carry_out(self) };
        let now = self.now();
        self.keys.retain(|_, kept| kept.at + KEYS_LIVE > now);
        match self.keys.get(&key) {
            Some(kept) if kept.body == call.body => Ok(kept.answer.clone().header("x-idempotency-lookup", "hit")),
            Some(_) => Err(Answer::json(
                400,
                &json!({"error": "IdempotentRequestError", "description": "This key was used with another body"}),
            )),
            None => {
                let answer = call.carry_out(self)?;
                self.keys.insert(key, Kept { at: now, body: call.body.clone(), answer: answer.clone() });
                Ok(answer.header("x-idempotency-lookup", "miss"))
            }
        }
    }
}
