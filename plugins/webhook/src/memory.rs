//! What is kept of calls between batches.

use hookswitch_sdk::Failure;
use hookswitch_sdk::storage::{self, Scope};

use crate::event::{Call, Told};
use crate::three_cx::Line;

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
