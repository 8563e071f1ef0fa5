//! What is said at the door. Both sides are the same program, but not always of the same version: what one of them does
//! not know is refused, never guessed.

use hookswitch_journal::{CallRef, JobId, jobs::Job, retention::Erased};
use serde::{Deserialize, Serialize};

use super::Decision;

/// What a command asks of the service.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Request {
    /// Retry or skip jobs.
    Decide(Decision),
    /// Forget the finished calls of this number, spelled as the journal's `erase` wants it.
    Erase { number: String },
    /// Take up the configuration as it is on disk now.
    Reload,
}

/// What the service answers: what came of it, or why nothing was done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Decided(Vec<Decided>),
    Erased(Erased),
    /// One line for each thing that changed.
    Reloaded(Vec<String>),
    Refused(String),
}

/// A job about which was decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Decided {
    /// Which one.
    pub(crate) job: JobId,
    /// The call that it is about.
    pub(crate) call: CallRef,
    /// For which plugin.
    pub(crate) plugin: String,
    /// What is to be done.
    pub(crate) kind: String,
}

impl From<&Job> for Decided {
    fn from(job: &Job) -> Self {
        Self { job: job.id, call: job.call.clone(), plugin: job.plugin.clone(), kind: job.kind.clone() }
    }
}
