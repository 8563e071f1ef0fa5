//! Finished recordings, fetched from where a phone system keeps them.

mod links;
mod origin;
mod pattern;
pub(crate) mod wav;

use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncWrite;

pub use self::{
    links::{Links, Pass},
    origin::{InvalidOrigin, Origin},
    pattern::{InvalidPattern, Pattern, Slot},
};

/// The longest recording that is fetched, in bytes: 2 GiB, whoever has it. A longer one is [`Unfetched::Failed`]; it is not
/// begun where its length is known before, and broken off there where it is not.
pub const LARGEST: u64 = 2 << 30;
/// Who sends nothing for so long has nothing more to send.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);
/// A recording takes no longer to fetch, however slowly it comes.
pub(crate) const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// A file whose head does not agree with its length is believed to be finished when nothing has changed it for so long: not
/// every program writes a head that agrees.
pub(crate) const UNFINISHED: Duration = Duration::from_secs(60);

/// Fetches finished recordings, also while the source that gave it is at work: what both need of the phone system, they
/// share. A link that lives shortly, or works once, is asked for anew each time.
#[async_trait]
pub trait Recordings: Send + Sync {
    /// Fetches the recording that was reported as `file` ([`Fact::Recorded`](hookswitch_call::signal::Fact)), and writes
    /// it to `to` as it comes: it is never held as a whole.
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

/// Why there is no recording. The texts are for the admin, and name no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfetched {
    /// The phone system has none under this name: not yet, or not any more. To be asked for again later.
    #[error("the phone system has no such recording, not yet or not any more: {0}")]
    Missing(String),
    /// It has one perhaps, and it could not be had this time. To be asked for again.
    #[error("the recording cannot be fetched: {0}")]
    Failed(String),
    /// The phone system does not give it to us, and will not until an admin has changed something there.
    #[error("the phone system does not give the recording out: {0}")]
    Forbidden(String),
    /// Nothing says where it can be fetched, or that it may be fetched there: the text has the line for the TOML.
    #[error("the configuration does not say how the recording is fetched: {0}")]
    NotConfigured(String),
}

impl Unfetched {
    /// It is longer than [`LARGEST`].
    pub(crate) fn too_large() -> Self {
        Self::Failed(format!("it is larger than {} MiB", LARGEST >> 20))
    }

    /// It came, and where it goes does not take it. That is no fault of the phone system: whoever gave the place has seen
    /// the error there, and must look.
    pub(crate) fn unwritten(error: std::io::Error) -> Self {
        Self::Failed(format!("it cannot be written: {error}"))
    }

    /// The same, and where it is for the admin to mend, `how`.
    pub(crate) fn if_forbidden(self, how: &str) -> Self {
        match self {
            Self::Forbidden(text) => Self::Forbidden(format!("{text}; {how}")),
            other => other,
        }
    }
}
