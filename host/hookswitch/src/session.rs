//! What a plugin sees of the host during one call of one of its functions: the imports of the contract, opened as far as
//! the configuration allows, and written down.

mod body;
mod exchange;

use std::sync::Arc;

use async_trait::async_trait;
use hookswitch_call::{
    Millis,
    number::{Kind, Number, Numbering, Region},
};
use hookswitch_journal::{CallRef, RunId, View, storage as stored};
use hookswitch_runtime::{
    Job, Limits, Services,
    contract::{self, Content, Fields, http, logging, storage},
};
use jiff::{Timestamp, fmt::strtime, tz::TimeZone};

use crate::{
    clock,
    desk::{Desk, Visit},
};

/// One visit's view of the host.
pub(crate) struct Session {
    desk: Arc<Desk>,
    call: Option<CallRef>,
    run: RunId,
    /// Requests sent so far.
    requests: u32,
    /// The job's clock stands still during a visit, so that a replay sees the same time.
    started: Millis,
}

impl Session {
    pub(crate) fn new(desk: Arc<Desk>, visit: &Visit<'_>, run: RunId, started: Millis) -> Self {
        Self { desk, call: visit.call.cloned(), run, requests: 0, started }
    }

    /// The job as the runtime wants it. What is equal on every try of the same work is derived from the durable job, or
    /// from the run where there is none.
    pub(crate) fn job(self, visit: &Visit<'_>) -> Job {
        let identity = match visit.job {
            Some(job) => format!("job {} {}", job.id, job.created.0),
            None => format!("run {} {}", self.run, self.started.0),
        };
        let seed = blake3::hash(identity.as_bytes());
        Job {
            services: Box::new(self),
            limits: Limits { wall: visit.wall, ..Limits::default() },
            attempt: visit.job.map_or(1, |job| job.attempt),
            key_base: seed.to_hex().to_string(),
            seed: *seed.as_bytes(),
        }
    }

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

#[async_trait]
impl Services for Session {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        self.requests += 1;
        exchange::send(&self.desk, self.run, self.requests, request).await
    }

    async fn get(&mut self, scope: storage::Scope, key: &str) -> Result<Option<storage::Entry>, String> {
        let wanted = self.key(scope, key)?;
        let now = clock::now();
        let found = self.desk.journal.read(move |view| view.get(&wanted, now)).await.map_err(told)?;
        Ok(found.map(|entry| storage::Entry {
            key: key.to_owned(),
            value: match entry.value {
                stored::Content::Text(text) => Content::Text(text),
                stored::Content::Bytes(bytes) => Content::Bytes(bytes),
            },
            revision: entry.revision,
        }))
    }

    async fn put(
        &mut self,
        scope: storage::Scope,
        key: &str,
        value: Content,
        expected: Option<u64>,
        ttl_s: Option<u32>,
    ) -> Result<u64, String> {
        let key = self.key(scope, key)?;
        let now = clock::now();
        let value = match value {
            Content::Text(text) => stored::Content::Text(text),
            Content::Bytes(bytes) => stored::Content::Bytes(bytes),
        };
        let expires = ttl_s.map(|seconds| Millis(now.0 + u64::from(seconds) * 1000));
        let put = stored::Put { value, expected, expires };
        let kept = self.desk.journal.write(move |txn| txn.put(&key, &put, stored::Quota::default(), now)).await;
        kept.map_err(told)?.map_err(told)
    }

    async fn delete(&mut self, scope: storage::Scope, key: &str, expected: Option<u64>) -> Result<bool, String> {
        let key = self.key(scope, key)?;
        let gone = self.desk.journal.write(move |txn| txn.delete(&key, expected, clock::now())).await;
        gone.map_err(told)?.map_err(told)
    }

    async fn keys(
        &mut self,
        scope: storage::Scope,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, String> {
        let stored::Key { plugin, scope, .. } = self.key(scope, "")?;
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let question =
            move |view: &View<'_>| view.keys(&plugin, &scope, &prefix, after.as_deref(), limit, clock::now());
        self.desk.journal.read(question).await.map_err(told)
    }

    fn setting(&mut self, name: &str) -> Option<String> {
        self.desk.settings.get(name).cloned()
    }

    fn user_of(&mut self, extension: &str) -> Option<String> {
        self.desk.users().by_extension(extension).map(|user| user.id.clone())
    }

    fn extension_of(&mut self, user: &str) -> Option<String> {
        self.desk.users().extension_of(user).map(str::to_owned)
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
