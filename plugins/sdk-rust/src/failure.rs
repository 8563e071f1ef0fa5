use crate::{Delay, Failure, Problem};

impl Failure {
    /// A failure that passes by itself; the host chooses when to try again.
    pub fn temporary(reason: impl Into<String>) -> Self {
        Self::Temporary(Delay { after_ms: None, reason: reason.into() })
    }

    /// The CRM will not take this. `code` is its own or a short word, `text` one sentence for the admin.
    pub fn rejected(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Rejected(Problem { code: code.into(), text: text.into(), detail: String::new() })
    }

    /// As [`Failure::rejected`], with what the CRM said.
    pub fn rejected_with(code: impl Into<String>, text: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Rejected(Problem { code: code.into(), text: text.into(), detail: detail.into() })
    }

    pub(crate) fn not_served(function: &str) -> Self {
        Self::NotConfigured(format!("this plugin does not serve {function}"))
    }
}
