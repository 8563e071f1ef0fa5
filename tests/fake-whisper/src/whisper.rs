//! The stand-in as a test holds it.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;

use crate::{
    Chat, Fault, Heard, Lesson, Lessons,
    completion::complete,
    server::{Server, Service},
    transcription::{Refused, error, transcribe},
    wire::{Answer, Request},
};

struct Inside {
    key: Option<String>,
    models: Vec<String>,
    lessons: Lessons,
    summary: String,
    heard: Vec<Heard>,
    chats: Vec<Chat>,
    strangers: usize,
    complaints: Vec<String>,
}

/// A running speech server. Dropping it stops it.
pub struct Whisper {
    /// Its address, without a path.
    pub url: String,
    /// Whom a client must trust, as PEM; empty where it speaks plainly.
    pub authority: String,
    server: Server<Inside>,
}

impl Whisper {
    /// Starts one as in a cloud: with TLS, and a key that every request must have.
    ///
    /// # Errors
    ///
    /// No port, no certificate.
    pub async fn start(key: &str) -> Result<Self> {
        Self::with(Some(key.to_owned()), true).await
    }

    /// Starts one as in a house: without TLS and without a key.
    ///
    /// # Errors
    ///
    /// No port.
    pub async fn in_the_house() -> Result<Self> {
        Self::with(None, false).await
    }

    async fn with(key: Option<String>, tls: bool) -> Result<Self> {
        let inside = Inside {
            key,
            models: ["whisper-1", "gpt-4o-mini"].map(str::to_owned).into(),
            lessons: Lessons::default(),
            summary: "They talked.".to_owned(),
            heard: Vec::new(),
            chats: Vec::new(),
            strangers: 0,
            complaints: Vec::new(),
        };
        let server = Server::start(inside, tls).await?;
        Ok(Self { url: server.url.clone(), authority: server.authority.clone(), server })
    }

    /// Teaches it the words of a sound.
    pub fn teach(&self, lesson: Lesson) {
        self.server.with(|inside| inside.lessons.add(lesson));
    }

    /// What it sums every conversation up to.
    pub fn sums_up(&self, summary: &str) {
        self.server.with(|inside| summary.clone_into(&mut inside.summary));
    }

    /// Which models it has, for recordings and for summaries.
    pub fn has(&self, models: &[&str]) {
        self.server.with(|inside| inside.models = models.iter().map(|model| (*model).to_owned()).collect());
    }

    /// Wants another key from now on.
    pub fn wants(&self, key: &str) {
        self.server.with(|inside| inside.key = Some(key.to_owned()));
    }

    /// What goes wrong, one after the other, at the requests behind the next `after` ones.
    pub fn trouble(&self, after: usize, faults: impl IntoIterator<Item = Fault>) {
        self.server.trouble(after, faults);
    }

    /// The files that it has listened to, each as often as somebody will be asked to pay for it.
    pub fn heard(&self) -> Vec<Heard> {
        self.server.with(|inside| inside.heard.clone())
    }

    /// What it was asked to sum up.
    pub fn chats(&self) -> Vec<Chat> {
        self.server.with(|inside| inside.chats.clone())
    }

    /// How many requests came with a wrong key, or without one.
    pub fn strangers(&self) -> usize {
        self.server.with(|inside| inside.strangers)
    }

    /// Waits until it has listened to so many files, and summed up so many conversations.
    ///
    /// # Errors
    ///
    /// It has not within `patience`.
    pub async fn until(&self, patience: Duration, files: usize, summaries: usize) -> Result<()> {
        let mut changes = self.server.changes();
        let end = tokio::time::Instant::now() + patience;
        loop {
            changes.mark_unchanged();
            let (heard, chats) = self.server.with(|inside| (inside.heard.len(), inside.chats.len()));
            if heard >= files && chats >= summaries {
                return Ok(());
            }
            if !matches!(tokio::time::timeout_at(end, changes.changed()).await, Ok(Ok(()))) {
                let complaints = self.server.with(|inside| inside.complaints.join("\n"));
                bail!("{heard} files were heard and {chats} conversations summed up: {complaints}");
            }
        }
    }

    /// Whether everything that came was as it must be.
    ///
    /// # Errors
    ///
    /// What was not.
    pub fn verdict(&self) -> Result<()> {
        let complaints = self.server.with(|inside| inside.complaints.clone());
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        Ok(())
    }
}

impl Inside {
    fn is_known(&mut self, request: &Request) -> bool {
        let given = request.head.header("authorization").ok().flatten();
        let wanted = self.key.as_ref().map(|key| format!("Bearer {key}"));
        if wanted.is_none() && given.is_some() {
            self.complaints.push("a key for a server that has none".to_owned());
        }
        let known = wanted.is_none_or(|wanted| given == Some(&wanted));
        if !known {
            self.strangers += 1;
        }
        known
    }

    fn refused(&mut self, refused: Refused) -> Answer {
        self.complaints.push(refused.why);
        refused.answer
    }
}

impl Service for Inside {
    fn answer(&mut self, request: &Request) -> Answer {
        if !self.is_known(request) {
            return error(401, "invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided: sk-…");
        }
        match (request.head.method.as_str(), request.head.path.as_str()) {
            ("GET", "/v1/models") => {
                let models: Vec<_> = self.models.iter().map(|id| json!({"id": id, "object": "model"})).collect();
                Answer::json(200, &json!({"object": "list", "data": models}))
            }
            ("POST", "/v1/audio/transcriptions") => match transcribe(request, &self.models, &self.lessons) {
                Ok((heard, answer)) => {
                    // The real one would take it, and know who called.
                    if heard.file_name.bytes().filter(u8::is_ascii_digit).count() > 4 {
                        self.complaints.push(format!("a file is sent as {}", heard.file_name));
                    }
                    self.heard.push(heard);
                    answer
                }
                Err(refused) => self.refused(refused),
            },
            ("POST", "/v1/chat/completions") => match complete(request, &self.models, &self.summary) {
                Ok((chat, answer)) => {
                    self.chats.push(chat);
                    answer
                }
                Err(refused) => self.refused(refused),
            },
            (method, path) => {
                let why = format!("Invalid URL ({method} {path})");
                self.refused(Refused { answer: error(404, "invalid_request_error", None, &why), why })
            }
        }
    }

    fn refuse(&mut self, unpaid: bool) -> Answer {
        if unpaid {
            let text = "You exceeded your current quota, please check your plan and billing details.";
            return error(429, "insufficient_quota", Some("insufficient_quota"), text);
        }
        error(429, "requests", Some("rate_limit_exceeded"), "Rate limit reached for requests")
    }

    fn complain(&mut self, of: String) {
        self.complaints.push(of);
    }
}
