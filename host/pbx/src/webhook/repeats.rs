//! Posts that were taken in and come again, because our answer did not arrive.

use std::{
    collections::{HashSet, VecDeque},
    hash::{BuildHasher, RandomState},
};

use hookswitch_web::Request;

/// Posts that are remembered.
const MOST: usize = 65_536;

/// Remembers posts by a hash that nobody outside can compute.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    hasher: RandomState,
    seen: HashSet<u64>,
    /// The oldest first.
    order: VecDeque<u64>,
}

impl Repeats {
    /// What a post is remembered by.
    pub(super) fn key(&self, request: &Request) -> u64 {
        self.hasher.hash_one((&request.path, &request.query, &request.body))
    }

    /// Whether it was taken in before.
    pub(super) fn knows(&self, key: u64) -> bool {
        self.seen.contains(&key)
    }

    /// It was taken in.
    pub(super) fn remember(&mut self, key: u64) {
        if !self.seen.insert(key) {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}
