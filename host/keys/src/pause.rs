//! How long a provider that failed is left alone.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause of our own.
const LONGEST: Duration = Duration::from_secs(300);
/// The longest pause that a provider can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The failures in a row, and until when nothing is sent.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    failures: u32,
    until: Option<Instant>,
    reason: String,
}

impl Pause {
    /// Counts a failure. `asked` is the provider's wish, `jitter` is 0 to 1.
    pub(crate) fn failed(&mut self, reason: &str, asked: Option<Duration>, now: Instant, jitter: f64) {
        let own = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        let own = own.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + asked.map_or(own, |asked| asked.min(LONGEST_ASKED).max(own)));
        self.reason = reason.to_owned();
    }

    /// The time left, and why; `None` when there is no pause (any more).
    pub(crate) fn left(&self, now: Instant) -> Option<(Duration, &str)> {
        let left = self.until?.checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some((left, &self.reason))
    }

    pub(crate) fn end(&mut self) {
        *self = Pause::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_end_with_a_success() {
        let now = Instant::now();
        let mut pause = Pause::default();
        let mut lengths = Vec::new();
        for _ in 0..40 {
            pause.failed("busy", None, now, 1.0);
            lengths.push(pause.left(now).unwrap().0.as_secs());
        }
        assert_eq!(lengths[..5], [1, 2, 4, 8, 16]);
        assert_eq!(lengths.last(), Some(&300));
        assert!(pause.left(now + LONGEST).is_none());
        pause.end();
        assert!(pause.left(now).is_none());
        pause.failed("busy", Some(Duration::from_secs(30)), now, 0.0);
        assert_eq!(pause.left(now), Some((Duration::from_secs(30), "busy")));
        pause.failed("busy", Some(Duration::MAX), now, 0.0);
        assert_eq!(pause.left(now).unwrap().0, LONGEST_ASKED);
    }
}
