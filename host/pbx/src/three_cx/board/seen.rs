//! Calls that were seen lately, to be recognised in the call log.

use std::collections::VecDeque;

use super::Over;

/// No more than this are kept.
const MOST: usize = 5_000;

/// Calls that were seen lately and are over, the newest last.
#[derive(Debug, Default)]
pub(super) struct Seen(VecDeque<Over>);

impl Seen {
    pub(super) fn add(&mut self, call: Over) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(call);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Over> {
        self.0.iter()
    }
}
