//! How often a CRM may be asked: a bucket of tokens per plugin, in which the screen comes before the record.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::MonotonicClock,
    state::{InMemoryState, NotKeyed},
};
use hookswitch_runtime::Grace;

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

/// The range of requests per second.
const SLOWEST: f64 = 0.001;
const FASTEST: f64 = 1e6;

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

impl Rate {
    /// What is wrong with it.
    pub(crate) fn fault(self) -> Option<String> {
        let possible = (SLOWEST..=FASTEST).contains(&self.per_second);
        (!possible).then(|| format!("`per-second` is {}; it must be between {SLOWEST} and {FASTEST}", self.per_second))
    }
}

/// The bucket.
pub(crate) struct Bucket {
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, MonotonicClock>>,
    /// The time in which one token comes.
    period: Duration,
    /// Requests of the screen lane that wait; those of the record lane let them go first.
    screen: AtomicUsize,
}

/// It would take too long.
#[derive(Debug)]
pub(crate) struct TooLong;

impl Bucket {
    /// A bucket for `rate`, full; without one nothing waits.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let period =
            rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate.per_second.clamp(SLOWEST, FASTEST)));
        let quota = rate.and_then(|rate| Some(Quota::with_period(period)?.allow_burst(rate.burst)));
        let limiter = quota.map(|quota| RateLimiter::direct_with_clock(quota, MonotonicClock));
        Self { limiter, period, screen: AtomicUsize::new(0) }
    }

    /// Takes a token, and waits for it if that takes no longer than `longest`; each wait is added to `grace` before.
    ///
    /// # Errors
    ///
    /// It takes longer.
    pub(crate) async fn take(&self, lane: Lane, longest: Duration, grace: &Grace) -> Result<(), TooLong> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let _first = (lane == Lane::Screen).then(|| Waiting::new(&self.screen));
        let mut waited = Duration::ZERO;
        loop {
            let wait = if lane != Lane::Screen && self.screen.load(Ordering::Relaxed) > 0 {
                self.period
            } else {
                match limiter.check() {
                    Ok(()) => return Ok(()),
                    Err(early) => early.wait_time_from(Instant::now()),
                }
            };
            waited += wait;
            if waited > longest {
                return Err(TooLong);
            }
            grace.add(wait);
            tokio::time::sleep(wait).await;
        }
    }
}

/// Counts one that waits, as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn after_the_burst_one_goes_at_a_time_and_the_screen_goes_first() {
        let bucket = Bucket::new(Some(Rate { per_second: 50.0, burst: NonZeroU32::new(5).unwrap() }));
        let (order, grace) = (std::sync::Mutex::new(Vec::new()), Grace::default());
        for _ in 0..5 {
            bucket.take(Lane::Record, LONG, &grace).await.unwrap();
        }
        assert_eq!(grace.get(), Duration::ZERO, "the burst does not wait");
        let go = async |lane| {
            bucket.take(lane, LONG, &Grace::default()).await.unwrap();
            order.lock().unwrap().push(lane);
        };
        let record = futures::future::join_all([Lane::Record; 4].map(go));
        let screen = futures::future::join_all([Lane::Screen; 4].map(go));
        tokio::join!(record, screen);
        let order = order.into_inner().unwrap();
        let last_of_screen = order.iter().rposition(|lane| *lane == Lane::Screen).unwrap();
        assert!(last_of_screen <= 4, "{order:?}");
    }

    #[tokio::test]
    async fn what_would_wait_too_long_is_told_so_at_once() {
        let bucket = Bucket::new(Some(Rate { per_second: 0.001, burst: NonZeroU32::MIN }));
        bucket.take(Lane::Screen, LONG, &Grace::default()).await.unwrap();
        assert!(bucket.take(Lane::Record, LONG, &Grace::default()).await.is_err());
    }
}
