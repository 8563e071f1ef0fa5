//! What came, and whether it was as it must be.

use std::{
    collections::VecDeque,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::{form, order};

/// So far the time of a post may be off, in seconds.
const WINDOW: u64 = 5 * 60;

/// What goes wrong at one post.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// 503 with `Retry-After: 1`, and nothing is taken.
    Busy,
    /// 500, and nothing is taken.
    Broken,
    /// It is taken, and the connection ends without an answer.
    LostAnswer,
}

/// A post that was taken.
#[derive(Clone, Debug)]
pub struct Post {
    /// Its `webhook-id`.
    pub id: String,
    /// What it says.
    pub body: Value,
    /// The file that came with it.
    pub file: Option<File>,
}

/// A file that came in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub content_type: String,
    pub content: Vec<u8>,
}

pub(crate) struct Ledger {
    key: Vec<u8>,
    pub(crate) taken: Vec<Post>,
    pub(crate) repeated: usize,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) complaints: Vec<String>,
}

/// One request, taken apart.
pub(crate) struct Request {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Bytes that it took.
    pub(crate) length: usize,
}

impl Request {
    /// Reads a request from the beginning of what has come; `None` as long as it is not whole.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let size: usize =
            headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
        let body = bytes.get(end..end + size)?.to_vec();
        Some(Self { first, headers, body, length: end + size })
    }

    /// What it says, and the file that comes with it: as JSON, or as a form whose part `event` is JSON.
    fn said(&self) -> Result<(Value, Option<File>)> {
        let content_type = self.header("content-type")?;
        if content_type == "application/json" {
            return Ok((serde_json::from_slice(&self.body)?, None));
        }
        ensure!(content_type.starts_with("multipart/form-data;"), "what is {content_type}?");
        let mut parts = form::read(content_type, &self.body)?.into_iter();
        let (Some(event), Some(file), None) = (parts.next(), parts.next(), parts.next()) else {
            bail!("a form has an event and a file");
        };
        ensure!(event.name == "event" && event.file_name.is_none(), "the first part is {}", event.name);
        ensure!(event.content_type.as_deref() == Some("application/json"), "an event of {:?}", event.content_type);
        ensure!(file.name == "file", "the second part is {}", file.name);
        ensure!(!file.content.is_empty(), "an empty file");
        let file = File {
            name: file.file_name.context("a file without a name")?,
            content_type: file.content_type.context("a file without a type")?,
            content: file.content,
        };
        Ok((serde_json::from_slice(&event.content)?, Some(file)))
    }

    fn header(&self, name: &str) -> Result<&str> {
        let mut all = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = all.next().with_context(|| format!("no header {name}"))?;
        ensure!(all.next().is_none(), "the header {name} comes twice");
        Ok(value)
    }
}

impl Ledger {
    pub(crate) fn new(secret: &str) -> Result<Self> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").context("no whsec_")?)?;
        let (taken, faults, complaints) = (Vec::new(), VecDeque::new(), Vec::new());
        Ok(Self { key, taken, repeated: 0, faults, complaints })
    }

    /// The answer to a request; `None` where the connection ends without one.
    pub(crate) fn answer(&mut self, request: &Request) -> Option<String> {
        let fault = self.faults.pop_front();
        match fault {
            Some(Fault::Busy) => return Some(told(503, "retry-after: 1\r\n")),
            Some(Fault::Broken) => return Some(told(500, "")),
            Some(Fault::LostAnswer) | None => {}
        }
        let status = match self.take(request) {
            Ok(()) => 204,
            Err(error) => {
                self.complaints.push(format!("{error:#}"));
                400
            }
        };
        if fault.is_some() { None } else { Some(told(status, "")) }
    }

    fn take(&mut self, request: &Request) -> Result<()> {
        ensure!(request.first == "POST /calls HTTP/1.1", "what is `{}`?", request.first);
        let (id, time) = (request.header("webhook-id")?, request.header("webhook-timestamp")?);
        ensure!(!id.is_empty() && !id.contains('.'), "the id `{id}`");
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        ensure!(time.parse::<u64>()?.abs_diff(now) <= WINDOW, "a post of another time: {time}");
        let mut signed = Hmac::<Sha256>::new_from_slice(&self.key)?;
        signed.update(format!("{id}.{time}.").as_bytes());
        signed.update(&request.body);
        let right = format!("v1,{}", STANDARD.encode(signed.finalize().into_bytes()));
        let given = request.header("webhook-signature")?;
        ensure!(given.split(' ').any(|given| given == right), "the signature of {id} is wrong");
        let (body, file) = request.said()?;
        order::check_shape(&body, file.as_ref())?;
        if let Some(known) = self.taken.iter().find(|post| post.id == id) {
            ensure!(known.body == body && known.file == file, "{id} came again with another body");
            self.repeated += 1;
            return Ok(());
        }
        self.taken.push(Post { id: id.to_owned(), body, file });
        Ok(())
    }
}

fn told(status: u16, headers: &str) -> String {
    format!("HTTP/1.1 {status} -\r\n{headers}content-length: 0\r\n\r\n")
}
