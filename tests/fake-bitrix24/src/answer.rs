//! What a method gives back, and the envelope around it (sheet §2.3).

use serde_json::{Value, json};

use crate::clock::{Millis, iso};

/// A method's success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: Value,
    /// Only lists have these two.
    pub(crate) total: Option<usize>,
    pub(crate) next: Option<usize>,
}

impl From<Value> for Answer {
    fn from(result: Value) -> Self {
        Self { result, total: None, next: None }
    }
}

/// A method's refusal: HTTP status, code and description. The code is empty where the real portal leaves it empty.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) description: String,
    /// When the method may be called again, for the operating limit only.
    pub(crate) reset_at: Option<Millis>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, description: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), description: description.into(), reset_at: None }
    }

    /// `ERROR_CORE`: only the description tells what is wrong.
    pub(crate) fn core(description: impl Into<String>) -> Self {
        Self::new(400, "ERROR_CORE", description)
    }

    /// An empty `error`, as CRM methods and `finish` have it.
    pub(crate) fn uncoded(description: impl Into<String>) -> Self {
        Self::new(400, "", description)
    }

    /// An argument of the wrong type.
    pub(crate) fn argument(description: impl Into<String>) -> Self {
        Self::new(400, "ERROR_ARGUMENT", description)
    }

    pub(crate) fn query_limit() -> Self {
        Self::new(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
    }

    pub(crate) fn operation_time_limit(reset_at: Millis) -> Self {
        let refusal = Self::new(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.");
        Self { reset_at: Some(reset_at), ..refusal }
    }

    pub(crate) fn no_auth() -> Self {
        Self::new(401, "NO_AUTH_FOUND", "Wrong authorization data")
    }

    pub(crate) fn invalid_credentials() -> Self {
        Self::new(403, "INVALID_CREDENTIALS", "Invalid request credentials")
    }

    /// The two members that an error consists of, here and inside a batch.
    pub(crate) fn body(&self) -> Value {
        json!({"error": self.code, "error_description": self.description})
    }
}

/// When a request was worked on, and what its method has used up.
#[derive(Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) start: Millis,
    pub(crate) finish: Millis,
    pub(crate) operating: f64,
    pub(crate) operating_reset_at: Millis,
}

impl Timing {
    /// The `time` block.
    pub(crate) fn block(&self) -> Value {
        let seconds = |at: Millis| at as f64 / 1000.0;
        let duration = seconds(self.finish - self.start);
        json!({
            "start": seconds(self.start), "finish": seconds(self.finish), "duration": duration, "processing": duration,
            "date_start": iso(self.start), "date_finish": iso(self.finish),
            "operating_reset_at": self.operating_reset_at / 1000, "operating": self.operating,
        })
    }
}

/// HTTP status and body of an outcome. Errors carry no `time` block, except that the operating limit tells with one
/// when it ends.
pub(crate) fn envelope(outcome: Result<Answer, Refusal>, timing: Timing) -> (u16, Value) {
    match outcome {
        Ok(answer) => {
            let mut body = json!({"result": answer.result});
            if let Some(next) = answer.next {
                body["next"] = json!(next);
            }
            if let Some(total) = answer.total {
                body["total"] = json!(total);
            }
            body["time"] = timing.block();
            (200, body)
        }
        Err(refusal) => {
            let mut body = refusal.body();
            if let Some(operating_reset_at) = refusal.reset_at {
                body["time"] = Timing { operating_reset_at, ..timing }.block();
            }
            (refusal.status, body)
        }
    }
}
