//! When a failed job is tried again: a pure decision.

use std::time::Duration;

use hookswitch_runtime::{CallError, contract::Failure};
use serde::Deserialize;

use crate::config::Span;

/// A CRM's own wish (`Retry-After`) is honoured up to this.
const PATIENCE: Duration = Duration::from_secs(3600);
/// A plugin that crashes or runs out of its limits does so again: it gets few tries.
const CRASHES: u32 = 3;

/// `retry` of a plugin: how often and for how long a failed job is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Retry {
    /// Tries, the first one included. After the last one the job is parked.
    pub(crate) tries: u32,
    /// The wait after the first failure; each further one is twice as long.
    pub(crate) first: Span,
    /// The longest wait.
    pub(crate) longest: Span,
}

impl Default for Retry {
    /// About a day in all.
    fn default() -> Self {
        Self { tries: 100, first: Span(Duration::from_millis(500)), longest: Span(Duration::from_secs(15 * 60)) }
    }
}

/// What becomes of a job that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It runs again after a while.
    Again {
        /// How long to wait.
        after: Duration,
        /// Whether it is one try less. Waiting for credentials costs none.
        counts: bool,
    },
    /// Somebody must look at it.
    Park,
}

impl Retry {
    /// What becomes of a job that has failed for the `failures`th time (from 1) with `error`. `crashes`: if this is a
    /// crash of the plugin, how many there were, this one included.
    pub(crate) fn verdict(
        &self,
        error: &CallError,
        failures: u32,
        crashes: Option<u32>,
        random: &mut fastrand::Rng,
    ) -> Verdict {
        let wait = self.wait(failures, random);
        let again = |after| if failures < self.tries { Verdict::Again { after, counts: true } } else { Verdict::Park };
        if let Some(crashes) = crashes {
            return if crashes < CRASHES { again(wait) } else { Verdict::Park };
        }
        match error {
            CallError::Failure(Failure::Temporary(delay)) => {
                again(Duration::from_millis(delay.after_ms.unwrap_or(0)).min(PATIENCE).max(wait))
            }
            // The queue as a whole waits for the credentials, see `health`.
            CallError::Failure(Failure::Unauthorised(_)) => {
                Verdict::Again { after: self.wait(1, random), counts: false }
            }
            CallError::Failure(Failure::Rejected(_) | Failure::NotConfigured(_) | Failure::Other(_))
            | CallError::NotExported { .. } => Verdict::Park,
            // In doubt, or a CRM that takes its time, or trouble of the host's own.
            _ => again(wait),
        }
    }

    /// Exponential, with half of it left to chance: full jitter would allow no wait at all.
    pub(crate) fn wait(&self, failures: u32, random: &mut fastrand::Rng) -> Duration {
        let doubled = self.first.0.saturating_mul(1 << failures.saturating_sub(1).min(30));
        doubled.min(self.longest.0).mul_f64(0.5 + random.f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use hookswitch_runtime::contract::{Delay, Problem};

    use super::*;

    fn temporary(after_ms: Option<u64>) -> CallError {
        CallError::Failure(Failure::Temporary(Delay { after_ms, reason: "busy".into() }))
    }

    fn wait(error: &CallError, failures: u32) -> Option<Duration> {
        match Retry::default().verdict(error, failures, None, &mut fastrand::Rng::with_seed(failures.into())) {
            Verdict::Again { after, .. } => Some(after),
            Verdict::Park => None,
        }
    }

    #[test]
    fn waits_grow_are_bounded_and_honour_the_crm() {
        let (policy, mut all) = (Retry::default(), Duration::ZERO);
        for failures in 1..policy.tries {
            let wait = wait(&temporary(None), failures).unwrap();
            assert!(wait >= policy.first.0 / 2 && wait <= policy.longest.0, "{failures}: {wait:?}");
            all += wait;
        }
        let hours = all.as_secs() / 3600;
        assert!((12..36).contains(&hours), "about a day, but {hours} hours");
        assert!(wait(&temporary(Some(90_000)), 1).unwrap() >= Duration::from_secs(90));
        assert!(wait(&temporary(Some(u64::MAX)), 1).unwrap() <= PATIENCE);
    }

    #[test]
    fn what_cannot_get_better_is_parked() {
        let rejected = Problem { code: "x".into(), text: "no".into(), detail: String::new() };
        assert_eq!(wait(&CallError::Failure(Failure::Rejected(rejected)), 1), None);
        assert_eq!(wait(&temporary(None), Retry::default().tries), None);
        let crash = |failures, crashes| {
            let error = CallError::Exit { code: 1 };
            Retry::default().verdict(&error, failures, Some(crashes), &mut fastrand::Rng::with_seed(1))
        };
        assert!(matches!(crash(CRASHES, CRASHES), Verdict::Park));
        // A CRM that was slow before does not make the first crash the last.
        assert!(matches!(crash(50, 1), Verdict::Again { .. }));
        let slow = CallError::Deadline { wall: Duration::from_secs(5) };
        assert!(wait(&slow, 50).is_some());
    }

    #[test]
    fn waiting_for_credentials_costs_no_try() {
        let error = CallError::Failure(Failure::Unauthorised("expired".into()));
        let verdict = Retry::default().verdict(&error, u32::MAX, None, &mut fastrand::Rng::new());
        assert!(matches!(verdict, Verdict::Again { counts: false, .. }), "{verdict:?}");
    }
}
