//! What a CRM knows of one call: kept per call and plugin, so that a restart goes on where it was.

use std::collections::BTreeSet;

use hookswitch_call::Millis;
use hookswitch_runtime::contract::{Contact, Reference};
use serde::{Deserialize, Serialize};

/// The state of one call in one CRM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Dossier {
    /// Who the caller is; none while the CRM has not answered, empty if it knows nobody.
    pub(crate) contacts: Option<Vec<Contact>>,
    /// Why they stand in this order, a line for each.
    pub(crate) ranking: Vec<String>,
    /// When the CRM was asked.
    pub(crate) looked: Option<Millis>,
    /// The call as the CRM registered it.
    pub(crate) begun: Option<Reference>,
    /// The ticket that was opened for the call.
    pub(crate) ticket: Option<Reference>,
    /// The journal entry.
    pub(crate) written: Option<Reference>,
    /// The users on whose screens the card is.
    pub(crate) shown: BTreeSet<String>,
}

impl Dossier {
    /// Reads what was written down. What cannot be read any more is asked for anew.
    pub(crate) fn read(kept: Option<serde_json::Value>) -> Self {
        let read = kept.map(serde_json::from_value).transpose();
        let told = read.inspect_err(|error| tracing::error!(%error, "what the CRM knows of a call cannot be read"));
        told.ok().flatten().unwrap_or_default()
    }

    /// The contact that the call belongs to: the first that the CRM named.
    pub(crate) fn contact(&self) -> Option<&Contact> {
        self.contacts.as_ref().and_then(|contacts| contacts.first())
    }
}
