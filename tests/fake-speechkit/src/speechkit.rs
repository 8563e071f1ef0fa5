//! The stand-in as a test holds it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use anyhow::Result;
use fake_whisper::{
    Lesson, Lessons,
    server::{Notes, Server, Service},
    wire::{Answer, Request},
};

use crate::{
    completion::{Chat, complete},
    operation::Operation,
    recognition::{Heard, listen},
    refusal::Refusal,
    stream,
};

/// Limits: "Operation status check requests via API v3 per second".
const QUESTIONS: usize = 5;

struct Inside {
    key: String,
    folder: String,
    lessons: Lessons,
    summary: String,
    takes: u32,
    behind: u32,
    operations: Vec<Operation>,
    questions: VecDeque<Instant>,
    chats: Vec<Chat>,
}

/// A running cloud. Dropping it stops it.
pub struct SpeechKit {
    /// Its address, without a path.
    pub url: String,
    /// Whom a client must trust, as PEM.
    pub authority: String,
    server: Server<Inside>,
}

impl SpeechKit {
    /// Starts one with a folder, and with the key of a service account in it.
    ///
    /// # Errors
    ///
    /// No port, no certificate.
    pub async fn start(key: &str, folder: &str) -> Result<Self> {
        Self::with(key, folder, true).await
    }

    /// The same without TLS.
    ///
    /// # Errors
    ///
    /// No port.
    pub async fn plainly(key: &str, folder: &str) -> Result<Self> {
        Self::with(key, folder, false).await
    }

    async fn with(key: &str, folder: &str, tls: bool) -> Result<Self> {
        let inside = Inside {
            key: key.to_owned(),
            folder: folder.to_owned(),
            lessons: Lessons::default(),
            summary: "Они поговорили.".to_owned(),
            takes: 1,
            behind: 0,
            operations: Vec::new(),
            questions: VecDeque::new(),
            chats: Vec::new(),
        };
        let server = Server::start(inside, tls).await?;
        Ok(Self { url: server.url.clone(), authority: server.authority.clone(), server })
    }

    /// Teaches it the words of a sound. Languages have a region here: `ru-RU`.
    pub fn teach(&self, lesson: Lesson) {
        self.server.with(|inside| inside.lessons.add(lesson));
    }

    /// What it sums every conversation up to.
    pub fn sums_up(&self, summary: &str) {
        self.server.with(|inside| summary.clone_into(&mut inside.summary));
    }

    /// So often somebody who asks for a recognition is told to wait; and so often the result of one that is over is not
    /// there yet.
    pub fn takes(&self, questions: u32, behind: u32) {
        self.server.with(|inside| (inside.takes, inside.behind) = (questions, behind));
    }

    /// The recognitions that were begun, each of which somebody will be asked to pay for.
    pub fn heard(&self) -> Vec<Heard> {
        self.server.with(|inside| inside.operations.iter().map(|operation| operation.heard.clone()).collect())
    }

    /// What it was asked to sum up.
    pub fn chats(&self) -> Vec<Chat> {
        self.server.with(|inside| inside.chats.clone())
    }

    /// How many requests came with a wrong key, or without one.
    pub fn strangers(&self) -> usize {
        self.server.strangers()
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
    fn work(&mut self, request: &Request, notes: &mut Notes) -> Result<Answer, Refusal> {
        self.knows(request, notes)?;
        let head = &request.head;
        match (head.method.as_str(), head.path.as_str()) {
            ("POST", "/stt/v3/recognizeFileAsync") => {
                let id = format!("f8d{:017}", self.operations.len() + 1);
                let heard = listen(request, id, &self.lessons)?;
                self.operations.push(Operation { heard, left: self.takes, behind: self.behind });
                let begun = self.operations.last().map(Operation::begun).unwrap_or_default();
                Ok(Answer::json(200, &begun))
            }
            ("GET", "/stt/v3/getRecognition") => {
                let id = head.parameter("operationId").or_else(|| head.parameter("operation_id")).unwrap_or_default();
                let operation = self.operation(id)?;
                if operation.is_ready() {
                    Ok(Answer::text(200, stream::of(&operation.heard)))
                } else {
                    Err(Refusal::new(404, 5, "operation data is not ready"))
                }
            }
            ("POST", "/foundationModels/v1/completion") => {
                let (chat, answer) = complete(request, &self.folder, &self.summary)?;
                self.chats.push(chat);
                Ok(answer)
            }
            ("GET", path) => {
                let id = path.strip_prefix("/operations/").unwrap_or_default().to_owned();
                self.is_patient()?;
                Ok(Answer::json(200, &self.operation(&id)?.asked()))
            }
            (method, path) => Err(Refusal::wrong(404, 12, format!("no {method} {path}"))),
        }
    }

    fn knows(&self, request: &Request, notes: &mut Notes) -> Result<(), Refusal> {
        let header = |name: &str| request.head.header(name).ok().flatten();
        if header("authorization") != Some(&format!("Api-Key {}", self.key)) {
            notes.strangers += 1;
            return Err(Refusal::new(401, 16, "Unknown api key"));
        }
        match header("x-folder-id") {
            Some(folder) if folder != self.folder => Err(Refusal::new(403, 7, "Permission denied")),
            _ => Ok(()),
        }
    }

    fn is_patient(&mut self) -> Result<(), Refusal> {
        let now = Instant::now();
        self.questions.retain(|asked| now.duration_since(*asked) < Duration::from_secs(1));
        self.questions.push_back(now);
        if self.questions.len() > QUESTIONS {
            return Err(Refusal::wrong(429, 8, "ai.speechkit.operations.rate: quota exceeded"));
        }
        Ok(())
    }

    fn operation(&mut self, id: &str) -> Result<&mut Operation, Refusal> {
        let mut operations = self.operations.iter_mut();
        let found = operations.find(|operation| operation.heard.operation == id);
        found.ok_or_else(|| Refusal::new(404, 5, format!("Operation {id} not found")))
    }
}

impl Service for Inside {
    fn answer(&mut self, request: &Request, notes: &mut Notes) -> Answer {
        self.work(request, notes).unwrap_or_else(|refusal| {
            if refusal.is_wrong {
                notes.complaints.push(refusal.text.clone());
            }
            refusal.answer(&request.head.path)
        })
    }
}
