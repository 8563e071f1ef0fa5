//! When a failed job is tried again: a pure decision.

use std::time::Duration;

use hookswitch_runtime::{CallError, contract::Failure};

/// The first wait; each further one is twice as long.
const BASE: Duration = Duration::from_millis(500);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// A CRM's own wish (`Retry-After`) is honoured up to this.
const PATIENCE: Duration = Duration::from_secs(3600);
/// A job older than this is parked instead of tried again.
const GIVE_UP: u64 = 24 * 3600 * 1000;
/// A plugin that crashes or runs out of its limits does so again: it gets few tries.
const CRASHES: u32 = 3;
/// While the CRM refuses the credentials there is no hurry.
const UNAUTHORISED: Duration = Duration::from_secs(60);

/// How long to wait before trying again a job that failed for the `attempt`th time (from 1), `age` milliseconds after it
/// came to be; none if it is to be parked.
pub(crate) fn next(error: &CallError, attempt: u32, age: u64, random: &mut fastrand::Rng) -> Option<Duration> {
    if age > GIVE_UP {
        return None;
    }
    let exponential = BASE.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST);
    // Full jitter would allow no wait at all; half of it is kept.
    let jittered = exponential.mul_f64(0.5 + random.f64() / 2.0);
    match error {
        CallError::Failure(Failure::Temporary(delay)) => {
            let asked = Duration::from_millis(delay.after_ms.unwrap_or(0)).min(PATIENCE);
            Some(asked.max(jittered))
        }
        CallError::Failure(Failure::Unauthorised(_)) => Some(UNAUTHORISED.max(jittered)),
        CallError::Failure(Failure::InDoubt(_)) => Some(jittered),
        CallError::Failure(Failure::Rejected(_) | Failure::NotConfigured(_) | Failure::Other(_)) => None,
        CallError::Host { .. } => Some(jittered),
        CallError::NotExported { .. } => None,
        _ if attempt < CRASHES => Some(jittered),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hookswitch_runtime::contract::{Delay, Problem};

    use super::*;

    fn temporary(after_ms: Option<u64>) -> CallError {
        CallError::Failure(Failure::Temporary(Delay { after_ms, reason: "busy".into() }))
    }

    #[test]
    fn waits_grow_are_bounded_and_honour_the_crm() {
        let mut random = fastrand::Rng::with_seed(1);
        for attempt in 1..40 {
            let wait = next(&temporary(None), attempt, 0, &mut random).unwrap();
            assert!(wait >= BASE / 2 && wait <= LONGEST, "{attempt}: {wait:?}");
        }
        assert!(next(&temporary(Some(90_000)), 1, 0, &mut random).unwrap() >= Duration::from_secs(90));
        assert!(next(&temporary(Some(u64::MAX)), 1, 0, &mut random).unwrap() <= PATIENCE);
    }

    #[test]
    fn what_cannot_get_better_is_parked() {
        let mut random = fastrand::Rng::with_seed(1);
        let rejected = Problem { code: "x".into(), text: "no".into(), detail: String::new() };
        assert_eq!(next(&CallError::Failure(Failure::Rejected(rejected)), 1, 0, &mut random), None);
        assert_eq!(next(&temporary(None), 3, GIVE_UP + 1, &mut random), None);
    }
}
