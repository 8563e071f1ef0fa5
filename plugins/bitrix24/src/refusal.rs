//! Why the portal gave no result, and what follows from it (sheet 7).

use hookswitch_sdk::http::{Answer, Effect};
use hookswitch_sdk::{Delay, Failure};
use serde_json::Value;

use crate::value;

/// The portal's bucket drains two requests a second, so a second is the least that helps.
const LEAST_WAIT_MS: u64 = 1_000;
/// Used where the portal does not say when the operating time is reset. Its window slides over ten minutes.
const OPERATING_WAIT_MS: u64 = 60_000;

/// What is asked only where a limit was hit: the time, and how much to wait on top so that not everybody comes at once.
#[derive(Clone, Copy)]
pub(crate) struct Timing<'a> {
    pub(crate) now_ms: &'a dyn Fn() -> u64,
    pub(crate) jitter_ms: &'a dyn Fn() -> u64,
}

/// Why there is no result.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    /// The method may have done its work all the same.
    pub(crate) perhaps_done: bool,
    failure: Failure,
}

/// The reasons that somebody can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    UnknownMethod,
    UnknownCall,
    /// The call is not in the portal's statistics, where `finish` puts it.
    UnfinishedCall,
    UnknownUser,
    /// A record that is not there (any more).
    MissingRecord,
    Denied,
    /// The portal understood the method and refused its parameters.
    BadParameter,
    Other,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

impl From<Failure> for Refusal {
    /// No complete answer came.
    fn from(failure: Failure) -> Self {
        Self { reason: Reason::Other, perhaps_done: matches!(failure, Failure::InDoubt(_)), failure }
    }
}

impl Refusal {
    /// Something came that no portal says, so the method may have been carried out or not. A proxy that is overloaded
    /// (503) has not let it through.
    pub(crate) fn not_understood(answer: &Answer, reason: String, wait_ms: Option<u64>) -> Self {
        let failure = match (answer.effect, answer.status) {
            (Effect::Read | Effect::Idempotent, _) | (Effect::Once, 503) => {
                Failure::Temporary(Delay { after_ms: wait_ms, reason })
            }
            (Effect::Once, _) => Failure::InDoubt(reason),
        };
        Self { reason: Reason::Other, perhaps_done: true, failure }
    }

    /// Whether the portal has refused this for good: the method was surely not carried out.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.failure, Failure::Rejected(_))
    }

    /// Whether the portal does not offer this method to this webhook, though it takes others.
    pub(crate) fn is_not_offered(&self) -> bool {
        matches!(self.reason, Reason::UnknownMethod | Reason::Denied)
    }

    /// Reads an error, of a whole answer or of one command in a batch: `error` with its `error_description`, and the
    /// `time` that the portal gives beside. `retry_after_ms` is the header's.
    pub(crate) fn read(
        method: &str,
        status: u16,
        error: &Value,
        time: Option<&Value>,
        retry_after_ms: Option<u64>,
        timing: Timing,
    ) -> Self {
        let code = value::field(error, "error").to_ascii_uppercase();
        let description = value::field(error, "error_description");
        let wait_ms = match code.as_str() {
            "OPERATION_TIME_LIMIT" => {
                let reset_s = time.and_then(|time| time.get("operating_reset_at")).and_then(value::id);
                let wait = reset_s.map(|reset_s| reset_s.saturating_mul(1000).saturating_sub((timing.now_ms)()));
                Some(wait.or(retry_after_ms).unwrap_or(OPERATING_WAIT_MS).max(LEAST_WAIT_MS))
            }
            "QUERY_LIMIT_EXCEEDED" | "OVERLOAD_LIMIT" => {
                Some(retry_after_ms.unwrap_or_default().max(LEAST_WAIT_MS) + (timing.jitter_ms)())
            }
            _ => retry_after_ms,
        };
        let reason = Reason::of(&code, &description);
        let failure = match reason {
            // The statistics are written behind the answer to `finish` (sheet 3.4: "retry later").
            Reason::UnfinishedCall => Failure::Temporary(Delay { after_ms: wait_ms, reason: description }),
            _ => failure(method, status, &code, &description, wait_ms),
        };
        Self { reason, perhaps_done: status >= 500 && status != 503, failure }
    }
}

impl Reason {
    /// An unknown call comes with an empty code in the wild, and an unknown user with one that means anything (sheet
    /// 3.1, 3.3, 3.4): the words go before the code.
    fn of(code: &str, description: &str) -> Self {
        let description = description.to_lowercase();
        match code {
            _ if description.contains("not finished yet") || description.contains("is it finished") => {
                Self::UnfinishedCall
            }
            _ if description.contains("call is not found") => Self::UnknownCall,
            _ if description.contains("user is not found") => Self::UnknownUser,
            "ERROR_METHOD_NOT_FOUND" => Self::UnknownMethod,
            "ACCESS_DENIED" => Self::Denied,
            _ if description.contains("access denied") => Self::Denied,
            _ if description.contains("not found") => Self::MissingRecord,
            "ERROR_CORE" | "ERROR_ARGUMENT" | "INVALID_ARGUMENT" => Self::BadParameter,
            _ => Self::Other,
        }
    }
}

/// The table of sheet 7.
fn failure(method: &str, status: u16, code: &str, description: &str, wait_ms: Option<u64>) -> Failure {
    let unauthorised = |advice: &str| Failure::Unauthorised(format!("{advice} ({code}: {description})"));
    let temporary = || {
        let reason = format!("the portal answered {status} {code} to {method}: {description}");
        Failure::Temporary(Delay { after_ms: wait_ms, reason })
    };
    let rejected = |advice: &str| {
        let short = if code.is_empty() { "portal-error" } else { code };
        Failure::rejected_with(short, format!("the portal refused {method}{advice}: {description}"), description)
    };
    match code {
        "EXPIRED_TOKEN" => unauthorised("the access token has expired"),
        "NO_AUTH_FOUND" | "INVALID_TOKEN" | "INVALID_CREDENTIALS" => unauthorised(
            "the portal does not know the webhook: it has expired, was deleted or has a new secret, so enter it again",
        ),
        "INSUFFICIENT_SCOPE" => unauthorised("the webhook lacks a right: tick telephony, crm and user in the portal"),
        "USER_ACCESS_ERROR" => unauthorised("the user who made the webhook may not use the portal's REST interface"),
        "ACCESS_DENIED" => unauthorised("the portal's plan or the rights of the webhook's user do not allow this"),
        "WRONG_AUTH_TYPE" => unauthorised("the portal does not take telephony calls from this kind of webhook"),
        "PAYMENT_REQUIRED" => unauthorised("the portal's subscription has ended"),
        "PORTAL_DELETED" => unauthorised("the portal was deleted: remove this plugin or enter another webhook"),
        "OPERATION_TIME_LIMIT" | "QUERY_LIMIT_EXCEEDED" | "OVERLOAD_LIMIT" => temporary(),
        "INTERNAL_SERVER_ERROR" | "ERROR_UNEXPECTED_ANSWER" => temporary(),
        "INVALID_REQUEST" => rejected(" (is the webhook's address https?)"),
        "ERROR_METHOD_NOT_FOUND" => rejected(" (the webhook lacks a right, or the portal is too old)"),
        _ => match status {
            401 | 403 => unauthorised("the portal does not let the webhook in"),
            408 | 425 | 429 | 500.. => temporary(),
            _ => rejected(""),
        },
    }
}
