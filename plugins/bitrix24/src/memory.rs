//! What the plugin keeps, of a call until it is forgotten, and of the portal for good.

use std::borrow::Cow;

use hookswitch_sdk::storage::{self, Scope};
use hookswitch_sdk::{Call, Failure, Reference};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entity::Entity;
use crate::finish::Finished;

/// How far the registration of a call got. It is kept before the request leaves: the portal recognises a repetition by
/// what was sent, so a later try must send the same, whatever is known of the call by then.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) parameters: Value,
    /// None: no answer has come yet.
    pub(crate) call_id: Option<String>,
}

/// How far the finish of a call got. It is kept before the request leaves, because a call can be finished only once and
/// the portal's second answer is that it knows no such call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Finish {
    Sent { call_id: String },
    Done(Finished),
}

/// How far the comment on the timeline got. It is kept before the request leaves, because nothing in the portal tells two
/// comments with the same text apart.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Comment {
    /// `before` notes were on the timeline when the last comment left; none: no comment was.
    Sent { before: Option<usize> },
    /// So many notes are on the timeline.
    Done { notes: usize },
}

/// How far a file, or the words of one, got to where the portal keeps one for each call: its recording, its transcript. It is
/// kept before the request leaves. The first file has the place; further ones become comments.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) file: String,
    /// The key of the job: the same words come again with the same one, and other words of the file with another.
    pub(crate) job: String,
    /// The id of what was in this place before: as long as it is there, this is not.
    pub(crate) before: Option<u64>,
    pub(crate) done: bool,
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
    key: Cow<'static, str>,
    holds: std::marker::PhantomData<T>,
}

pub(crate) const REGISTRATION: Slot<Registration> = Slot::new(Scope::Call, "registration");
pub(crate) const FINISH: Slot<Finish> = Slot::new(Scope::Call, "finish");
/// The users to whom a card was shown and not hidden since.
pub(crate) const SHOWN: Slot<Vec<u64>> = Slot::new(Scope::Call, "shown");
pub(crate) const COMMENT: Slot<Comment> = Slot::new(Scope::Call, "comment");
/// The file that is the call's recording in the portal.
pub(crate) const RECORD: Slot<Placed> = Slot::new(Scope::Call, "record");
/// The file whose words are the call's transcript in the portal.
pub(crate) const TRANSCRIPT: Slot<Placed> = Slot::new(Scope::Call, "transcript");
pub(crate) const CRM_MODE: Slot<CrmMode> = Slot::new(Scope::Plugin, "crm-mode");
/// The portal refuses lists of users in `show` and `hide`.
pub(crate) const REFUSES_LISTS: Slot<bool> = Slot::new(Scope::Plugin, "refuses-lists");

impl<T: Serialize + for<'a> Deserialize<'a>> Slot<T> {
    const fn new(scope: Scope, key: &'static str) -> Self {
        Self { scope, key: Cow::Borrowed(key), holds: std::marker::PhantomData }
    }

    pub(crate) fn load(&self) -> Result<Option<T>, Failure> {
        storage::load(self.scope, &self.key)
    }

    pub(crate) fn save(&self, value: &T) -> Result<(), Failure> {
        storage::save(self.scope, &self.key, value)
    }

    pub(crate) fn clear(&self) -> Result<(), Failure> {
        storage::remove(self.scope, &self.key)
    }
}

/// Whether a comment about a file was written: false as long as it has only been sent.
pub(crate) fn remark(job: &str) -> Slot<bool> {
    Slot { scope: Scope::Call, key: format!("remark {job}").into(), holds: std::marker::PhantomData }
}

/// Returns the portal's id of a call: of its latest registration, else of the click-to-call that started it, else as
/// `journal.begin` gave it.
pub(crate) fn call_id(call: &Call, begun: Option<&Reference>) -> Result<Option<String>, Failure> {
    let registered = REGISTRATION.load()?.and_then(|registration| registration.call_id);
    Ok(registered.or_else(|| call.crm_call.clone()).or_else(|| begun.map(|begun| begun.id.clone())))
}

/// How long a record that the portal has made may be missing in its own search.
const INDEX_LAG_S: u32 = 10 * 60;

/// Remembers whom the portal has made of the caller with this number.
pub(crate) fn save_caller(number: &str, entity: Entity) -> Result<(), Failure> {
    storage::save_for(Scope::Plugin, &caller(number), &entity, INDEX_LAG_S)
}

/// Returns whom the portal has made of the caller with this number a short while ago.
pub(crate) fn recent_caller(number: &str) -> Result<Option<Entity>, Failure> {
    storage::load(Scope::Plugin, &caller(number))
}

fn caller(number: &str) -> String {
    format!("caller {number}")
}
