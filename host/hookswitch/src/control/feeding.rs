//! What a person decides about a feed that is held.

use hookswitch_journal::{Error, Txn};
use serde::{Deserialize, Serialize};

/// A decision about the feed of one plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Feeding {
    /// What is held is to be tried again.
    Retry { plugin: String },
    /// What is held will not be delivered; with `all`, nothing that waits now.
    Skip { plugin: String, all: bool },
}

impl Feeding {
    /// Writes the decision down. Returns how many events it is about; or, for a person, why nothing was changed.
    ///
    /// # Errors
    ///
    /// Those of the journal.
    pub(crate) fn apply(&self, txn: &Txn<'_>) -> Result<Result<u64, String>, Error> {
        let (plugin, decided) = match self {
            Self::Retry { plugin } => (plugin, txn.retry_feed(plugin)?.map(|feed| feed.waiting)),
            Self::Skip { plugin, all } => (plugin, txn.skip_feed(plugin, *all)?),
        };
        let refusal = || format!("the feed of `{plugin}` is not held: see `hookswitch feed list`");
        Ok(decided.ok_or_else(refusal))
    }
}
