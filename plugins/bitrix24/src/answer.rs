//! What an answer of the portal means (sheet 2.3).

use hookswitch_sdk::Failure;
use hookswitch_sdk::http::{Answer, retry_after_ms};
use serde_json::Value;

use crate::refusal::{Refusal, Timing};

/// A successful answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) result: Value,
    /// Where the next page of a list begins.
    pub(crate) next: Option<u64>,
    /// How many a list has in all.
    pub(crate) total: Option<u64>,
}

/// Reads the answer to a method.
pub(crate) fn read(method: &str, answer: &Answer, timing: Timing) -> Result<Envelope, Refusal> {
    let retry_after = answer.header("retry-after").and_then(|value| retry_after_ms(value, (timing.now_ms)()));
    let mut json = match serde_json::from_str::<Value>(answer.text.trim_start_matches('\u{feff}')) {
        Ok(json) if json.is_object() => json,
        _ => return Err(no_json(method, answer, retry_after)),
    };
    if json.get("error").is_some_and(|error| !error.is_null()) {
        return Err(Refusal::read(method, answer.status, &json, json.get("time"), retry_after, timing));
    }
    match json.get_mut("result").map(Value::take) {
        Some(result) if (200..300).contains(&answer.status) => Ok(Envelope {
            result,
            next: json.get("next").and_then(Value::as_u64),
            total: json.get("total").and_then(Value::as_u64),
        }),
        _ => {
            let reason = format!("the portal's answer to {method} ({}) has neither result nor error", answer.status);
            Err(Refusal::not_understood(answer, reason, retry_after))
        }
    }
}

/// An answer that is no JSON comes from something before the portal, from a portal that is being updated, or is cut. A
/// page that asks to sign in means that the address is no webhook (any more).
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
            "the portal sends {method} to another address ({status}): was it renamed? Enter the webhook's new address"
        )));
    }
    let what = if page {
        "a web page"
    } else if answer.text.trim().is_empty() {
        "nothing"
    } else {
        "half an answer, or something that is not JSON"
    };
    let reason = format!("the portal answered {method} with {what} ({status})");
    Refusal::not_understood(answer, reason, wait_ms)
}

#[cfg(test)]
mod tests;
