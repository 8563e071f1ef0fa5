//! How the cloud says no.

use fake_whisper::wire::Answer;
use serde_json::json;

/// A refusal: HTTP's status, gRPC's code and the text.
pub(crate) struct Refusal {
    status: u16,
    code: u16,
    pub(crate) text: String,
    /// Whether no client should ever be told so.
    pub(crate) is_wrong: bool,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: u16, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into(), is_wrong: false }
    }

    /// One that no client should be told.
    pub(crate) fn wrong(status: u16, code: u16, text: impl Into<String>) -> Self {
        Self { is_wrong: true, ..Self::new(status, code, text) }
    }

    /// `INVALID_ARGUMENT`.
    pub(crate) fn invalid(error: &anyhow::Error) -> Self {
        Self::wrong(400, 3, format!("{error:#}"))
    }

    /// Operations answer in one form and the other services in another one.
    pub(crate) fn answer(&self, path: &str) -> Answer {
        let Self { status, code, text, .. } = self;
        if path.starts_with("/operations/") || *status == 401 {
            return Answer::json(*status, &json!({"code": code, "message": text, "details": []}));
        }
        let error = json!({"grpcCode": code, "httpCode": status, "message": text, "httpStatus": "X", "details": []});
        Answer::json(*status, &json!({ "error": error }))
    }
}
