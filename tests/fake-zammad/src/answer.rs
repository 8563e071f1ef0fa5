//! What Zammad answers.

use serde_json::{Value, json};

/// An answer before it becomes bytes.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, kind: "application/json; charset=utf-8", body: body.to_string() }
    }

    /// A page of the web server before it.
    pub(crate) fn page(status: u16) -> Self {
        let body = format!("<html><head><title>{status}</title></head><body>nginx</body></html>");
        Self { status, kind: "text/html", body }
    }

    pub(crate) fn unauthorised() -> Self {
        Self::json(401, &json!({"error": "Invalid token, please contact your admin!"}))
    }

    pub(crate) fn refused(error: &str) -> Self {
        Self::json(422, &json!({ "error": error }))
    }

    /// A `newCall` of a call that is there.
    pub(crate) fn known() -> Self {
        Self::json(500, &json!({"error": "Object already exists!"}))
    }

    /// Anything else that fails within Zammad: why is in its own log only.
    pub(crate) fn failed(nth: usize) -> Self {
        Self::json(500, &json!({"error": format!("Error ID Zq{nth:06}: Please contact your administrator.")}))
    }
}
