//! What the plugin keeps, of a call until it is forgotten, and of the portal for good.

use hookswitch_sdk::storage::{self, Scope};
use hookswitch_sdk::{Call, Failure, Reference};
use serde::{Deserialize, Serialize};

use crate::finish::Finished;

/// A call that this plugin registered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) call_id: String,
    pub(crate) user: u64,
}

/// How far the finish of a call got. It is kept before the request leaves, because a call can be finished only once and
/// the portal's second answer is that it knows no such call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Finish {
    Sent { call_id: String },
    Done(Finished),
}

/// How the portal's CRM works with new callers (`crm.settings.mode.get`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CrmMode {
    Classic,
    Simple,
}

/// One thing that is kept.
pub(crate) struct Slot<T> {
    scope: Scope,
    key: &'static str,
    holds: std::marker::PhantomData<T>,
}

pub(crate) const REGISTRATION: Slot<Registration> = Slot::new(Scope::Call, "registration");
pub(crate) const FINISH: Slot<Finish> = Slot::new(Scope::Call, "finish");
/// The users to whom a card was shown and not hidden since.
pub(crate) const SHOWN: Slot<Vec<u64>> = Slot::new(Scope::Call, "shown");
/// How many notes are on the timeline as comments.
pub(crate) const COMMENTED: Slot<usize> = Slot::new(Scope::Call, "commented");
pub(crate) const CRM_MODE: Slot<CrmMode> = Slot::new(Scope::Plugin, "crm-mode");
/// The portal refuses lists of users in `show` and `hide`.
pub(crate) const REFUSES_LISTS: Slot<bool> = Slot::new(Scope::Plugin, "refuses-lists");

impl<T: Serialize + for<'a> Deserialize<'a>> Slot<T> {
    const fn new(scope: Scope, key: &'static str) -> Self {
        Self { scope, key, holds: std::marker::PhantomData }
    }

    pub(crate) fn load(&self) -> Result<Option<T>, Failure> {
        storage::load(self.scope, self.key)
    }

    pub(crate) fn save(&self, value: &T) -> Result<(), Failure> {
        storage::save(self.scope, self.key, value)
    }

    pub(crate) fn clear(&self) -> Result<(), Failure> {
        storage::remove(self.scope, self.key)
    }
}

/// Returns the portal's id of a call: of its latest registration, else of the click-to-call that started it, else as
/// `journal.begin` gave it.
pub(crate) fn call_id(call: &Call, begun: Option<&Reference>) -> Result<Option<String>, Failure> {
    let registered = REGISTRATION.load()?.map(|registration| registration.call_id);
    Ok(registered.or_else(|| call.crm_call.clone()).or_else(|| begun.map(|begun| begun.id.clone())))
}
