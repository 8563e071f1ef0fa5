//! What a plugin sees of the host during one call of one of its functions: the imports of the contract, opened as far as
//! the configuration allows, and written down.

mod body;
mod exchange;
mod recorded;
mod recording;
mod tape;

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use async_trait::async_trait;
use hookswitch_call::{
    Millis,
    number::{Kind, Number, Numbering, Region},
};
use hookswitch_journal::{CallRef, RunId, View, storage as stored};
use hookswitch_runtime::{
    Grace, Services,
    contract::{self, Content, Fields, http, logging, storage},
};
use jiff::{Timestamp, fmt::strtime, tz::TimeZone};

use self::recorded::Settled;
pub(crate) use self::{
    recorded::record_all,
    tape::{HTTP, Tape},
};
use crate::desk::{Desk, Lane};

/// One visit's view of the host.
pub(crate) struct Session {
    pub(crate) desk: Arc<Desk>,
    pub(crate) call: Option<CallRef>,
    pub(crate) run: RunId,
    pub(crate) lane: Lane,
    /// The job's clock stands still during a visit, so that a replay sees the same time.
    pub(crate) started: Millis,
    /// What a job was told before; none outside jobs, where nothing is ever resumed.
    pub(crate) tape: Option<Arc<Mutex<Tape>>>,
    /// Host calls so far.
    pub(crate) host_calls: u32,
    /// Guesses of secrets so far.
    pub(crate) guesses: u32,
    /// How long a request may wait for its turn.
    pub(crate) patience: Duration,
    /// Time that the plugin waited for its turn.
    pub(crate) grace: Grace,
    /// Set when the CRM has been asked.
    pub(crate) asked: Arc<AtomicBool>,
    /// The contract has this function read and nothing else.
    pub(crate) reads_only: bool,
}

impl Session {
    /// The key `name` of this plugin in `scope`.
    fn key(&self, scope: storage::Scope, name: &str) -> Result<stored::Key, String> {
        let scope = match (scope, &self.call) {
            (storage::Scope::Plugin, _) => stored::Scope::Plugin,
            (storage::Scope::Call, Some(call)) => stored::Scope::Call(call.clone()),
            (storage::Scope::Call, None) => return Err("this function has no call: use the scope `plugin`".to_owned()),
        };
        Ok(stored::Key { plugin: self.desk.name.clone(), scope, name: name.to_owned() })
    }
}

/// A plugin may compare so many candidates with secrets in one visit: enough for an honest one.
const GUESSES: u32 = 5;

/// The capability that a manifest asks for to use the interface `secrets`.
const SECRETS: &str = "secrets";

/// Host calls about the plugin's storage.
pub(crate) const STORAGE: &str = "storage";

/// A key of the storage as a trace names it.
fn about(scope: storage::Scope, key: &str) -> String {
    match scope {
        storage::Scope::Plugin => format!("plugin/{key}"),
        storage::Scope::Call => format!("call/{key}"),
    }
}

