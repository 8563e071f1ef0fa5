//! How often a CRM may be asked: a bucket of tokens per plugin, in which the screen comes before the record.

use std::num::NonZeroU32;

use governor::{Quota, RateLimiter, clock::MonotonicClock, state::InMemoryState, state::NotKeyed};
use tokio::sync::Mutex;

use crate::desk::Lane;

/// The requests that a CRM bears.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rate {
    /// Requests per second, in the long run. Above 0; may be a fraction.
    pub(crate) per_second: f64,
    /// Requests at once after a rest; 1 at the least.
    #[serde(default = "one")]
    pub(crate) burst: NonZeroU32,
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

impl Rate {
    /// What is wrong with it.
    pub(crate) fn fault(self) -> Option<String> {
        let possible = self.per_second.is_finite() && (0.001..=1_000_000.0).contains(&self.per_second);
        (!possible).then(|| format!("`per-second` is {}; it must be between 0.001 and 1000000", self.per_second))
    }
}

/// The bucket.
pub(crate) struct Bucket {
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, MonotonicClock>>,
    /// Of the requests of the record lane only the first in the row waits at the bucket, so that one of the screen has
    /// at most one before it.
    record: Mutex<()>,
}

impl Bucket {
    /// A bucket for `rate`, full; without one nothing waits.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let quota = rate.and_then(|rate| {
            let period = std::time::Duration::from_secs_f64(1.0 / rate.per_second.clamp(0.001, 1_000_000.0));
            Some(Quota::with_period(period)?.allow_burst(rate.burst))
        });
        let limiter = quota.map(|quota| RateLimiter::direct_with_clock(quota, MonotonicClock));
        Self { limiter, record: Mutex::new(()) }
    }

    /// Waits for a token.
    pub(crate) async fn take(&self, lane: Lane) {
        let Some(limiter) = &self.limiter else { return };
        let _first = match lane {
            Lane::Screen => None,
            Lane::Record => Some(self.record.lock().await),
        };
        while let Err(early) = limiter.check() {
            tokio::time::sleep(early.wait_time_from(std::time::Instant::now())).await;
        }
    }
}
