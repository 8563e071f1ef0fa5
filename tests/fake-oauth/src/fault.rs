//! What goes wrong at the token endpoint.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::oneshot;

/// How long a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens to one request for a token.
#[derive(Debug)]
pub enum Fault {
    /// 429, nothing is done.
    TooManyRequests,
    /// 429 with `Retry-After` in seconds, nothing is done.
    RetryAfter(u64),
    /// 500, nothing is done.
    ServerError,
    /// 200 and a page for people, nothing is done.
    Page,
    /// The request is carried out, and the answer breaks off in the middle.
    CutAnswer,
    /// The request is carried out, and the connection ends without an answer.
    LostAnswer,
    /// The connection ends, nothing is done.
    LostRequest,
    /// This answer, nothing is done.
    Answer(u16, String),
    /// The request waits; see [`crate::Provider::hold`].
    Hold(Hold),
}

/// The provider's side of a request that is held.
#[derive(Debug)]
pub struct Hold {
    pub(crate) arrived: oneshot::Sender<()>,
    pub(crate) release: oneshot::Receiver<()>,
}

/// A request that will be carried out and answered only when the test says so.
pub struct Held {
    pub(crate) arrived: oneshot::Receiver<()>,
    pub(crate) release: oneshot::Sender<()>,
}

impl Held {
    /// Waits for the request. What is returned lets it go on, when it is sent to or dropped.
    pub async fn arrived(self) -> Result<oneshot::Sender<()>> {
        tokio::time::timeout(PATIENCE, self.arrived).await.context("no request for a token came")??;
        Ok(self.release)
    }
}
