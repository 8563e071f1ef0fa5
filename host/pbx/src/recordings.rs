//! Finished recordings, fetched from where a phone system keeps them.

use async_trait::async_trait;
use tokio::io::AsyncWrite;

/// Fetches finished recordings.
#[async_trait]
pub trait Recordings: Send + Sync {
    /// Fetches the recording that was reported as `file`, and writes it to `to` as it comes: it is never held as a whole.
    ///
    /// # Errors
    ///
    /// Why there is none. `to` may hold a part of one then.
    async fn fetch(&self, file: &str, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched>;
}

/// A recording that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// How long it is.
    pub bytes: u64,
    /// What it is, as the phone system says it: `audio/mpeg`. Empty where it does not.
    pub content_type: String,
}

/// Why there is no recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfetched {
    /// The phone system has none under this name: not yet, or not any more.
    #[error("the phone system has no such recording, not yet or not any more: {0}")]
    Missing(String),
    /// It has one perhaps, and it could not be had.
    #[error("the recording cannot be fetched: {0}")]
    Failed(String),
}
