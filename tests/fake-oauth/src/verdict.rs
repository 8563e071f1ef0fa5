//! What went on, for a test to judge.

/// What the provider was asked, and what it gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Requests to the token endpoint, whatever became of them.
    pub token_calls: usize,
    /// Codes that were taken.
    pub exchanges: usize,
    /// Refresh tokens that were taken.
    pub refreshes: usize,
    /// Tokens that clients got for themselves.
    pub for_clients: usize,
    /// Refresh tokens that were refused.
    pub refused_refreshes: usize,
    /// Sign-ins that ended because a used refresh token was seen again.
    pub families_killed: usize,
    /// Tokens that were given, whose answer no client read to its end.
    pub lost_answers: usize,
    pub revocations: usize,
    /// Requests to the API with a good token, and with another.
    pub api_good: usize,
    pub api_refused: usize,
    /// What no client should do. It is empty after a test, unless that is what the test is about.
    pub complaints: Vec<String>,
}
