//! How long to wait before the next attempt.

use std::time::Duration;

/// Exponential back-off with jitter: attempts of many hosts that lost the same PBX spread out.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The wait before the next attempt: between half of and the whole step. `random` is in 0..1.
    pub(crate) fn wait(&mut self, random: f64) -> Duration {
        let step = self.next.min(self.longest);
        self.next = (step * 2).min(self.longest);
        step.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }

    /// The longest wait: trying soon is of no use.
    pub(crate) fn wait_longest(&mut self, random: f64) -> Duration {
        self.next = self.longest;
        self.wait(random)
    }

    /// The connection stood.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_over_after_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let waits: Vec<_> = (0..4).map(|_| backoff.wait(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5]);
        backoff.reset();
        assert_eq!(backoff.wait(0.0), Duration::from_millis(500));
        assert_eq!(backoff.wait_longest(1.0), Duration::from_secs(5));
    }
}
