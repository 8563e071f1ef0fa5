//! Messages that were believed, as long as they would be again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Remembers signed messages until their time has run out, so that none is believed twice. Only what was proven comes
/// in here, so strangers cannot fill it; if it is full all the same, what would run out first is forgotten.
#[derive(Debug)]
pub struct Replays {
    most: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    until: HashMap<Vec<u8>, u64>,
    order: BTreeSet<(u64, Vec<u8>)>,
}

impl Replays {
    /// A memory for `most` messages, each of some 150 bytes.
    pub fn new(most: usize) -> Replays {
        Replays { most: most.max(1), seen: Mutex::default() }
    }

    /// Remembers a message; false if it is remembered already.
    pub(super) fn remember(&self, digest: &[u8], until: u64, now: u64) -> bool {
        let mut seen = self.seen();
        while seen.order.first().is_some_and(|(until, _)| *until < now) {
            seen.forget_first();
        }
        if seen.until.contains_key(digest) {
            return false;
        }
        if seen.until.len() >= self.most {
            seen.forget_first();
        }
        seen.until.insert(digest.to_vec(), until);
        seen.order.insert((until, digest.to_vec()));
        true
    }

    pub(super) fn forget(&self, digest: &[u8]) {
        let mut seen = self.seen();
        if let Some(until) = seen.until.remove(digest) {
            seen.order.remove(&(until, digest.to_vec()));
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn forget_first(&mut self) {
        if let Some((_, digest)) = self.order.pop_first() {
            self.until.remove(&digest);
        }
    }
}

impl Default for Replays {
    /// 65 536 messages: with the usual window of 5 minutes, 100 a second.
    fn default() -> Replays {
        Replays::new(65_536)
    }
}
