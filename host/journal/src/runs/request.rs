//! Requests and their answers.

use hookswitch_call::Millis;
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::RunId;
use crate::{
    Error, JobId, Txn, View,
    column::{Json, Token},
};

/// Bodies up to this size, in bytes, are kept whole.
pub const WHOLE: usize = 256 << 10;

/// Of larger bodies this many bytes are kept, with the size and hash of the whole.
pub const START: usize = 4 << 10;

/// What sending a request twice would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing.
    Read,
    /// The same as sending it once.
    Idempotent,
    /// The thing would be done twice.
    Once,
}

/// The body of a request or an answer: whole if it has up to [`WHOLE`] bytes, else its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    size: u64,
    sha256: [u8; 32],
    kept: Vec<u8>,
}

impl Body {
    /// A body that is at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self::streamed(bytes.len() as u64, Sha256::digest(bytes).into(), bytes)
    }

    /// A body that went by in pieces: its size in bytes, its SHA-256, and its beginning (at least the first [`START`]
    /// bytes; all of it if it has up to [`WHOLE`]).
    pub fn streamed(size: u64, sha256: [u8; 32], beginning: &[u8]) -> Self {
        let keep = if size <= WHOLE as u64 { WHOLE } else { START };
        let kept = beginning.get(..keep).unwrap_or(beginning).to_vec();
        Self { size, sha256, kept }
    }

    /// The size of the whole body, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of the whole body.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The bytes that were kept: see [`whole`](Self::whole).
    pub fn start(&self) -> &[u8] {
        &self.kept
    }

    /// All bytes, unless there were too many to keep.
    pub fn whole(&self) -> Option<&[u8]> {
        (self.kept.len() as u64 == self.size).then_some(&self.kept)
    }
}

/// A request that is about to be made. It holds no secrets: they are masked before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The invocation that makes it.
    pub run: RunId,
    /// Its place among the requests of that invocation, from 1.
    pub ordinal: u32,
    /// When.
    pub at: Millis,
    /// What is asked for: `http`, `storage` …
    pub kind: String,
    /// What repeating it would do.
    pub effect: Effect,
    /// `GET`, `POST` …; for other kinds the function.
    pub method: String,
    /// The URL as the plugin gave it and as it may be shown; for other kinds what it is about.
    pub url: String,
    /// The idempotency key that goes with it.
    pub key: Option<String>,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Body,
    /// The rule of the configuration that allows or denies it.
    pub rule: Option<String>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When.
    pub at: Millis,
    /// What came back, as the plugin gets it.
    pub reply: Reply,
    /// How long each step took, in the words of the caller.
    pub timings: Value,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// A complete answer.
    Response {
        /// The status; 0 for kinds that have none.
        status: u16,
        /// Names and values, in order.
        headers: Vec<(String, String)>,
        /// What was received.
        body: Body,
    },
    /// No answer.
    Error {
        /// In one word, such as `in-doubt`.
        kind: String,
        /// For a person.
        text: String,
    },
}

/// A request as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What was asked.
    pub intent: Intent,
    /// What came of it; none if it is not known.
    pub answer: Option<Answer>,
}

const COLUMNS: &str = "SELECT run, ordinal, at, requests.kind, effect, method, url, key, headers, body, body_size,
    body_sha256, rule, answered, status, answer_headers, answer_body, answer_size, answer_sha256, error, error_text,
    timings FROM requests";

impl Txn<'_> {
    /// Notes that a request is about to be made. [`Journal::intend`](crate::Journal::intend) makes it as durable as its
    /// effect demands.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRun`].
    pub fn record_intent(&self, intent: &Intent) -> Result<(), Error> {
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO requests (run, ordinal, at, kind, effect, method, url, key, headers, body, body_size,
               body_sha256, rule)
             SELECT id, :ordinal, :at, :kind, :effect, :method, :url, :key, :headers, :body, :size, :sha256, :rule
             FROM runs WHERE id = :run",
        )?;
        let found = insert.execute(named_params! {
            ":run": intent.run.0,
            ":ordinal": intent.ordinal,
            ":at": intent.at.0,
            ":kind": intent.kind,
            ":effect": Token(intent.effect),
            ":method": intent.method,
            ":url": intent.url,
            ":key": intent.key,
            ":headers": Json(&intent.headers),
            ":body": intent.body.kept,
            ":size": intent.body.size,
            ":sha256": intent.body.sha256,
            ":rule": intent.rule,
        })?;
        if found == 1 { Ok(()) } else { Err(Error::UnknownRun(intent.run)) }
    }

    /// Notes what came of a request.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`].
    pub fn record_answer(&self, run: RunId, ordinal: u32, answer: &Answer) -> Result<(), Error> {
        let (response, error) = match &answer.reply {
            Reply::Response { status, headers, body } => (Some((status, headers, body)), None),
            Reply::Error { kind, text } => (None, Some((kind, text))),
        };
        let mut update = self.sql.prepare_cached(
            "UPDATE requests SET answered = :at, status = :status, answer_headers = :headers, answer_body = :body,
               answer_size = :size, answer_sha256 = :sha256, error = :error, error_text = :text, timings = :timings
             WHERE run = :run AND ordinal = :ordinal",
        )?;
        let found = update.execute(named_params! {
            ":run": run.0,
            ":ordinal": ordinal,
            ":at": answer.at.0,
            ":status": response.map(|(status, ..)| status),
            ":headers": response.map(|(_, headers, _)| Json(headers)),
            ":body": response.map(|(.., body)| &body.kept),
            ":size": response.map(|(.., body)| body.size),
            ":sha256": response.map(|(.., body)| body.sha256),
            ":error": error.map(|(kind, _)| kind),
            ":text": error.map(|(_, text)| text),
            ":timings": Json(&answer.timings),
        })?;
        if found == 1 { Ok(()) } else { Err(Error::UnknownRequest { run, ordinal }) }
    }
}

impl View<'_> {
    /// The requests of an invocation, in order.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn requests_of(&self, run: RunId) -> Result<Vec<Request>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE run = ?1 ORDER BY ordinal"))?;
        let found = find.query_map([run.0], request)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The requests of every try of a job, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn answers_of(&self, job: JobId) -> Result<Vec<Request>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE run IN (SELECT id FROM runs WHERE job = ?1) ORDER BY run, ordinal"
        ))?;
        let found = find.query_map([job.0], request)?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

fn request(row: &Row<'_>) -> rusqlite::Result<Request> {
    let Token(effect) = row.get("effect")?;
    let Json(headers) = row.get("headers")?;
    let intent = Intent {
        run: RunId(row.get("run")?),
        ordinal: row.get("ordinal")?,
        at: Millis(row.get("at")?),
        kind: row.get("kind")?,
        effect,
        method: row.get("method")?,
        url: row.get("url")?,
        key: row.get("key")?,
        headers,
        body: Body { size: row.get("body_size")?, sha256: row.get("body_sha256")?, kept: row.get("body")? },
        rule: row.get("rule")?,
    };
    let Some(at) = row.get("answered")? else { return Ok(Request { intent, answer: None }) };
    let reply = match row.get("error")? {
        Some(kind) => Reply::Error { kind, text: row.get("error_text")? },
        None => {
            let Json(headers) = row.get("answer_headers")?;
            let body = Body {
                size: row.get("answer_size")?,
                sha256: row.get("answer_sha256")?,
                kept: row.get("answer_body")?,
            };
            Reply::Response { status: row.get("status")?, headers, body }
        }
    };
    let Json(timings) = row.get("timings")?;
    Ok(Request { intent, answer: Some(Answer { at: Millis(at), reply, timings }) })
}
