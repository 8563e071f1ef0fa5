//! Log lines that strangers can cause, and so could flood the log with.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Gives leave for one line per second.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    silent: u64,
}

impl Seldom {
    /// Leave for a line, with the number of those that had none since the last.
    pub(crate) fn leave(&self) -> Option<u64> {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.duration_since(last) < Duration::from_secs(1)) {
            state.silent += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.silent))
    }
}
