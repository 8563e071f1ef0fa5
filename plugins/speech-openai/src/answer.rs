//! What the answer of a server means (OpenAI's guide *Error codes*; servers in the house answer in the ways of their
//! frameworks).

use hookswitch_sdk::http::{Answer, wait_ms};
use hookswitch_sdk::{Delay, Failure};
use serde_json::Value;

/// A quota that is used up comes back when somebody has paid.
const UNPAID_MS: u64 = 15 * 60 * 1000;

/// The server that was asked, for words to the admin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) url: &'a str,
    /// The setting that holds its address, the one that holds its model, and the handle of its key.
    pub(crate) url_setting: &'a str,
    pub(crate) model_setting: &'a str,
    pub(crate) key: &'a str,
}

/// Passes a 2xx on; `now_ms` is asked only where the server says how long to wait.
pub(crate) fn success(answer: Answer, asked: Asked<'_>, now_ms: &dyn Fn() -> u64) -> Result<Answer, Failure> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let json: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let (said, code) = (said(&json).unwrap_or_else(|| answer.beginning()), code(&json));
    let (status, url) = (answer.status, asked.url);
    let temporary =
        |after_ms| Err(Failure::Temporary(Delay { after_ms, reason: format!("{url} answered {status}: {said}") }));
    let rejected = |text: String| {
        let code = if code.is_empty() { format!("http-{status}") } else { code.to_owned() };
        Err(Failure::rejected_with(code, text, answer.beginning()))
    };
    match status {
        300..=399 => Err(Failure::NotConfigured(format!(
            "{url} points elsewhere ({status}), which is not followed: correct the setting `{}`",
            asked.url_setting
        ))),
        401 | 403 => {
            Err(Failure::Unauthorised(format!("{url} does not accept credentials.{} ({status}): {said}", asked.key)))
        }
        404 | 405 => Err(Failure::NotConfigured(format!(
            "{url} has no such model or no such function ({status}): see the settings `{}` and `{}` ({said})",
            asked.url_setting, asked.model_setting
        ))),
        413 => rejected(format!(
            "the recording, or one side of it, is too large for {url}: [recordings] with a lower `bitrate` makes later ones \
             smaller, and `largest-mb` says which are not sent ({said})"
        )),
        429 if code == "insufficient_quota" => temporary(Some(UNPAID_MS)),
        408 | 409 | 425 | 429 | 500..=599 => temporary(wait_ms(|name| answer.header(name), now_ms)),
        _ => rejected(format!("{url} refuses the request ({status}): {said}")),
    }
}

/// `{"error": {"message": …}}`, `{"error": "…"}` or `{"detail": …}`, which is FastAPI's.
fn said(json: &Value) -> Option<String> {
    let error = json.get("error").or_else(|| json.get("detail"))?;
    let text = error.get("message").unwrap_or(error);
    let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
    Some(text.chars().take(300).collect())
}

fn code(json: &Value) -> &str {
    let error = json.get("error");
    let word = |name| error.and_then(|error| error.get(name)).and_then(Value::as_str);
    word("code").or_else(|| word("type")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hookswitch_sdk::http::Effect;

    use super::*;

    fn came(status: u16, headers: &[(&str, &str)], text: &str) -> Failure {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = Answer { effect: Effect::Idempotent, status, headers, text: text.into() };
        let asked = Asked { url: "http://ai.test", url_setting: "url", model_setting: "model", key: "key" };
        success(answer, asked, &|| 0).map(|_| ()).unwrap_err()
    }

    #[test]
    fn each_status_has_the_effect_that_is_right() {
        let wrong_key = r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error"}}"#;
        assert_eq!(
            came(401, &[], wrong_key),
            Failure::Unauthorised(
                "http://ai.test does not accept credentials.key (401): Incorrect API key provided.".into()
            )
        );
        let Failure::NotConfigured(text) =
            came(404, &[], r#"{"error":{"code":"model_not_found","message":"no whisper-9"}}"#)
        else {
            panic!("a wrong model is the admin's to mend")
        };
        assert!(text.contains("`model`") && text.contains("no whisper-9"), "{text}");
        let Failure::Rejected(problem) = came(413, &[], "<html>") else { panic!("it stays too large") };
        assert!(problem.text.contains("`bitrate`"), "{problem:?}");
        assert!(matches!(came(302, &[], ""), Failure::NotConfigured(_)));
        assert!(matches!(came(400, &[], r#"{"detail":[{"msg":"field required"}]}"#), Failure::Rejected(_)));
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(came(status, &[], ""), Failure::Temporary(Delay { after_ms: None, .. })), "{status}");
        }
    }

    #[test]
    fn a_server_says_how_long_it_is_busy() {
        let wait = |headers: &[(&str, &str)], text| match came(429, headers, text) {
            Failure::Temporary(delay) => delay.after_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(&[("retry-after", "20")], ""), Some(20_000));
        assert_eq!(wait(&[("retry-after", "1")], r#"{"error":{"code":"insufficient_quota"}}"#), Some(UNPAID_MS));
    }

    #[test]
    fn what_a_server_said_is_told_in_every_form() {
        for (text, expected) in [
            (r#"{"error":{"message":"m"}}"#, Some("m")),
            (r#"{"error":"e"}"#, Some("e")),
            (r#"{"detail":"d"}"#, Some("d")),
            ("{}", None),
        ] {
            let json: Value = serde_json::from_str(text).unwrap();
            assert_eq!(said(&json).as_deref(), expected, "{text}");
        }
    }
}
