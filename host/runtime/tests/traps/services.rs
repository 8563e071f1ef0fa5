//! Services that trust nobody: whatever a guest passes must have been measured before it comes here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use hookswitch_runtime::{
    DocumentChange, DocumentQuery, Grace, Job, Limits, Services,
    contract::{Content, Fields, Number, Recording, documents, http, logging, storage},
};

/// What reached the services.
#[derive(Clone, Default)]
pub(crate) struct Strict {
    pub(crate) calls: Arc<AtomicUsize>,
    pub(crate) log_lines: Arc<AtomicUsize>,
    pub(crate) log_bytes: Arc<AtomicUsize>,
}

/// As large an answer as any: one megabyte.
const ANSWER: usize = 1 << 20;

impl Strict {
    pub(crate) fn job(&self) -> Job {
        self.job_within(Limits::default())
    }

    pub(crate) fn job_within(&self, limits: Limits) -> Job {
        Job {
            services: Box::new(self.clone()),
            limits,
            attempt: u32::MAX,
            key_base: "job".into(),
            seed: [7; 32],
            grace: Grace::default(),
        }
    }

    /// Notes a call whose texts have at most so many bytes each.
    fn short(&self, texts: &[(&str, usize)]) {
        self.calls.fetch_add(1, Relaxed);
        for (text, most) in texts {
            assert!(text.len() <= *most, "{} bytes reached a service; at most {most} were to", text.len());
        }
    }
}

fn bytes(fields: &Fields) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn number() -> Number {
    Number { raw: "1".into(), e164: None, region: None, search: vec!["1".into()] }
}

#[async_trait]
impl Services for Strict {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        self.short(&[(&request.method, 32), (&request.url, 16 << 10)]);
        self.short(&[(request.credential.as_deref().unwrap_or_default(), 256)]);
        assert!(request.headers.len() <= 64 && bytes(&request.headers) <= 16 << 10, "{}", request.headers.len());
        assert!(request.keep_secret.len() <= 32);
        assert_ne!(request.timeout_ms, Some(0), "no time at all is no time-out");
        tokio::task::yield_now().await;
        Ok(http::Response { status: u16::MAX, headers: Vec::new(), body: Content::Bytes(vec![0; ANSWER]) })
    }

    fn placeholder(&mut self, handle: &str, encoding: &str) -> Result<String, String> {
        self.short(&[(handle, 256), (encoding, 16)]);
        Ok("mask".into())
    }

    fn matches(&mut self, handle: &str, candidate: &str) -> bool {
        self.short(&[(handle, 256), (candidate, 4 << 10)]);
        false
    }

    async fn get(&mut self, _: storage::Scope, key: &str) -> Result<Option<storage::Entry>, String> {
        self.short(&[(key, 256)]);
        tokio::task::yield_now().await;
        Ok(Some(storage::Entry { key: key.into(), value: Content::Text("v".repeat(64 << 10)), revision: u64::MAX }))
    }

    async fn put(
        &mut self,
        _: storage::Scope,
        key: &str,
        value: Content,
        _: Option<u64>,
        _: Option<u32>,
    ) -> Result<u64, String> {
        self.short(&[(key, 256)]);
        let bytes = match &value {
            Content::Text(text) => text.len(),
            Content::Bytes(bytes) => bytes.len(),
        };
        assert!(!key.is_empty() && bytes <= 64 << 10, "{bytes}");
        Ok(u64::MAX)
    }

    async fn delete(&mut self, _: storage::Scope, key: &str, _: Option<u64>) -> Result<bool, String> {
        self.short(&[(key, 256)]);
        Ok(true)
    }

    async fn keys(
        &mut self,
        _: storage::Scope,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, String> {
        self.short(&[(prefix, 256), (after.unwrap_or_default(), 256)]);
        assert!((1..=1_000).contains(&limit), "{limit}");
        Ok(vec!["k".repeat(256); limit as usize])
    }

    async fn recordings_of_call(&mut self, chain: &str) -> Vec<Recording> {
        self.short(&[(chain, 256)]);
        Vec::new()
    }

    async fn read_recording(&mut self, id: &str, _: u64, length: u32) -> Result<Vec<u8>, String> {
        self.short(&[(id, 256)]);
        assert!(length <= 1 << 20, "{length}");
        Ok(vec![0; length as usize])
    }

    async fn sign_link(&mut self, id: &str, _: u32, _: bool) -> Result<String, String> {
        self.short(&[(id, 256)]);
        Ok("https://example.com/".into())
    }

    async fn find_documents(&mut self, query: DocumentQuery) -> Result<documents::Page, String> {
        let DocumentQuery { store, collection, filter, args, options, after } = query;
        self.short(&[(&store, 256), (&collection, 256), (&filter, 64 << 10), (&options, 64 << 10)]);
        self.short(&[(after.as_deref().unwrap_or_default(), 64 << 10)]);
        assert!(args.len() <= 100 && args.iter().all(|arg| arg.len() <= 64 << 10));
        Ok(documents::Page { documents: Vec::new(), next: None })
    }

    async fn insert_document(&mut self, store: &str, collection: &str, document: String) -> Result<String, String> {
        self.short(&[(store, 256), (collection, 256), (&document, 1 << 20)]);
        Ok(document)
    }

    async fn update_documents(&mut self, change: DocumentChange) -> Result<u64, String> {
        let DocumentChange { store, collection, filter, args, change, .. } = change;
        self.short(&[(&store, 256), (&collection, 256), (&filter, 64 << 10), (&change, 1 << 20)]);
        assert!(args.len() <= 100 && args.iter().all(|arg| arg.len() <= 64 << 10));
        Ok(u64::MAX)
    }

    fn setting(&mut self, name: &str) -> Option<String> {
        self.short(&[(name, 256)]);
        Some("s".repeat(ANSWER))
    }

    fn user_of(&mut self, extension: &str) -> Option<String> {
        self.short(&[(extension, 256)]);
        Some("7".into())
    }

    fn extension_of(&mut self, user: &str) -> Option<String> {
        self.short(&[(user, 256)]);
        None
    }

    fn parse_number(&mut self, text: &str, region: Option<&str>) -> Result<Number, String> {
        self.short(&[(text, 256), (region.unwrap_or_default(), 16)]);
        Ok(number())
    }

    fn format_number(&mut self, e164: &str, style: &str) -> String {
        self.short(&[(e164, 256), (style, 32)]);
        e164.to_owned()
    }

    fn now_ms(&mut self) -> u64 {
        u64::MAX
    }

    fn format_time(&mut self, _: u64, zone: Option<&str>, pattern: &str) -> Result<String, String> {
        self.short(&[(zone.unwrap_or_default(), 64), (pattern, 256)]);
        Ok("now".into())
    }

    fn log(&mut self, _: logging::Level, message: &str, fields: &Fields) {
        self.log_lines.fetch_add(1, Relaxed);
        self.log_bytes.fetch_add(message.len() + bytes(fields), Relaxed);
        for text in fields.iter().flat_map(|(name, value)| [name, value]).chain([&message.to_owned()]) {
            assert!(text.len() < 5 << 10, "{} bytes reached the log", text.len());
            assert!(!text.chars().any(char::is_control), "it was not escaped: {text:?}");
        }
    }
}

/// Time for a call in which nobody waits for anything.
pub(crate) const WALL: Duration = Duration::from_secs(20);
