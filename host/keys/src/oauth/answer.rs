//! What a provider answers to a request for a token.

use std::time::Duration;

use hookswitch_gate::Grant;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracing::warn;
use url::Url;

use crate::path;
use crate::provider::{Answer, is_bare, is_secure};

/// Characters of a token at most: more cannot stand in a header.
const LONGEST: usize = 8 * 1024;
/// No token lives longer, whatever is said.
const LONGEST_LIFE: f64 = 10.0 * 365.0 * 86_400.0;
/// Characters of a provider's explanation that are shown.
const SHOWN: usize = 200;

/// A token, as the provider gave it.
pub(crate) struct Issued {
    pub(crate) access: SecretString,
    pub(crate) refresh: Option<SecretString>,
    pub(crate) life: Option<Duration>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) base: Option<Url>,
}

/// Why there is none. The text can be shown: it holds no secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// What was offered is not good (any more).
    Offer(String),
    /// The client is not known, its secret is wrong, or it may not do this.
    Client(String),
    /// Anything else: too many requests, a page for people, a failure over there.
    Other(String),
}

/// Reads an answer. `known` is what must not be shown.
pub(crate) fn read(
    status: u16,
    body: &[u8],
    shape: &Answer,
    grants: &[Grant],
    known: &[SecretString],
) -> Result<Issued, Refusal> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let json: Option<Value> =
        serde_json::from_slice(body).ok().filter(|json| matches!(json, Value::Object(_) | Value::Array(_)));
    let Some(json) = json else {
        return Err(Refusal::Other(format!("the provider answered {status} and no JSON; is `token.url` right?")));
    };
    if (200..300).contains(&status)
        && let Some(access) = path::text(&json, &shape.access_token).filter(|access| !access.is_empty())
    {
        if access.len() > LONGEST || !access.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Refusal::Other("the provider gave an access token that cannot stand in a header".into()));
        }
        let refresh = path::text(&json, &shape.refresh_token);
        return Ok(Issued {
            access: access.into_owned().into(),
            refresh: refresh.filter(|refresh| !refresh.is_empty()).map(|refresh| refresh.into_owned().into()),
            life: life(&json, &shape.expires_in),
            scopes: scopes(&json, &shape.scope),
            base: shape.base.as_ref().and_then(|path| base(&json, path, grants)),
        });
    }
    Err(refusal(status, &json, shape, known))
}

fn life(json: &Value, at: &str) -> Option<Duration> {
    let seconds: f64 = path::text(json, at)?.trim().parse().ok()?;
    // Nothing and less means "not told" wherever it was seen.
    (seconds >= 1.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST_LIFE)))
}

/// Scopes come joined by spaces (RFC 6749, section 3.3), by commas (Zoho), or as a list.
fn scopes(json: &Value, at: &str) -> Option<Vec<String>> {
    let split = |text: &str| {
        text.split([' ', ','])
            .filter(|scope| !scope.is_empty())
            .map(|scope| printable(scope, SHOWN))
            .collect::<Vec<_>>()
    };
    match path::find(json, at)? {
        Value::String(text) => Some(split(text)),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).flat_map(split).collect()),
        _ => None,
    }
}

/// The API's address. One that cannot be used is left out, since the token itself is good and may be the only one.
fn base(json: &Value, at: &str, grants: &[Grant]) -> Option<Url> {
    let text = path::text(json, at)?;
    let text = if text.contains("://") { text.into_owned() } else { format!("https://{text}") };
    let url = Url::parse(&text).ok().filter(|url| is_bare(url) && url.query().is_none());
    let usable = url.filter(|url| is_secure(url, grants));
    if usable.is_none() {
        let at = printable(at, SHOWN);
        warn!(at, "the provider names an API address that is not a plain https address; it is not used");
    }
    usable
}

fn refusal(status: u16, json: &Value, shape: &Answer, known: &[SecretString]) -> Refusal {
    let error = path::text(json, &shape.error).unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b' ');
    let shown =
        if (1..=64).contains(&error.len()) && error.bytes().all(plain) { hidden(&error, known) } else { String::new() };
    let mut text = format!("the provider answered {status} {shown}").trim_end().to_owned();
    if let Some(description) = path::text(json, "error_description").filter(|text| !text.is_empty()) {
        text = format!("{text} ({})", explained(&description, known));
    }
    match error.as_ref() {
        "invalid_client" | "unauthorized_client" => Refusal::Client(text),
        "invalid_grant" => Refusal::Offer(text),
        other if !other.is_empty() && shape.over.iter().any(|over| over == other) => Refusal::Offer(text),
        _ => Refusal::Other(text),
    }
}

/// An explanation from outside as it may be shown: what is known as secret, or looks like a key, is taken out; the rest
/// is cut and escaped.
pub(crate) fn explained(text: &str, known: &[SecretString]) -> String {
    let word = |word: &str| if looks_like_a_key(word) { "…".to_owned() } else { word.to_owned() };
    let words: Vec<_> = hidden(text, known).split(' ').map(word).collect();
    printable(&words.join(" "), SHOWN)
}

/// Takes known secrets out of a text.
pub(crate) fn hidden(text: &str, known: &[SecretString]) -> String {
    let secrets = known.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
}

/// Providers may repeat a token that nobody here knows yet, or one in another spelling.
fn looks_like_a_key(word: &str) -> bool {
    word.len() >= 20 && word.bytes().any(|b| b.is_ascii_digit())
}

/// Escapes and cuts a text from outside.
pub(crate) fn printable(text: &str, length: usize) -> String {
    text.chars().take(length).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
