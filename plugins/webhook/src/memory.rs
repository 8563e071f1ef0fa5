//! What is kept of calls: between batches of events, and until their recordings come.

use hookswitch_sdk::storage::{self, Scope};
use hookswitch_sdk::{Failure, Recording, job};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Call, Told};
use crate::three_cx::{Line, Post};

/// So long a call is remembered after its last event, in seconds: recordings come late.
const KEEP: u32 = 2 * 24 * 3600;

/// Calls of one batch. They are written when all of it is delivered, so that a try that failed leaves nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lines: Vec<(String, Line)>,
}

impl Lines {
    /// The line of an event's call, brought up to date with the event.
    ///
    /// # Errors
    /// What the host said.
    pub(crate) fn after(&mut self, told: &Told) -> Result<&Line, Failure> {
        let key = key(&told.what.call);
        let at = match self.lines.iter().position(|(known, _)| *known == key) {
            Some(at) => at,
            None => {
                let line = storage::load(Scope::Plugin, &key)?.unwrap_or_default();
                self.lines.push((key, line));
                self.lines.len() - 1
            }
        };
        let (_, line) = self.lines.get_mut(at).ok_or_else(|| Failure::temporary("a call is gone"))?;
        line.take(told.place, &told.what);
        Ok(line)
    }

    /// Keeps them for the next batch.
    ///
    /// # Errors
    /// What the host said.
    pub(crate) fn save(self) -> Result<(), Failure> {
        self.lines.iter().try_for_each(|(key, line)| storage::save_for(Scope::Plugin, key, line, KEEP))
    }
}

fn key(call: &Call) -> String {
    format!("line/{}/{}", call.pbx, call.chain)
}

/// Bytes of an event that are kept at most. A value of the storage has 64 KiB.
const LARGEST_EVENT: usize = 48 * 1024;

/// The end of a call that was posted: what recordings, which come later, say of their call. The host gives a recording with
/// the id of its call only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) pbx: String,
    pub(crate) chain: String,
    /// The call's id without its link, as the 3CX module writes it. Empty in other formats.
    pub(crate) id: String,
    /// What the 3CX module posts of it.
    pub(crate) fields: Vec<(String, String)>,
    /// The event; null in the format of the 3CX module, and where it is too large.
    pub(crate) event: Value,
}

impl End {
    pub(crate) fn of_event(told: &Told) -> Self {
        let (call, event) = (&told.what.call, told.json.clone());
        let event = if event.to_string().len() > LARGEST_EVENT { Value::Null } else { event };
        Self { pbx: call.pbx.clone(), chain: call.chain.clone(), event, ..Self::default() }
    }

    pub(crate) fn of_post(pbx: &str, chain: &str, id: String, post: Option<&Post>) -> Self {
        let fields = post.map(|post| post.fields.clone()).unwrap_or_default();
        Self { pbx: pbx.to_owned(), chain: chain.to_owned(), id, fields, event: Value::Null }
    }

    /// Keeps it for the call's recordings.
    ///
    /// # Errors
    /// What the host said.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        storage::save_for(Scope::Plugin, &of_chain(&self.chain), self, KEEP)
    }

    /// Finds the end of a recording's call. None: it has not been posted, or it was days ago.
    ///
    /// # Errors
    /// What the host said.
    pub(crate) fn of(file: &Recording) -> Result<Option<Self>, Failure> {
        storage::load(Scope::Plugin, &of_chain(&file.chain))
    }
}

fn of_chain(chain: &str) -> String {
    format!("end/{chain}")
}

/// What was decided when a message was made for the first time, so that it is the same message when it is sent again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Draft {
    /// Unix time in milliseconds.
    pub(crate) made_ms: u64,
    /// The end of the call was known.
    pub(crate) with_end: bool,
    /// A message with new links is another one.
    pub(crate) edition: u32,
    /// Files and the links to them.
    pub(crate) links: Vec<(String, String)>,
}

impl Draft {
    /// The one of this job, if it has sent any.
    ///
    /// # Errors
    /// What the host said.
    pub(crate) fn load() -> Result<Option<Self>, Failure> {
        storage::load(Scope::Call, &of_job())
    }

    /// Keeps it for the next try.
    ///
    /// # Errors
    /// What the host said.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        storage::save(Scope::Call, &of_job(), self)
    }
}

fn of_job() -> String {
    format!("draft/{}", job::key("draft"))
}

const POSTED: &str = "posted";

/// The files of the present call that have been posted.
///
/// # Errors
/// What the host said.
pub(crate) fn posted() -> Result<Vec<String>, Failure> {
    Ok(storage::load(Scope::Call, POSTED)?.unwrap_or_default())
}

/// Notes which files of the present call have been posted.
///
/// # Errors
/// What the host said.
pub(crate) fn save_posted(files: &[String]) -> Result<(), Failure> {
    storage::save(Scope::Call, POSTED, &files)
}
