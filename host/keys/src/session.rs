//! What is kept of one credential's tokens, and how long they are good.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use crate::address;

/// How long a token is believed that replaced a refused one.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// The tokens of one credential, as they are kept on disk.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Counts the tokens of this credential.
    pub(crate) generation: u64,
    #[serde(with = "secret")]
    pub(crate) access: SecretString,
    #[serde(with = "optional_secret")]
    pub(crate) refresh: Option<SecretString>,
    /// The refresh token before `refresh`, which some providers still take for a while.
    #[serde(with = "optional_secret")]
    pub(crate) previous: Option<SecretString>,
    /// When somebody signed in.
    pub(crate) since: Timestamp,
    /// When the access token came, by the wall clock.
    pub(crate) issued: Timestamp,
    /// How long it is good, counted from then.
    pub(crate) life: Option<Duration>,
    pub(crate) scopes: Vec<String>,
    #[serde(with = "address::optional")]
    pub(crate) base: Option<Url>,
    /// Whether the provider gives a new refresh token each time; unknown before the first renewal.
    pub(crate) rotates: Option<bool>,
    /// Renewals that were sent with `refresh` and of which nobody knows what became.
    pub(crate) doubts: u32,
    /// By what the client is known that the tokens were given to.
    pub(crate) client: String,
    /// When this token replaced one that the CRM had refused.
    pub(crate) refused: Option<Timestamp>,
    pub(crate) over: Option<Over>,
}

impl Session {
    /// Says whether this token replaced a refused one a moment ago. If it is refused as well, the token is not the fault.
    pub(crate) fn replaced_a_refused_one(&self) -> bool {
        let age = self.refused.map(|at| Timestamp::now().duration_since(at));
        age.is_some_and(|age| Duration::try_from(age).is_ok_and(|age| age < AFTER_REFUSAL))
    }
}

/// Why the tokens can be renewed no more.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Over {
    pub(crate) since: Timestamp,
    pub(crate) reason: String,
    /// Whether the provider found fault with the client and not with the sign-in.
    pub(crate) client: bool,
}

/// When a token is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Before it runs out, as the answer says.
    Expiry,
    /// After so long.
    Every(Duration),
    /// When it is refused.
    Refused,
}

/// How a token stands with time, on a clock that no correction of the wall clock moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    due: Option<Instant>,
    ends: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Good,
    /// Still good, but it is time for another.
    Due,
    Over,
}

impl Times {
    /// Times of a token that came `elapsed` before `now`. `jitter` is 0 to 1.
    pub(crate) fn new(plan: Plan, life: Option<Duration>, elapsed: Duration, now: Instant, jitter: f64) -> Times {
        let after = |time: Duration| now.checked_add(time.saturating_sub(elapsed));
        match plan {
            Plan::Refused => Times { due: None, ends: None },
            Plan::Every(interval) => Times { due: after(interval), ends: life.and_then(after) },
            Plan::Expiry => {
                Times { due: life.and_then(|life| after(life - margin(life, jitter))), ends: life.and_then(after) }
            }
        }
    }

    pub(crate) fn age(self, now: Instant) -> Age {
        let passed = |moment: Option<Instant>| moment.is_some_and(|moment| now >= moment);
        match (passed(self.ends), passed(self.due)) {
            (true, _) => Age::Over,
            (false, true) => Age::Due,
            (false, false) => Age::Good,
        }
    }
}

/// How long before its end a token is renewed: a minute or a twentieth of its life, whichever is more, and up to a
/// quarter more, so that many do not come at once. Of a short life it is never more than half.
fn margin(life: Duration, jitter: f64) -> Duration {
    let margin = (life / 20).max(Duration::from_secs(60));
    (margin + margin.mul_f64(0.25 * jitter.clamp(0.0, 1.0))).min(life / 2)
}

/// Secrets as text, only ever written into what is sealed.
mod secret {
    use secrecy::{ExposeSecret, SecretString};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &SecretString, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose_secret())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
        SecretString::deserialize(from)
    }
}

mod optional_secret {
    use secrecy::{ExposeSecret, SecretString};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Option<SecretString>, to: S) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(ExposeSecret::expose_secret).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
        Option::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn ages(plan: Plan, life: Option<Duration>, at: &[u64]) -> Vec<Age> {
        let now = Instant::now();
        let times = Times::new(plan, life, Duration::ZERO, now, 0.0);
        at.iter().map(|&seconds| times.age(now + Duration::from_secs(seconds))).collect()
    }

    #[test]
    fn a_token_is_renewed_a_minute_or_a_twentieth_before_its_end() {
        use Age::{Due, Good, Over};
        assert_eq!(ages(Plan::Expiry, Some(HOUR), &[0, 3419, 3420, 3599, 3600]), [Good, Good, Due, Due, Over]);
        assert_eq!(ages(Plan::Expiry, Some(Duration::from_secs(600)), &[539, 540, 600]), [Good, Due, Over]);
        // A short life still has a first half.
        assert_eq!(ages(Plan::Expiry, Some(Duration::from_secs(20)), &[9, 10, 20]), [Good, Due, Over]);
        assert_eq!(ages(Plan::Expiry, None, &[0, 1 << 32]), [Good, Good]);
        assert_eq!(ages(Plan::Refused, Some(HOUR), &[0, 4000]), [Good, Good]);
        assert_eq!(ages(Plan::Every(HOUR), None, &[3599, 3600, 1 << 32]), [Good, Due, Due]);
        assert_eq!(ages(Plan::Every(HOUR), Some(HOUR * 2), &[3600, 7200]), [Due, Over]);
    }

    #[test]
    fn jitter_renews_earlier_and_never_later() {
        assert_eq!(margin(HOUR, 0.0), Duration::from_secs(180));
        assert_eq!(margin(HOUR, 1.0), Duration::from_secs(225));
        assert_eq!(margin(HOUR, 7.0), Duration::from_secs(225));
    }

    #[test]
    fn time_that_passed_before_a_restart_counts() {
        let now = Instant::now();
        let age = |elapsed| Times::new(Plan::Expiry, Some(HOUR), elapsed, now, 0.0).age(now);
        assert_eq!(age(Duration::from_secs(3000)), Age::Good);
        assert_eq!(age(Duration::from_secs(3500)), Age::Due);
        assert_eq!(age(HOUR * 1000), Age::Over);
    }
}
