//! Where secrets are kept that a plugin asked for itself (`keep-secret`), so that a mask means the same after a restart.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::grant::Grant;

/// The kept secrets of one plugin.
#[async_trait]
pub trait Vault: Send + Sync {
    /// Everything that is kept, the oldest first.
    fn kept(&self) -> Vec<Kept>;

    /// Keeps one more, durably when it returns; one with the same mask is replaced. Where there are too many the oldest
    /// goes.
    ///
    /// # Errors
    ///
    /// It cannot be kept; the text says why, without the secret.
    async fn keep(&self, secret: Kept) -> Result<(), String>;
}

/// A secret out of an answer.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What stands for it.
    pub mask: String,
    pub value: SecretString,
    /// Where it may go: to where it came from, and, if it is a URL, to where that leads.
    pub origins: Vec<Grant>,
}
