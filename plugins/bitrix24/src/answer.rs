//! What an answer of the portal means (sheet 2.3 and 7).

use hookswitch_sdk::Failure;
use hookswitch_sdk::http::{Answer, retry_after_ms};
use serde_json::Value;

use crate::value;

/// The bucket drains two requests a second, so a second is the least that helps.
const QUERY_LIMIT_WAIT_MS: u64 = 1_000;
/// Used where the portal does not say when the operating time is reset. The window slides over ten minutes.
const OPERATING_WAIT_MS: u64 = 60_000;

/// A successful answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) result: Value,
    /// Where the next page of a list begins.
    pub(crate) next: Option<u64>,
    /// How many a list has in all.
    pub(crate) total: Option<u64>,
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
    /// Something came that no portal says.
    fn not_understood(failure: Failure) -> Self {
        Self { reason: Reason::Other, perhaps_done: true, failure }
    }
}

impl Reason {
    /// An unknown call comes with an empty code in the wild, and an unknown user with one that means anything (sheet 3.1,
    /// 3.3): the words go before the code.
    fn of(code: &str, description: &str) -> Self {
        let description = description.to_lowercase();
        match code {
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

/// Reads an answer. `now_ms` and `jitter_ms` are asked only where a limit was hit.
pub(crate) fn read(
    method: &str,
    answer: &Answer,
    now_ms: impl Fn() -> u64,
    jitter_ms: impl Fn() -> u64,
) -> Result<Envelope, Refusal> {
    let retry_after = || answer.header("retry-after").and_then(|value| retry_after_ms(value, now_ms()));
    let Ok(Value::Object(mut json)) = serde_json::from_str::<Value>(answer.text.trim_start_matches('\u{feff}')) else {
        return Err(no_json(method, answer, retry_after()));
    };
    if let Some(error) = json.get("error").filter(|error| !error.is_null()) {
        let operating_reset_s = json.get("time").and_then(|time| time.get("operating_reset_at")).and_then(value::id);
        let wait = |code: &str| match code {
            "OPERATION_TIME_LIMIT" => Some(match operating_reset_s {
                Some(reset_s) => reset_s.saturating_mul(1000).saturating_sub(now_ms()).max(QUERY_LIMIT_WAIT_MS),
                None => retry_after().unwrap_or(OPERATING_WAIT_MS),
            }),
            "QUERY_LIMIT_EXCEEDED" | "OVERLOAD_LIMIT" => {
                Some(retry_after().unwrap_or_default().max(QUERY_LIMIT_WAIT_MS) + jitter_ms())
            }
            _ => retry_after(),
        };
        let description = json.get("error_description").map(value::text).unwrap_or_default();
        return Err(refusal(method, answer.status, &value::text(error), description, wait));
    }
    match json.remove("result") {
        Some(result) if (200..300).contains(&answer.status) => Ok(Envelope {
            result,
            next: json.get("next").and_then(Value::as_u64),
            total: json.get("total").and_then(Value::as_u64),
        }),
        _ => Err(Refusal::not_understood(Failure::temporary(format!(
            "the portal's answer to {method} ({}) has neither result nor error",
            answer.status
        )))),
    }
}

/// Reads one command's error inside a batch (sheet 5.4).
pub(crate) fn batch_error(method: &str, error: &Value, jitter_ms: impl Fn() -> u64) -> Refusal {
    let wait = |code: &str| match code {
        "OPERATION_TIME_LIMIT" => Some(OPERATING_WAIT_MS),
        "QUERY_LIMIT_EXCEEDED" | "OVERLOAD_LIMIT" => Some(QUERY_LIMIT_WAIT_MS + jitter_ms()),
        _ => None,
    };
    refusal(method, 200, &value::field(error, "error"), value::field(error, "error_description"), wait)
}

fn refusal(
    method: &str,
    status: u16,
    code: &str,
    description: String,
    wait_ms: impl Fn(&str) -> Option<u64>,
) -> Refusal {
    let code = code.to_ascii_uppercase();
    let failure = failure(method, status, &code, &description, wait_ms(&code));
    Refusal { reason: Reason::of(&code, &description), perhaps_done: status >= 500 && status != 503, failure }
}

/// The table of sheet 7.
fn failure(method: &str, status: u16, code: &str, description: &str, wait_ms: Option<u64>) -> Failure {
    let unauthorised = |advice: &str| Failure::Unauthorised(format!("{advice} ({code}: {description})"));
    let temporary = || {
        let reason = format!("the portal answered {status} {code} to {method}: {description}");
        wait_ms.map_or_else(|| Failure::temporary(reason.clone()), |wait| Failure::temporary_for(wait, reason.clone()))
    };
    let rejected = |advice: &str| {
        let short = if code.is_empty() { "portal-error" } else { code };
        Failure::rejected_with(short, format!("the portal refused {method}{advice}: {description}"), description)
    };
    match code {
        "EXPIRED_TOKEN" => unauthorised("the access token has expired"),
        "NO_AUTH_FOUND" | "INVALID_TOKEN" | "INVALID_CREDENTIALS" => unauthorised(
            "the portal does not know the webhook: it has expired, was deleted or got a new secret; enter its present address",
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

/// An answer that is no JSON comes from something before the portal, from a portal that is being updated, or is cut. A page
/// that asks to sign in means that the address is no webhook (any more).
fn no_json(method: &str, answer: &Answer, wait_ms: Option<u64>) -> Refusal {
    let status = answer.status;
    let page = answer.text.trim_start().starts_with('<')
        || answer.header("content-type").is_some_and(|kind| kind.contains("text/html"));
    let lower = answer.text.to_lowercase();
    let asks_to_sign_in = page && status < 400 && (lower.contains("password") || lower.contains("login"));
    if matches!(status, 401 | 403) || asks_to_sign_in {
        return Refusal::from(Failure::Unauthorised(format!(
            "the portal answered {method} with a page to sign in ({status}): check the webhook's address"
        )));
    }
    if (300..400).contains(&status) {
        return Refusal::from(Failure::Unauthorised(format!(
            "the portal sends {method} to another address ({status}): was it renamed? Enter the webhook's present address"
        )));
    }
    let what = match () {
        () if page => "a web page",
        () if answer.text.trim().is_empty() => "nothing",
        () => "half an answer, or something that is not JSON",
    };
    let reason = format!("the portal answered {method} with {what} ({status})");
    Refusal::not_understood(
        wait_ms.map_or_else(|| Failure::temporary(reason.clone()), |wait| Failure::temporary_for(wait, reason.clone())),
    )
}

#[cfg(test)]
mod tests;
