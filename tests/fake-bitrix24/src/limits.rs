//! The two limits of sheet §7: the leaky bucket over all requests, and execution time per method.

use std::collections::{HashMap, VecDeque};

use crate::{
    answer::Refusal,
    clock::Millis,
    options::{Bucket, Operating},
};

/// The bucket's level. All requests come from one address here, so there is one bucket.
#[derive(Default)]
pub(crate) struct Level {
    level: f64,
    at: Millis,
}

impl Level {
    /// Lets a request in, or refuses it; a refused request adds nothing.
    pub(crate) fn pour(&mut self, bucket: Bucket, now: Millis) -> Result<(), Refusal> {
        let drained = (now - self.at).max(0) as f64 / 1000.0 * bucket.drain;
        self.level = (self.level - drained).max(0.0);
        self.at = now;
        if self.level + 1.0 > bucket.capacity {
            return Err(Refusal::query_limit());
        }
        self.level += 1.0;
        Ok(())
    }
}

/// When each method was carried out, within the window.
#[derive(Default)]
pub(crate) struct OperatingTimes(HashMap<String, VecDeque<Millis>>);

/// What a method has used within the window, and when the oldest part of it falls out.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) seconds: f64,
    pub(crate) reset_at: Millis,
}

impl OperatingTimes {
    pub(crate) fn used(&mut self, method: &str, limit: Operating, now: Millis) -> Used {
        let window = limit.window.as_millis() as Millis;
        let times = self.0.entry(method.to_owned()).or_default();
        while times.front().is_some_and(|at| at + window <= now) {
            times.pop_front();
        }
        let seconds = times.len() as f64 * limit.cost.as_secs_f64();
        Used { seconds, reset_at: times.front().map_or(now, |at| *at) + window }
    }

    /// Refuses a method that has used up its time, and books one that may run.
    pub(crate) fn book(&mut self, method: &str, limit: Operating, now: Millis) -> Result<(), Refusal> {
        let used = self.used(method, limit, now);
        if used.seconds >= limit.limit.as_secs_f64() {
            return Err(Refusal::operation_time_limit(used.reset_at));
        }
        self.0.entry(method.to_owned()).or_default().push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_bucket_drains_at_its_rate() {
        let bucket = Bucket { capacity: 2.0, drain: 1.0 };
        let mut level = Level::default();
        let tries: Vec<bool> =
            [0, 0, 0, 999, 1000, 1000, 3000, 3000, 3000].map(|now| level.pour(bucket, now).is_ok()).into();
        assert_eq!(tries, [true, true, false, false, true, false, true, true, false]);
    }

    #[test]
    fn a_method_is_blocked_alone_and_until_its_oldest_call_leaves_the_window() {
        let limit =
            Operating { limit: Duration::from_secs(2), window: Duration::from_secs(600), cost: Duration::from_secs(1) };
        let mut times = OperatingTimes::default();
        assert!(times.book("a", limit, 0).is_ok());
        assert!(times.book("a", limit, 5_000).is_ok());
        assert_eq!(times.book("a", limit, 6_000).unwrap_err().reset_at, Some(600_000));
        assert!(times.book("b", limit, 6_000).is_ok());
        assert!(times.book("a", limit, 600_000).is_ok());
    }
}
