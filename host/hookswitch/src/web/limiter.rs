//! How often somebody may do something: so many times within a span, counted in memory.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Names that are counted at once. When there are more, those that were not heard of for long are forgotten, then all.
const MOST: usize = 50_000;

/// Counts by name.
#[derive(Default)]
pub(super) struct Limiter(Mutex<HashMap<String, VecDeque<Instant>>>);

impl Limiter {
    /// Counts one more for `name`.
    ///
    /// # Errors
    ///
    /// There were `most` within `span` already; how long to wait. Nothing is counted then.
    pub(super) fn admit(&self, name: String, most: u32, span: Duration, now: Instant) -> Result<(), Duration> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MOST && !names.contains_key(&name) {
            names.retain(|_, times| times.back().is_some_and(|last| now.duration_since(*last) < span));
            if names.len() >= MOST {
                names.clear();
            }
        }
        let times = names.entry(name).or_default();
        while times.front().is_some_and(|first| now.duration_since(*first) >= span) {
            times.pop_front();
        }
        if times.len() < most as usize {
            times.push_back(now);
            return Ok(());
        }
        Err(times.front().map_or(span, |first| span.saturating_sub(now.duration_since(*first))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_let_in_within_a_span_and_each_name_counts_for_itself() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let admit = |name: &str, seconds| limiter.admit(name.to_owned(), 2, Duration::from_secs(60), at(seconds));
        assert_eq!((admit("a", 0), admit("a", 10)), (Ok(()), Ok(())));
        assert_eq!(admit("a", 20), Err(Duration::from_secs(40)));
        assert_eq!(admit("b", 20), Ok(()));
        assert_eq!(admit("a", 60), Ok(()), "what was refused did not count");
        assert_eq!(admit("a", 61), Err(Duration::from_secs(9)));
    }
}
