//! How a CRM says that a token is not good (any more).

use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;

use crate::path;

/// Answers that are longer are not read as JSON to find an error in them: errors are short.
const LONGEST: usize = 64 * 1024;

/// By what an answer is known as a token error. It is enough that one of the signs is there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TokenError {
    /// Status 401. `false` for a CRM that answers 401 for other reasons too and says in the body which.
    pub status_401: bool,
    /// A text anywhere in the body of an answer whose status is not 200.
    pub text: Option<String>,
    /// The text counts in answers with status 200 too. Choose one that no contact's name can hold: a request whose
    /// answer holds it is made again.
    pub text_in_200: bool,
    /// A value in a JSON body, whatever the status.
    pub field: Option<Field>,
}

/// A place in a JSON body and the value there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Field {
    /// Names and numbers with dots between: `error.code`.
    pub path: String,
    /// A text, or a number as text.
    pub value: String,
}

impl Default for TokenError {
    fn default() -> TokenError {
        TokenError { status_401: true, text: None, text_in_200: false, field: None }
    }
}

impl TokenError {
    /// Says whether an answer is a token error.
    pub(crate) fn is_in(&self, status: u16, body: &[u8]) -> bool {
        let text = || {
            let text = self.text.as_deref().filter(|text| !text.is_empty() && (status != 200 || self.text_in_200));
            text.is_some_and(|text| memmem::find(body, text.as_bytes()).is_some())
        };
        let field = || {
            let field = self.field.as_ref().filter(|_| body.len() <= LONGEST)?;
            let body: Value = serde_json::from_slice(body).ok()?;
            path::text(&body, &field.path).map(|found| found == field.value)
        };
        (self.status_401 && status == 401) || text() || field() == Some(true)
    }

    pub(crate) fn is_never(&self) -> bool {
        !self.status_401 && self.text.as_deref().unwrap_or_default().is_empty() && self.field.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> TokenError {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_token_error_is_known_by_what_is_configured() {
        let usual = TokenError::default();
        assert!(usual.is_in(401, b"") && !usual.is_in(403, b"") && !usual.is_in(200, b"invalid_token"));
        let text = rule(r#"{"text": "INVALID_TOKEN"}"#);
        assert!(text.is_in(400, b"..INVALID_TOKEN..") && !text.is_in(200, b"INVALID_TOKEN") && !text.is_in(400, b"x"));
        assert!(rule(r#"{"text": "INVALID_TOKEN", "text-in-200": true}"#).is_in(200, b"INVALID_TOKEN"));
        let field = rule(r#"{"status-401": false, "field": {"path": "error.code", "value": "17"}}"#);
        assert!(field.is_in(200, br#"{"error": {"code": 17}}"#) && field.is_in(401, br#"{"error": {"code": "17"}}"#));
        assert!(!field.is_in(401, br#"{"error": {"code": 18}}"#) && !field.is_in(401, b"<html>17"));
        assert!(rule(r#"{"status-401": false, "text": ""}"#).is_never());
        assert!(!rule(r#"{"text": ""}"#).is_in(500, b"anything"));
    }
}
