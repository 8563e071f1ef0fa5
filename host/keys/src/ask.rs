//! Asking a provider for a token: one request, one answer, and what it means for the next one.

use std::time::Duration;

use hookswitch_gate::{Error, Gate, Grant, Request};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use secrecy::SecretString;

use crate::oauth::answer::{self, Issued, Refusal, hidden};
use crate::provider::Answer;

/// Why there is no token. The texts hold no secret.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was offered is not good (any more).
    Offer(String),
    /// The client is refused.
    Client(String),
    /// The provider could not be reached, or cannot now; the offer was surely not used up.
    Later { reason: String, after: Option<Duration> },
    /// The request was sent and not answered. The offer may be used up.
    InDoubt(String),
}

impl Failure {
    pub(crate) fn into_text(self) -> String {
        match self {
            Failure::Offer(text) | Failure::Client(text) | Failure::InDoubt(text) => text,
            Failure::Later { reason, .. } => reason,
        }
    }
}

/// How answers of a provider are read.
pub(crate) struct Reading<'a> {
    pub(crate) shape: &'a Answer,
    pub(crate) grants: &'a [Grant],
    /// What must not be shown.
    pub(crate) known: Vec<SecretString>,
}

/// Sends one request and reads its answer.
pub(crate) async fn ask(gate: &Gate, request: Request, reading: &Reading<'_>) -> Result<Issued, Failure> {
    let response = gate.fetch(request).await.map_err(|error| {
        let text = hidden(&error.to_string(), &reading.known);
        match error {
            Error::InDoubt { .. } | Error::TooLarge { .. } => Failure::InDoubt(text),
            _ => Failure::Later { reason: text, after: None },
        }
    })?;
    answer::read(response.status, &response.body, reading.shape, reading.grants, &reading.known).map_err(|refusal| {
        match refusal {
            Refusal::Offer(text) => Failure::Offer(text),
            Refusal::Client(text) => Failure::Client(text),
            Refusal::Other(reason) => {
                let after = response.headers.iter().find(|(name, _)| name == "retry-after");
                Failure::Later { reason, after: after.and_then(|(_, value)| retry_after(value, Timestamp::now())) }
            }
        }
    })
}

/// Reads `Retry-After`: seconds or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-01-01T10:00:00Z".parse().unwrap();
        let read = |value| retry_after(value, now).map(|after| after.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" Thu, 01 Jan 2026 10:01:00 GMT"), Some(60));
        assert_eq!(read("Thu, 01 Jan 2026 09:00:00 GMT"), Some(0));
        assert_eq!(read("soon"), None);
    }
}
