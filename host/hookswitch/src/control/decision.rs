//! What a person decides about jobs that are held up.

use std::collections::BTreeSet;

use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, JobId, Txn,
    jobs::{Job, State},
};
use serde::{Deserialize, Serialize};

/// Most jobs in one decision: one commit holds them all, and calls that are accepted meanwhile wait for it.
pub(crate) const GROUP: usize = 500;

/// A decision about some jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Decision {
    /// These parked jobs are to be tried again, all or none.
    Retry { jobs: BTreeSet<JobId> },
    /// Those of these jobs that are parked (still) are to be tried again.
    RetryParked { jobs: BTreeSet<JobId> },
    /// These waiting or parked jobs will not be done, all or none.
    Skip { jobs: BTreeSet<JobId>, reason: Option<String> },
}

impl Decision {
    fn jobs(&self) -> &BTreeSet<JobId> {
        match self {
            Self::Retry { jobs } | Self::RetryParked { jobs } | Self::Skip { jobs, .. } => jobs,
        }
    }

    /// What was decided, in a word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Retry { .. } | Self::RetryParked { .. } => "retry",
            Self::Skip { .. } => "skip",
        }
    }

    /// Writes the decision down. Returns the jobs as they are then, in their order; or, for a person, why nothing was
    /// changed.
    ///
    /// # Errors
    ///
    /// Those of the journal.
    pub(crate) fn apply(&self, txn: &Txn<'_>, now: Millis) -> Result<Result<Vec<Job>, String>, Error> {
        if self.jobs().len() > GROUP {
            return Ok(Err(format!("these are more than {GROUP} jobs: decide about fewer at a time")));
        }
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        for &id in self.jobs() {
            let Some(job) = txn.job(id)? else {
                refused.push(format!("there is no job {id}: it never was, or its time in the journal is over"));
                continue;
            };
            match self.objection(&job) {
                Some(objection) => refused.push(format!("job {id} {objection}")),
                None => taken.push(id),
            }
        }
        if !refused.is_empty() && !matches!(self, Self::RetryParked { .. }) {
            return Ok(Err(refused.join("\n")));
        }
        let decide = |id| match self {
            Self::Retry { .. } | Self::RetryParked { .. } => txn.retry_job(id, now),
            Self::Skip { reason, .. } => txn.skip_job(id, reason.clone(), now),
        };
        taken.into_iter().map(decide).collect::<Result<_, _>>().map(Ok)
    }

    /// Why this cannot be decided of a job in its state.
    fn objection(&self, job: &Job) -> Option<&'static str> {
        match (self, job.state) {
            (_, State::Parked) | (Self::Skip { .. }, State::Waiting) => None,
            (_, State::Done) => Some("is done"),
            (_, State::Skipped) => Some("was skipped: that cannot be undone"),
            (Self::Skip { .. }, State::Running) => Some("is under way: it can be skipped when it waits or is parked"),
            (_, State::Running) => Some("is running already"),
            (_, State::Waiting) => Some("is not parked: it waits and will be tried again by itself"),
        }
    }
}
