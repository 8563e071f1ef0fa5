//! Looks into the memory of guests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
};

use crate::{
    memory::{self, Memory},
    spelling::Search,
};

/// What was seen in the memory of guests.
#[derive(Default)]
pub struct Seen {
    /// A secret, and when.
    pub secrets: BTreeSet<String>,
    /// Spellings of the decoy, by when they were seen.
    pub decoy: BTreeMap<String, BTreeSet<String>>,
}

/// Looks into the guests of our processes.
pub struct Eyes {
    pub secrets: Search,
    pub decoy: Search,
    pub processes: Mutex<Vec<u32>>,
    pub seen: Mutex<Seen>,
}

impl Eyes {
    pub fn look(&self, when: &str) {
        let mut seen = lock(&self.seen);
        for process in lock(&self.processes).iter() {
            // A command may have ended, with all it knew.
            let Ok(Memory { guests, .. }) = memory::read(*process, false) else { continue };
            for guest in &guests {
                let found = self.secrets.in_bytes(guest);
                seen.secrets.extend(found.into_iter().map(|what| format!("{what}: in a guest's memory at {when}")));
                seen.decoy.entry(when.to_owned()).or_default().extend(self.decoy.in_bytes(guest));
            }
        }
    }
}

pub fn end_of(function: &str) -> String {
    format!("the end of {function}")
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with the lock")
}
