//! What the account answers (sheet 1, "Limits").

use serde_json::{Value, json};

/// An answer before it becomes bytes.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) is_json: bool,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string(), is_json: true }
    }

    pub(crate) fn page(status: u16, text: &str) -> Self {
        let body = format!("<!DOCTYPE html><html><body>{text}</body></html>");
        Self { status, headers: Vec::new(), body, is_json: false }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(crate) fn not_found() -> Self {
        Self::json(404, &json!({"error": "RecordNotFound", "description": "Not found"}))
    }

    pub(crate) fn no_endpoint() -> Self {
        let body = json!({"error": {"title": "Invalid resource", "message": "You have requested an invalid resource"}});
        Self::json(404, &body)
    }

    pub(crate) fn unauthorised() -> Self {
        Self::json(401, &json!({"error": "Couldn't authenticate you"}))
    }

    pub(crate) fn forbidden() -> Self {
        let description = "You do not have access to this page. Please contact the account owner of this help desk.";
        Self::json(403, &json!({"error": "Forbidden", "description": description}))
    }

    pub(crate) fn too_many(seconds: u64) -> Self {
        Self::json(
            429,
            &json!({"error": "APIRateLimitExceeded", "description": "Number of allowed API requests exceeded"}),
        )
        .header("retry-after", seconds)
    }

    pub(crate) fn bad_request(description: &str) -> Self {
        Self::json(400, &json!({"error": "BadRequest", "description": description}))
    }

    /// 422 with one detail.
    pub(crate) fn invalid(field: &str, description: &str) -> Self {
        let detail = json!([{"description": description, "error": code(description)}]);
        let body =
            json!({"error": "RecordInvalid", "description": "Record validation errors", "details": {field: detail}});
        Self::json(422, &body)
    }
}

fn code(description: &str) -> &'static str {
    if description.contains("already") { "DuplicateValue" } else { "InvalidValue" }
}
