//! Requests and their answers.

use hookswitch_call::Millis;
use rusqlite::{Row, ToSql};
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

    /// A body that must be at hand again later: kept whole, whatever its size.
    pub fn whole_of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: Sha256::digest(bytes).into(), kept: bytes.to_vec() }
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
        self.insert_request(intent, None)
    }

    /// Notes a request together with what came of it, where both are known at once.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRun`].
    pub fn record_request(&self, request: &Request) -> Result<(), Error> {
        self.insert_request(&request.intent, request.answer.as_ref())
    }

    fn insert_request(&self, intent: &Intent, answer: Option<&Answer>) -> Result<(), Error> {
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO requests (run, ordinal, at, kind, effect, method, url, key, headers, body, body_size,
               body_sha256, rule, answered, status, answer_headers, answer_body, answer_size, answer_sha256, error,
               error_text, timings)
             SELECT id, :ordinal, :at, :kind, :effect, :method, :url, :key, :headers, :body, :body_size,
               :body_sha256, :rule, :answered, :status, :answer_headers, :answer_body, :answer_size, :answer_sha256,
               :error, :error_text, :timings
             FROM runs WHERE id = :run",
        )?;
        let (effect, headers, answer) = (Token(intent.effect), Json(&intent.headers), answer.map(Columns::of));
        let asked: [(&str, &dyn ToSql); 13] = [
            (":run", &intent.run.0),
            (":ordinal", &intent.ordinal),
            (":at", &intent.at.0),
            (":kind", &intent.kind),
            (":effect", &effect),
            (":method", &intent.method),
            (":url", &intent.url),
            (":key", &intent.key),
            (":headers", &headers),
            (":body", &intent.body.kept),
            (":body_size", &intent.body.size),
            (":body_sha256", &intent.body.sha256),
            (":rule", &intent.rule),
        ];
        let found = match &answer {
            // Parameters that are not given are null, those of the answer too.
            None => insert.execute(asked.as_slice())?,
            Some(answer) => insert.execute([asked.as_slice(), &answer.parameters()].concat().as_slice())?,
        };
        if found == 1 { Ok(()) } else { Err(Error::UnknownRun(intent.run)) }
    }

    /// Notes what came of a request.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`].
    pub fn record_answer(&self, run: RunId, ordinal: u32, answer: &Answer) -> Result<(), Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE requests SET answered = :answered, status = :status, answer_headers = :answer_headers,
               answer_body = :answer_body, answer_size = :answer_size, answer_sha256 = :answer_sha256, error = :error,
               error_text = :error_text, timings = :timings
             WHERE run = :run AND ordinal = :ordinal",
        )?;
        let answer = Columns::of(answer);
        let which: [(&str, &dyn ToSql); 2] = [(":run", &run.0), (":ordinal", &ordinal)];
        let found = update.execute([which.as_slice(), &answer.parameters()].concat().as_slice())?;
        if found == 1 { Ok(()) } else { Err(Error::UnknownRequest { run, ordinal }) }
    }
}

/// An answer as it stands in the columns of its request.
struct Columns<'a> {
    at: u64,
    status: Option<u16>,
    headers: Option<Json<&'a [(String, String)]>>,
    body: Option<&'a [u8]>,
    size: Option<u64>,
    sha256: Option<[u8; 32]>,
    error: Option<&'a str>,
    text: Option<&'a str>,
    timings: Json<&'a Value>,
}

impl<'a> Columns<'a> {
    fn of(answer: &'a Answer) -> Self {
        let (response, error) = match &answer.reply {
            Reply::Response { status, headers, body } => (Some((*status, headers, body)), None),
            Reply::Error { kind, text } => (None, Some((kind, text))),
        };
        Self {
            at: answer.at.0,
            status: response.map(|(status, ..)| status),
            headers: response.map(|(_, headers, _)| Json(headers.as_slice())),
            body: response.map(|(.., body)| body.kept.as_slice()),
            size: response.map(|(.., body)| body.size),
            sha256: response.map(|(.., body)| body.sha256),
            error: error.map(|(kind, _)| kind.as_str()),
            text: error.map(|(_, text)| text.as_str()),
            timings: Json(&answer.timings),
        }
    }

    fn parameters(&self) -> [(&str, &dyn ToSql); 9] {
        [
            (":answered", &self.at),
            (":status", &self.status),
            (":answer_headers", &self.headers),
            (":answer_body", &self.body),
            (":answer_size", &self.size),
            (":answer_sha256", &self.sha256),
            (":error", &self.error),
            (":error_text", &self.text),
            (":timings", &self.timings),
        ]
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
