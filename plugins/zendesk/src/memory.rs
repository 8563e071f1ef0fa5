//! What the plugin keeps of a call until it is forgotten.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hookswitch_sdk::Failure;
use hookswitch_sdk::storage::{self, Scope};
use serde::{Deserialize, Serialize};

/// How far something got that Zendesk would do twice. It is kept before the request leaves: what may have arrived is
/// looked for before it is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Written<T> {
    Sent(T),
    Done(T),
}

/// What an agent has been shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Page {
    User(u64),
    Ticket(u64),
}

/// One thing that is kept.
pub(crate) struct Slot<T> {
    key: Cow<'static, str>,
    holds: std::marker::PhantomData<T>,
}

/// The ticket that has the call's voice comment. A call has one, however many jobs come by.
pub(crate) const VOICE: Slot<Written<u64>> = Slot::new("voice");
/// The latest text that was written of the call.
pub(crate) const TEXT: Slot<Written<String>> = Slot::new("text");
/// The ticket that was opened for the call.
pub(crate) const TICKET: Slot<u64> = Slot::new("ticket");
/// Who was shown what, and has not been gone since.
pub(crate) const SHOWN: Slot<BTreeMap<u64, Page>> = Slot::new("shown");

/// The ticket that has what a job adds to the call: a recording, or its words.
pub(crate) fn added(job: &str) -> Slot<Written<u64>> {
    Slot { key: format!("added {job}").into(), holds: std::marker::PhantomData }
}

impl<T: Serialize + for<'a> Deserialize<'a>> Slot<T> {
    const fn new(key: &'static str) -> Self {
        Self { key: Cow::Borrowed(key), holds: std::marker::PhantomData }
    }

    pub(crate) fn load(&self) -> Result<Option<T>, Failure> {
        storage::load(Scope::Call, &self.key)
    }

    pub(crate) fn save(&self, value: &T) -> Result<(), Failure> {
        storage::save(Scope::Call, &self.key, value)
    }
}
