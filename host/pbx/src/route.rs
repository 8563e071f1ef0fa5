//! The one question that a phone system may ask: where should this caller go?

use std::time::Duration;

use async_trait::async_trait;
use hookswitch_call::Chain;

/// Answers the question.
#[async_trait]
pub trait Router: Send + Sync {
    /// Answers within [`Question::within`]; where nothing is known or time is short, with an empty [`Route`]. Asking has
    /// no effect on anything.
    async fn route(&self, question: Question) -> Route;
}

/// A caller at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The call, where the phone system has an id for it already.
    pub call: Option<Chain>,
    /// The caller's number as the phone system spells it; none where suppressed.
    pub external: Option<String>,
    /// The public number that was called.
    pub line: String,
    /// How long an answer may take.
    pub within: Duration,
}

/// Where a caller should go. What is not said is left to the phone system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The name to show on the phones.
    pub name: Option<String>,
    /// The extension, queue or group to ring.
    pub target: Option<String>,
}