#[async_trait]
impl Services for Session {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        exchange::send(self, request).await
    }

    fn placeholder(&mut self, handle: &str, encoding: &str) -> Result<String, String> {
        if !self.desk.manifest.capabilities.contains(SECRETS) {
            return Err(format!("the manifest does not ask for the capability `{SECRETS}`"));
        }
        // The same for ever, so a replay needs no record of it.
        self.desk.gate.placeholder(handle, encoding).map_err(|error| error.to_string())
    }

    fn matches(&mut self, handle: &str, candidate: &str) -> bool {
        self.guesses += 1;
        let is_one = self.guesses <= GUESSES
            && self.desk.manifest.capabilities.contains(SECRETS)
            && self.desk.gate.matches(handle, candidate);
        self.at_once("secrets.matches", handle, is_one)
    }

    async fn get(&mut self, scope: storage::Scope, key: &str) -> Result<Option<storage::Entry>, String> {
        let wanted = self.key(scope, key)?;
        let intent = match self.settled(STORAGE, "get", &about(scope, key), &[]) {
            Settled::Given(answer) => return answer,
            Settled::Diverged(text) => return Err(text),
            Settled::Make(intent) => intent,
        };
        let now = self.desk.clock.now();
        let found = self.desk.journal.read(move |view| view.get(&wanted, now)).await.map_err(told);
        let found = found.map(|found| {
            found.map(|entry| storage::Entry {
                key: key.to_owned(),
                value: match entry.value {
                    stored::Content::Text(text) => Content::Text(text),
                    stored::Content::Bytes(bytes) => Content::Bytes(bytes),
                },
                revision: entry.revision,
            })
        });
        self.keep(intent, &found);
        found
    }

    async fn put(
        &mut self,
        scope: storage::Scope,
        key: &str,
        value: Content,
        expected: Option<u64>,
        ttl_s: Option<u32>,
    ) -> Result<u64, String> {
        let wanted = self.key(scope, key)?;
        let value = match value {
            Content::Text(text) => stored::Content::Text(text),
            Content::Bytes(bytes) => stored::Content::Bytes(bytes),
        };
        let bytes = match &value {
            stored::Content::Text(text) => text.as_bytes(),
            stored::Content::Bytes(bytes) => bytes,
        };
        let intent = match self.settled(STORAGE, "put", &about(scope, key), bytes) {
            Settled::Given(answer) => return answer,
            Settled::Diverged(text) => return Err(text),
            Settled::Make(intent) => intent,
        };
        let now = self.desk.clock.now();
        let expires = ttl_s.map(|seconds| Millis(now.0 + u64::from(seconds) * 1000));
        let put = stored::Put { value, expected, expires };
        self.change(intent, move |txn| txn.put(&wanted, &put, stored::Quota::default(), now)).await
    }

    async fn delete(&mut self, scope: storage::Scope, key: &str, expected: Option<u64>) -> Result<bool, String> {
        let wanted = self.key(scope, key)?;
        let intent = match self.settled(STORAGE, "delete", &about(scope, key), &[]) {
            Settled::Given(answer) => return answer,
            Settled::Diverged(text) => return Err(text),
            Settled::Make(intent) => intent,
        };
        let now = self.desk.clock.now();
        self.change(intent, move |txn| txn.delete(&wanted, expected, now)).await
    }

    async fn keys(
        &mut self,
        scope: storage::Scope,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, String> {
        let stored::Key { plugin, scope: place, .. } = self.key(scope, "")?;
        let page = format!("{}\n{limit}", after.unwrap_or_default());
        let intent = match self.settled(STORAGE, "keys", &about(scope, prefix), page.as_bytes()) {
            Settled::Given(answer) => return answer,
            Settled::Diverged(text) => return Err(text),
            Settled::Make(intent) => intent,
        };
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let now = self.desk.clock.now();
        let question = move |view: &View<'_>| view.keys(&plugin, &place, &prefix, after.as_deref(), limit, now);
        let found = self.desk.journal.read(question).await.map_err(told);
        self.keep(intent, &found);
        found
    }

    async fn recordings_of_call(&mut self, chain: &str) -> Vec<contract::Recording> {
        recording::of_call(self, chain).await
    }

    async fn read_recording(&mut self, id: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        recording::read(self, id, offset, length).await
    }

    async fn sign_link(&mut self, id: &str, ttl_s: u32, once: bool) -> Result<String, String> {
        recording::sign_link(self, id, ttl_s, once).await
    }

    fn setting(&mut self, name: &str) -> Option<String> {
        self.desk.settings.get(name).cloned()
    }

    fn user_of(&mut self, extension: &str) -> Option<String> {
        let users = self.desk.users();
        let user = match &self.call {
            Some(call) => users.at(call.pbx.as_str(), extension),
            None => users.by_extension(extension),
        };
        let user = user.map(|user| user.id.clone());
        self.at_once("people.user-of", extension, user)
    }

    fn extension_of(&mut self, user: &str) -> Option<String> {
        let pbx = self.call.as_ref().map(|call| call.pbx.as_str());
        let extension = self.desk.users().extension_of(pbx, user).map(str::to_owned);
        self.at_once("people.extension-of", user, extension)
    }

    fn parse_number(&mut self, text: &str, region: Option<&str>) -> Result<contract::Number, String> {
        let code = region.or(self.desk.host.server.region.as_deref());
        let region = code.map(|code| Region::from_code(code).ok_or_else(|| format!("`{code}` is no country")));
        let numbering = Numbering { region: region.transpose()?, ..Numbering::default() };
        let number = Number::parse(text, &numbering);
        match number.kind {
            Kind::Anonymous => Err("there is no number in it".to_owned()),
            Kind::Invalid => Err("no numbering plan knows this number".to_owned()),
            Kind::External | Kind::Short => Ok(crate::view::number(&number)),
        }
    }

    fn format_number(&mut self, e164: &str, style: &str) -> String {
        Number::parse(e164, &Numbering::default()).format(style)
    }

    fn deadline_ms(&mut self, left: u32) -> u32 {
        self.at_once("job.deadline-ms", "", left)
    }

    fn now_ms(&mut self) -> u64 {
        self.started.0
    }

    fn format_time(&mut self, unix_ms: u64, zone: Option<&str>, pattern: &str) -> Result<String, String> {
        let zone = match zone {
            Some(name) => TimeZone::get(name).map_err(|_| format!("unknown time zone `{name}`"))?,
            None => self.desk.zone.clone(),
        };
        let at = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let at = at.ok_or_else(|| format!("{unix_ms} ms is beyond the calendar"))?;
        strtime::format(pattern, &at.to_zoned(zone)).map_err(|error| error.to_string())
    }

    fn log(&mut self, level: logging::Level, message: &str, fields: &Fields) {
        let plugin = &self.desk.name;
        let call = self.call.as_ref().map(|call| call.chain.as_str()).unwrap_or_default();
        match level {
            logging::Level::Debug => tracing::debug!(plugin, call, ?fields, "{message}"),
            logging::Level::Info => tracing::info!(plugin, call, ?fields, "{message}"),
            logging::Level::Warn => tracing::warn!(plugin, call, ?fields, "{message}"),
            logging::Level::Error => tracing::error!(plugin, call, ?fields, "{message}"),
        }
    }
}

/// What the plugin is told of a failure of its storage.
fn told(error: impl std::error::Error) -> String {
    error.to_string()
}
