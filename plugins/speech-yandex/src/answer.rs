//! What an answer of the cloud means. Errors have two forms: `{"error": {"grpcCode": 5, "message": …}}` and `{"code": 16,
//! "message": …}`, with the codes of gRPC.

use hookswitch_sdk::http::{Answer, wait_ms};
use hookswitch_sdk::{Delay, Failure};
use serde_json::Value;

/// Passes a 2xx on. `what` was asked for, for words to the admin; `now_ms` is asked only where the cloud says how long to wait.
pub(crate) fn success(answer: Answer, what: &str, now_ms: &dyn Fn() -> u64) -> Result<Answer, Failure> {
    let status = answer.status;
    if (200..300).contains(&status) {
        return Ok(answer);
    }
    let said = said(&answer);
    match status {
        401 => Err(Failure::Unauthorised(format!(
            "Yandex Cloud does not know the key (credentials.key), for {what}: {said}"
        ))),
        403 => Err(Failure::Unauthorised(format!(
            "the key's service account may not do this: it needs a role for {what} in the folder (setting `folder`): {said}"
        ))),
        300..=399 => Err(Failure::NotConfigured(format!(
            "Yandex Cloud sends {what} to another address ({status}): see the settings that end in `-url`"
        ))),
        413 => Err(Failure::rejected_with(
            "too-large",
            "the recording is too large for SpeechKit: correct the setting `largest-mb`",
            said,
        )),
        408 | 409 | 425 | 429 | 500..=599 => Err(Failure::Temporary(Delay {
            after_ms: wait_ms(|name| answer.header(name), now_ms),
            reason: format!("Yandex Cloud answered {status} to {what}: {said}"),
        })),
        _ => Err(Failure::rejected_with(
            format!("http-{status}"),
            format!("Yandex Cloud refuses {what} ({status}): {said}"),
            answer.beginning(),
        )),
    }
}

/// Whether a result is not there yet: 404 and "operation data is not ready" (seen by many; the reference does not tell it from
/// an operation that is not known).
pub(crate) fn is_not_ready(answer: &Answer) -> bool {
    answer.status == 404 && answer.text.contains("not ready")
}

fn said(answer: &Answer) -> String {
    let json: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let error = json.get("error").unwrap_or(&json);
    let message = error.get("message").or(Some(error)).and_then(Value::as_str);
    message.map_or_else(|| answer.beginning(), |text| text.chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use hookswitch_sdk::http::Effect;

    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer {
            effect: Effect::Idempotent,
            status,
            headers: vec![("retry-after".into(), "7".into())],
            text: text.into(),
        }
    }

    fn came(status: u16, text: &str) -> Failure {
        success(answer(status, text), "the recognition", &|| 0).map(|_| ()).unwrap_err()
    }

    #[test]
    fn each_status_has_the_effect_that_is_right() {
        let Failure::Unauthorised(text) = came(401, r#"{"code":16,"message":"Unknown api key","details":[]}"#) else {
            panic!("the admin has to be told")
        };
        assert!(text.contains("Unknown api key"), "{text}");
        assert!(matches!(
            came(403, r#"{"error":{"grpcCode":7,"message":"Permission denied"}}"#),
            Failure::Unauthorised(_)
        ));
        assert!(matches!(came(400, r#"{"error":{"grpcCode":3,"message":"bad"}}"#), Failure::Rejected(_)));
        assert!(matches!(came(413, "<html>"), Failure::Rejected(_)));
        assert!(matches!(came(302, ""), Failure::NotConfigured(_)));
        for status in [408, 429, 500, 503, 504] {
            assert!(matches!(came(status, ""), Failure::Temporary(Delay { after_ms: Some(7_000), .. })), "{status}");
        }
    }

    #[test]
    fn a_result_that_is_not_ready_is_no_missing_operation() {
        assert!(is_not_ready(&answer(404, r#"{"error":{"grpcCode":5,"message":"operation data is not ready"}}"#)));
        assert!(!is_not_ready(&answer(404, r#"{"error":{"grpcCode":5,"message":"operation is not found"}}"#)));
    }
}
