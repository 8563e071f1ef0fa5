//! The stand-in as a test holds it.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    Chat, Heard, Lesson, Lessons,
    completion::complete,
    server::{Notes, Server, Service},
    transcription::{Refused, error, transcribe},
    wire::{Answer, Request},
};

/// For recordings and for summaries.
const MODELS: [&str; 2] = ["whisper-1", "gpt-4o-mini"];

struct Inside {
    key: Option<String>,
    lessons: Lessons,
    summary: String,
    heard: Vec<Heard>,
    chats: Vec<Chat>,
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
            lessons: Lessons::default(),
            summary: "They talked.".to_owned(),
            heard: Vec::new(),
            chats: Vec::new(),
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

    /// Wants another key from now on.
    pub fn wants(&self, key: &str) {
        self.server.with(|inside| inside.key = Some(key.to_owned()));
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
        self.server.strangers()
    }

    /// Waits until it has listened to so many files, and summed up so many conversations.
    ///
    /// # Errors
    ///
    /// It has not within `patience`.
    pub async fn until(&self, patience: Duration, files: usize, summaries: usize) -> Result<()> {
        let wanted = |inside: &Inside| inside.heard.len() >= files && inside.chats.len() >= summaries;
        let came = self.server.until(patience, wanted).await;
        came.with_context(|| format!("{} files were heard, {} summed up", self.heard().len(), self.chats().len()))
    }

    /// Whether everything that came was as it must be.
    ///
    /// # Errors
    ///
    /// What was not.
    pub fn verdict(&self) -> Result<()> {
        self.server.verdict()
    }
}

impl Inside {
    fn is_known(&self, request: &Request, notes: &mut Notes) -> bool {
        let given = request.head.header("authorization").ok().flatten();
        let wanted = self.key.as_ref().map(|key| format!("Bearer {key}"));
        if wanted.is_none() && given.is_some() {
            notes.complaints.push("a key for a server that has none".to_owned());
        }
        let known = wanted.is_none_or(|wanted| given == Some(&wanted));
        if !known {
            notes.strangers += 1;
        }
        known
    }
}

impl Refused {
    fn noted(self, notes: &mut Notes) -> Answer {
        notes.complaints.push(self.why);
        self.answer
    }
}

impl Service for Inside {
    fn answer(&mut self, request: &Request, notes: &mut Notes) -> Answer {
        if !self.is_known(request, notes) {
            return error(401, "invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided: sk-…");
        }
        match (request.head.method.as_str(), request.head.path.as_str()) {
            ("GET", "/v1/models") => {
                let models: Vec<_> = MODELS.iter().map(|id| json!({"id": id, "object": "model"})).collect();
                Answer::json(200, &json!({"object": "list", "data": models}))
            }
            ("POST", "/v1/audio/transcriptions") => match transcribe(request, &MODELS, &self.lessons) {
                Ok((heard, answer)) => {
                    // The real one would take it, and know who called.
                    if heard.file_name.bytes().filter(u8::is_ascii_digit).count() > 4 {
                        notes.complaints.push(format!("a file is sent as {}", heard.file_name));
                    }
                    self.heard.push(heard);
                    answer
                }
                Err(refused) => refused.noted(notes),
            },
            ("POST", "/v1/chat/completions") => match complete(request, &MODELS, &self.summary) {
                Ok((chat, answer)) => {
                    self.chats.push(chat);
                    answer
                }
                Err(refused) => refused.noted(notes),
            },
            (method, path) => {
                let why = format!("Invalid URL ({method} {path})");
                Refused { answer: error(404, "invalid_request_error", None, &why), why }.noted(notes)
            }
        }
    }
}
