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
    pub(crate) fn save(self) -> Result<(), Failure> {
        self.lines.iter().try_for_each(|(key, line)| storage::save_for(Scope::Plugin, key, line, KEEP))
    }
}

fn key(call: &Call) -> String {
    format!("line/{}/{}", call.pbx, call.chain)
}

/// Bytes of an event that are kept at most. A value of the storage has 64 KiB.
const LARGEST_EVENT: usize = 48 * 1024;

/// The end of a call that was posted: what recordings, which come later, repeat of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct End {
    /// The call's id without its link, as the 3CX module writes it. Empty in other formats.
    pub(crate) id: String,
    /// What the 3CX module posts of it.
    pub(crate) fields: Vec<(String, String)>,
    /// The event; null where nobody wants it repeated, and where it is too large.
    pub(crate) event: Value,
}

impl End {
    /// With the event itself only where it is repeated: it names the caller.
    pub(crate) fn of_event(told: &Told, repeated: bool) -> Self {
        let is_kept = repeated && told.json.to_string().len() <= LARGEST_EVENT;
        Self { event: if is_kept { told.json.clone() } else { Value::Null }, ..Self::default() }
    }

    pub(crate) fn of_post(id: String, post: Option<&Post>) -> Self {
        let fields = post.map(|post| post.fields.clone()).unwrap_or_default();
        Self { id, fields, event: Value::Null }
    }

    /// Keeps it for the call's recordings.
    pub(crate) fn save(&self, call: &Call) -> Result<(), Failure> {
        storage::save_for(Scope::Plugin, &of_end(&call.pbx, &call.chain), self, KEEP)
    }

    /// Finds the end of a recording's call. None: it has not been posted, or it was days ago.
    pub(crate) fn of(file: &Recording) -> Result<Option<Self>, Failure> {
        storage::load(Scope::Plugin, &end_of(file))
    }
}

fn end_of(file: &Recording) -> String {
    of_end(file.extra("pbx").unwrap_or_default(), &file.chain)
}

/// Two phone systems may count their calls in the same way.
fn of_end(pbx: &str, chain: &str) -> String {
    format!("end/{pbx}/{chain}")
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
    pub(crate) fn load() -> Result<Option<Self>, Failure> {
        storage::load(Scope::Call, &of_job())
    }

    pub(crate) fn save(&self) -> Result<(), Failure> {
        storage::save(Scope::Call, &of_job(), self)
    }
}

fn of_job() -> String {
    format!("draft/{}", job::key("draft"))
}

const POSTED: &str = "posted";

/// The files of the present call that have been posted.
pub(crate) fn posted() -> Result<Vec<String>, Failure> {
    Ok(storage::load(Scope::Call, POSTED)?.unwrap_or_default())
}

pub(crate) fn save_posted(files: &[String]) -> Result<(), Failure> {
    storage::save(Scope::Call, POSTED, &files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::recording;

    #[test]
    fn the_end_of_a_call_is_not_that_of_another_phone_systems_call() {
        let file = recording("r-1");
        assert_eq!(end_of(&file), of_end("office", &file.chain));
        let other = Recording { extra: vec![("pbx".into(), "warehouse".into())], ..file.clone() };
        assert_ne!(end_of(&other), end_of(&file));
    }
}
