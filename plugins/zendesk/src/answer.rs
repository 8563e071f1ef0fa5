//! What an answer of Zendesk means (sheet 1, "Limits").

use hookswitch_sdk::http::{Answer, Effect, wait_ms};
use hookswitch_sdk::{Delay, Failure};
use serde_json::Value;

/// Why Zendesk did not do what it was asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    failure: Failure,
}

/// The reasons that somebody can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There is no such record (any more), or nobody who could be shown it.
    Missing,
    /// What was to be made has a key that another record has.
    Duplicate,
    /// The plan or the role of the key's owner does not allow it.
    Denied,
    Other,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { reason: Reason::Other, failure }
    }
}

/// Reads the answer to a request for `what`; `now_ms` is asked only where Zendesk says how long to wait.
pub(crate) fn read(what: &str, answer: &Answer, now_ms: &dyn Fn() -> u64) -> Result<Value, Refusal> {
    let json: Option<Value> = serde_json::from_str(answer.text.trim_start_matches('\u{feff}')).ok();
    match (answer.status, json) {
        (200..=299, Some(json)) => Ok(json),
        // Showing something to an agent is answered with nothing.
        (200..=299, None) if answer.text.trim().is_empty() => Ok(Value::Null),
        (200..=299, None) => Err(answer.not_understood("it is no JSON, or half of it").into()),
        (status, json) => Err(refused(what, status, &json.unwrap_or_default(), answer, now_ms)),
    }
}

fn refused(what: &str, status: u16, error: &Value, answer: &Answer, now_ms: &dyn Fn() -> u64) -> Refusal {
    let code = error.get("error").and_then(Value::as_str).unwrap_or_default();
    let said = said(error).unwrap_or_else(|| answer.beginning());
    let wait = || wait_ms(|name| answer.header(name), now_ms);
    let temporary = |after_ms| {
        let reason = format!("Zendesk answered {status} to {what}: {said}");
        Failure::Temporary(Delay { after_ms, reason })
    };
    let rejected = || {
        let code = if code.is_empty() { format!("http-{status}") } else { code.to_owned() };
        Failure::rejected_with(code, format!("Zendesk refused {what}: {said}"), answer.beginning())
    };
    let other = |failure| Refusal { reason: Reason::Other, failure };
    match status {
        401 => other(Failure::Unauthorised(format!(
            "Zendesk does not know the e-mail address or the token: enter them again ({said})"
        ))),
        403 => Refusal {
            reason: Reason::Denied,
            failure: Failure::Unauthorised(format!(
                "the owner of the token may not do this in Zendesk, or the plan does not have it: {what} ({said})"
            )),
        },
        300..=399 => other(Failure::Unauthorised(format!(
            "Zendesk sends {what} to another address ({status}): was the account renamed? See the setting `subdomain`"
        ))),
        404 if error.is_null() && !answer.text.trim().is_empty() => Refusal {
            reason: Reason::Missing,
            failure: Failure::Unauthorised(
                "there is no Zendesk account of this name: see the setting `subdomain`".to_owned(),
            ),
        },
        404 => Refusal { reason: Reason::Missing, failure: rejected() },
        // Somebody else changes the same record at this moment.
        409 => other(temporary(wait())),
        // The key went out before, with another body: that request may have been carried out.
        400 if code == "IdempotentRequestError" => other(Failure::InDoubt(format!("{what} was sent before: {said}"))),
        422 if is_duplicate(error) => Refusal { reason: Reason::Duplicate, failure: rejected() },
        408 | 425 | 429 | 503 => other(temporary(wait())),
        500.. if answer.effect == Effect::Once => {
            other(Failure::InDoubt(format!("Zendesk answered {status} to {what} and may have done it")))
        }
        500.. => other(temporary(wait())),
        _ => other(rejected()),
    }
}

/// What Zendesk says of an error: the details, which name fields, else the description.
fn said(error: &Value) -> Option<String> {
    let details: Vec<&str> = details(error).filter_map(|detail| detail.get("description")?.as_str()).collect();
    let described = ["description", "message", "error"].into_iter().find_map(|key| error.get(key)?.as_str());
    if details.is_empty() { described.map(str::to_owned) } else { Some(details.join("; ")) }
}

fn is_duplicate(error: &Value) -> bool {
    details(error).any(|detail| {
        let text = |key| detail.get(key).and_then(Value::as_str).unwrap_or_default();
        text("error") == "DuplicateValue" || text("description").contains("already")
    })
}

/// `details` is an object with a list for each field.
fn details(error: &Value) -> impl Iterator<Item = &Value> {
    error.get("details").and_then(Value::as_object).into_iter().flat_map(|fields| fields.values()).flat_map(|field| {
        match field {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        }
    })
}

#[cfg(test)]
mod tests;
