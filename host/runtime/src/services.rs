//! The door from an import of the contract to the rest of the host.

use async_trait::async_trait;

use crate::contract::{Content, Fields, Number, Recording, documents, http, logging, storage};

const DENIED: &str = "not available while the plugin is only looked at";

/// What a running plugin may use. Arguments have been measured: none is longer than the contract allows.
///
/// The provided methods deny, so that an implementation opens what it means to open and nothing else. The meaning of
/// each method is the contract's (`wit/0.1.0/*.wit`). Methods are async where there is I/O behind them; their time does
/// not count as the guest's.
#[async_trait]
pub trait Services: Send + 'static {
    /// `http.send`.
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        drop(request);
        Err(http::Error::Denied(DENIED.into()))
    }

    /// `secrets.placeholder`.
    fn placeholder(&mut self, handle: &str, encoding: &str) -> Result<String, String> {
        let _ = (handle, encoding);
        Err(DENIED.into())
    }

    /// `secrets.matches`, which must take the same time whatever the candidate is.
    fn matches(&mut self, handle: &str, candidate: &str) -> bool {
        let _ = (handle, candidate);
        false
    }

    /// `storage.get`.
    async fn get(&mut self, scope: storage::Scope, key: &str) -> Result<Option<storage::Entry>, String> {
        let _ = (scope, key);
        Err(DENIED.into())
    }

    /// `storage.put`; gives the new revision.
    async fn put(
        &mut self,
        scope: storage::Scope,
        key: &str,
        value: Content,
        expected: Option<u64>,
        ttl_s: Option<u32>,
    ) -> Result<u64, String> {
        let _ = (scope, key, value, expected, ttl_s);
        Err(DENIED.into())
    }

    /// `storage.delete`.
    async fn delete(&mut self, scope: storage::Scope, key: &str, expected: Option<u64>) -> Result<bool, String> {
        let _ = (scope, key, expected);
        Err(DENIED.into())
    }

    /// `storage.keys`; `limit` is 1 to 1,000.
    async fn keys(
        &mut self,
        scope: storage::Scope,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, String> {
        let _ = (scope, prefix, after, limit);
        Err(DENIED.into())
    }

    /// `recording.of-call`.
    async fn recordings_of_call(&mut self, chain: &str) -> Vec<Recording> {
        let _ = chain;
        Vec::new()
    }

    /// `recording.read`; `length` is at most 1 MiB.
    async fn read_recording(&mut self, id: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let _ = (id, offset, length);
        Err(DENIED.into())
    }

    /// `recording.sign-link`.
    async fn sign_link(&mut self, id: &str, ttl_s: u32, once: bool) -> Result<String, String> {
        let _ = (id, ttl_s, once);
        Err(DENIED.into())
    }

    /// `documents.find`.
    async fn find_documents(&mut self, query: DocumentQuery) -> Result<documents::Page, String> {
        drop(query);
        Err(DENIED.into())
    }

    /// `documents.insert`; gives the document's id.
    async fn insert_document(&mut self, store: &str, collection: &str, document: String) -> Result<String, String> {
        let _ = (store, collection, document);
        Err(DENIED.into())
    }

    /// `documents.update`; gives the number of documents changed.
    async fn update_documents(&mut self, change: DocumentChange) -> Result<u64, String> {
        drop(change);
        Err(DENIED.into())
    }

    /// `settings.get`.
    fn setting(&mut self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// `people.user-of`.
    fn user_of(&mut self, extension: &str) -> Option<String> {
        let _ = extension;
        None
    }

    /// `people.extension-of`.
    fn extension_of(&mut self, user: &str) -> Option<String> {
        let _ = user;
        None
    }

    /// `phone.parse`.
    fn parse_number(&mut self, text: &str, region: Option<&str>) -> Result<Number, String> {
        let _ = (text, region);
        Err(DENIED.into())
    }

    /// `phone.format`.
    fn format_number(&mut self, e164: &str, style: &str) -> String {
        let _ = style;
        e164.to_owned()
    }

    /// `job.deadline-ms`: what the guest is told when `left` milliseconds are left. A replay tells it what it was told
    /// before.
    fn deadline_ms(&mut self, left: u32) -> u32 {
        left
    }

    /// `clock.now-ms`: the job's clock, Unix time in milliseconds. The clocks of WASI show it too.
    fn now_ms(&mut self) -> u64 {
        0
    }

    /// `clock.format`.
    fn format_time(&mut self, unix_ms: u64, zone: Option<&str>, pattern: &str) -> Result<String, String> {
        let _ = (unix_ms, zone, pattern);
        Err(DENIED.into())
    }

    /// `logging.log`, and at level `debug` what the guest writes to its standard output and error. Texts are cut, and
    /// their control characters escaped.
    fn log(&mut self, level: logging::Level, message: &str, fields: &Fields) {
        let _ = (level, message, fields);
    }
}

/// The arguments of `documents.find`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentQuery {
    pub store: String,
    pub collection: String,
    pub filter: String,
    pub args: Vec<String>,
    pub options: String,
    pub after: Option<String>,
}

/// The arguments of `documents.update`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentChange {
    pub store: String,
    pub collection: String,
    pub filter: String,
    pub args: Vec<String>,
    pub change: String,
    pub upsert: bool,
}

/// Denies everything: the world in which a manifest is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Denied;

impl Services for Denied {}
