//! Messages that come in another order than they were made, by their numbers.
//!
//! A late message is told, for it may hold what no other does; what was told of the same leg before and came after it is
//! then said again, so that the newest has the last word.

use std::collections::{BTreeMap, HashMap, VecDeque};

use hookswitch_call::signal::{Fact, Report};

/// Legs that are remembered.
const MOST_LEGS: usize = 10_000;
/// Messages of one leg that are remembered.
const MOST_MESSAGES: usize = 16;

/// What was told of legs, by the numbers of the messages.
#[derive(Debug, Default)]
pub(super) struct Order {
    legs: HashMap<String, BTreeMap<u64, Vec<Report>>>,
    /// The oldest first.
    seen: VecDeque<String>,
}

impl Order {
    /// What a message with this number is to tell now: nothing if it was told before.
    pub(super) fn put(&mut self, (leg, number): &(String, u64), reports: &[Report]) -> Vec<Report> {
        if !self.legs.contains_key(leg) {
            if self.seen.len() >= MOST_LEGS
                && let Some(oldest) = self.seen.pop_front()
            {
                self.legs.remove(&oldest);
            }
            self.seen.push_back(leg.clone());
        }
        let told = self.legs.entry(leg.clone()).or_default();
        if told.contains_key(number) {
            return Vec::new();
        }
        let later = told.range(*number..).flat_map(|(_, reports)| reports).filter(|report| is_a_state(report)).cloned();
        let all = reports.iter().cloned().chain(later).collect();
        told.insert(*number, reports.to_vec());
        if told.len() > MOST_MESSAGES {
            told.pop_first();
        }
        all
    }
}

/// Whether saying it again changes nothing but what is less new.
fn is_a_state(report: &Report) -> bool {
    let (Report::Call(signal) | Report::Past(signal)) = report else { return false };
    matches!(
        signal.fact,
        Fact::Answered { .. }
            | Fact::Held { .. }
            | Fact::Resumed { .. }
            | Fact::RingStopped { .. }
            | Fact::Left { .. }
            | Fact::Ended { .. }
    )
}
