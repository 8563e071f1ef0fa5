//! What the PBX knows, and what it was asked.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    moment,
    phonebook::Phonebooks,
    recording::{Link, Recording},
};

/// An application may have so many tokens.
pub(crate) const MOST_TOKENS: usize = 8;
/// After so many wrong log-ins an address is blocked.
const WRONG: usize = 5;

/// A request with a good token.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Below `/openapi/v1.0/`: `call/dial`.
    pub what: String,
    /// The body, or the query without the token.
    pub said: Value,
}

/// What the PBX knows.
pub(crate) struct State {
    pub(crate) client: (String, String),
    pub(crate) life: Duration,
    pub(crate) idle: Duration,
    tokens: Vec<Token>,
    given: Vec<String>,
    wrong: usize,
    skipped: Duration,
    /// Calls that go on, by id.
    pub(crate) calls: BTreeMap<String, Vec<Value>>,
    /// Records, with the second in which each call began.
    pub(crate) rows: Vec<(u64, Value)>,
    pub(crate) recordings: Vec<Recording>,
    pub(crate) links: Vec<Link>,
    /// Tokens end when the next link is given.
    pub(crate) ends_after_link: bool,
    pub(crate) extensions: Vec<Value>,
    pub(crate) queues: Vec<Value>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) phonebooks: Phonebooks,
    /// Calls that wait to be taken, by channel, and until when.
    pub(crate) waiting: BTreeMap<String, (String, Instant)>,
    pub(crate) decided: Vec<(String, bool)>,
    pub(crate) requests: Vec<Request>,
    pub(crate) complaints: Vec<String>,
    pub(crate) subscribers: Vec<Subscriber>,
    /// Subscriptions so far.
    pub(crate) subscriptions: usize,
    pub(crate) log_ins: usize,
    pub(crate) renewals: usize,
    /// Answers in place of the right ones: endpoint and JSON.
    pub(crate) lies: VecDeque<(String, Value)>,
    pub(crate) last_call: u64,
    random: RandomState,
}

struct Token {
    access: String,
    refresh: String,
    until: Instant,
    refresh_until: Instant,
}

/// A web socket that is subscribed.
pub(crate) struct Subscriber {
    pub(crate) topics: Vec<u64>,
    pub(crate) texts: mpsc::UnboundedSender<String>,
}

/// A webhook as the admin has set it up.
#[derive(Clone)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) events: Vec<u64>,
}

impl State {
    pub(crate) fn new(client: (String, String), life: Duration, idle: Duration) -> Self {
        Self {
            client,
            life,
            idle,
            tokens: Vec::new(),
            given: Vec::new(),
            wrong: 0,
            skipped: Duration::ZERO,
            calls: BTreeMap::new(),
            rows: Vec::new(),
            recordings: Vec::new(),
            links: Vec::new(),
            ends_after_link: false,
            extensions: Vec::new(),
            queues: Vec::new(),
            webhooks: Vec::new(),
            phonebooks: Phonebooks::default(),
            waiting: BTreeMap::new(),
            decided: Vec::new(),
            requests: Vec::new(),
            complaints: Vec::new(),
            subscribers: Vec::new(),
            subscriptions: 0,
            log_ins: 0,
            renewals: 0,
            lies: VecDeque::new(),
            last_call: 360,
            random: RandomState::new(),
        }
    }

    /// Time, as far as tokens are concerned.
    pub(crate) fn time(&self) -> Instant {
        Instant::now() + self.skipped
    }

    pub(crate) fn skip(&mut self, time: Duration) {
        self.skipped += time;
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.wrong >= WRONG
    }

    pub(crate) fn tokens_now(&self) -> usize {
        let now = self.time();
        self.tokens.iter().filter(|token| token.until > now).count()
    }

    pub(crate) fn log_in(&mut self, id: &str, secret: &str) -> Value {
        if (id, secret) != (self.client.0.as_str(), self.client.1.as_str()) {
            self.wrong += 1;
            return refused(20001, "USERNAME OR PASSWORD ERROR");
        }
        if self.tokens_now() >= MOST_TOKENS {
            return refused(10005, "ACCESS TOKEN EXCEED LIMIT");
        }
        self.log_ins += 1;
        self.give()
    }

    pub(crate) fn renew(&mut self, refresh: &str) -> Value {
        let now = self.time();
        let known = self.tokens.iter().position(|token| token.refresh == refresh && token.refresh_until > now);
        let Some(known) = known else { return refused(10006, "REFRESH TOKEN EXPIRED") };
        self.tokens.remove(known);
        self.renewals += 1;
        self.give()
    }

    fn give(&mut self) -> Value {
        let number = self.given.len();
        // Nobody can guess them, and some of their characters must be encoded on the wire.
        let [access, refresh] = ["a", "r"].map(|kind| {
            let random = [0, 1].map(|part| self.random.hash_one((number, kind, part)));
            format!("{kind}+/={number:04}{:016x}{:016x}", random[0], random[1])
        });
        self.given.extend([access.clone(), refresh.clone()]);
        let now = self.time();
        self.tokens.push(Token {
            access: access.clone(),
            refresh: refresh.clone(),
            until: now + self.life,
            refresh_until: now + self.life * 48,
        });
        json!({
            "errcode": 0, "errmsg": "SUCCESS", "access_token": access, "refresh_token": refresh,
            "access_token_expire_time": self.life.as_secs(), "refresh_token_expire_time": (self.life * 48).as_secs(),
        })
    }

    /// A number that nobody can guess.
    pub(crate) fn chance(&self) -> u64 {
        self.random.hash_one(("link", self.links.len()))
    }

    pub(crate) fn revoke(&mut self, access: &str) {
        self.tokens.retain(|token| token.access != access);
    }

    /// Until when a token is good; none if it is not.
    pub(crate) fn good(&self, access: &str) -> Option<Instant> {
        let now = self.time();
        let token = self.tokens.iter().find(|token| token.access == access && token.until > now);
        token.map(|token| token.until - self.skipped)
    }

    pub(crate) fn end_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Whether a text holds any token that was ever given, or the secret.
    pub(crate) fn gave_away(&self, text: &str) -> bool {
        self.given.iter().any(|given| text.contains(given.as_str())) || text.contains(&self.client.1)
    }

    /// Records of calls that began in this span, in the PBX's words.
    pub(crate) fn search(&self, start: &str, end: &str) -> Option<Vec<Value>> {
        let (start, end) = (moment::read(start)?, moment::read(end)?);
        let inside = self.rows.iter().filter(|(second, _)| (start..=end).contains(second));
        Some(inside.map(|(_, row)| row.clone()).collect())
    }
}

/// An answer that says no, with HTTP 200.
pub(crate) fn refused(code: i64, text: &str) -> Value {
    json!({ "errcode": code, "errmsg": text })
}
