//! What each change must do.

use hookswitch_journal::{
    jobs::{Finish, State},
    retention::Erased,
    storage::{Content, Refusal},
};

use super::{Answer, Change, Model, ModelCall, ModelJob, ModelKey, ModelRun, ModelValue, QUOTA, number_of};

impl Model {
    /// Changes the model as `change` must change the journal. Returns what it must answer.
    pub(super) fn expect(&mut self, change: &Change) -> Answer {
        match change {
            Change::Accept { number, accepted, over, .. } => {
                let events = accepted.call.seq;
                self.calls.insert(*number, ModelCall { events, open: !over });
                let jobs: Vec<i64> = (1..=accepted.jobs.len() as i64).map(|job| self.last_job + job).collect();
                self.last_job += jobs.len() as i64;
                let fresh = ModelJob { call: *number, state: State::Waiting, attempt: 0, failures: 0, result: None };
                self.jobs.extend(jobs.iter().map(|id| (*id, fresh.clone())));
                Answer::Jobs(jobs)
            }
            Change::Start { job, attempt } => self.job(*job, |job| {
                matches!(job.state, State::Waiting | State::Running)
                    .then(|| (job.state, job.attempt) = (State::Running, *attempt))
            }),
            Change::Finish { job, finish } => self.job(*job, |job| finish_job(job, finish)),
            Change::Retry { job } => self
                .job(*job, |job| (job.state == State::Parked).then(|| (job.state, job.failures) = (State::Waiting, 0))),
            Change::Skip { job } => self.job(*job, |job| {
                matches!(job.state, State::Waiting | State::Parked).then(|| job.state = State::Skipped)
            }),
            Change::Begin { run, job } => {
                self.runs.insert(run.0, ModelRun { job: *job, resumed: 0, ended: false, requests: 0 });
                Answer::Done
            }
            Change::Resume { run } => {
                let run = self.run(*run);
                if run.ended {
                    return Answer::Refused("ended");
                }
                run.resumed += 1;
                Answer::Resumed(run.resumed)
            }
            Change::Request { run, .. } => {
                self.run(*run).requests += 1;
                Answer::Done
            }
            Change::End { run } => {
                self.run(*run).ended = true;
                Answer::Done
            }
            Change::Dossier { call, plugin, value } => {
                if !self.calls.contains_key(call) {
                    return Answer::Refused("call");
                }
                self.dossiers.insert((*call, *plugin), *value);
                Answer::Done
            }
            Change::Put { key, put } => self.put(*key, put),
            Change::Delete { key, expected } => {
                let there = self.live(key).map_or(0, |value| value.revision);
                if let Some(expected) = expected.filter(|expected| *expected != there) {
                    return Answer::StorageRefused(Refusal::Conflict { there, expected });
                }
                if there != 0 {
                    self.values.remove(key);
                }
                Answer::Deleted(there != 0)
            }
        }
    }

    fn job(&mut self, id: i64, change: impl FnOnce(&mut ModelJob) -> Option<()>) -> Answer {
        change(self.jobs.get_mut(&id).unwrap()).map_or(Answer::Refused("state"), |()| Answer::Done)
    }

    fn run(&mut self, id: i64) -> &mut ModelRun {
        self.runs.get_mut(&id).unwrap()
    }

    fn put(&mut self, key: ModelKey, put: &hookswitch_journal::storage::Put) -> Answer {
        let Content::Text(value) = &put.value else { panic!("the model puts text") };
        let there = self.live(&key).map(|value| (value.revision, value.value.len() as u64 + 2));
        let revision = there.map_or(0, |(revision, _)| revision);
        if let Some(expected) = put.expected.filter(|expected| *expected != revision) {
            return Answer::StorageRefused(Refusal::Conflict { there: revision, expected });
        }
        let over = |(keys, bytes): (u64, u64)| {
            if there.is_none() && keys >= QUOTA.keys {
                return Some(Refusal::Keys(keys));
            }
            let wanted = bytes - there.map_or(0, |(_, size)| size) + value.len() as u64 + 2;
            (wanted > QUOTA.bytes).then_some(Refusal::Bytes { wanted, allowed: QUOTA.bytes })
        };
        let before = self.values.clone();
        let refusal = over(self.usage(key.0)).and_then(|_| {
            let now = self.now;
            self.values
                .retain(|(owner, ..), value| *owner != key.0 || value.expires.is_none_or(|expires| expires > now));
            over(self.usage(key.0))
        });
        if let Some(refusal) = refusal {
            return Answer::StorageRefused(refusal);
        }
        if key.1.is_some_and(|call| !self.calls.contains_key(&call)) {
            // An error, and not a refusal: everything is undone.
            self.values = before;
            return Answer::Refused("call");
        }
        self.last_revision += 1;
        let expires = put.expires.map(|at| at.0);
        self.values.insert(key, ModelValue { revision: self.last_revision, value: value.clone(), expires });
        Answer::Revision(self.last_revision)
    }

    pub(super) fn live(&self, key: &ModelKey) -> Option<&ModelValue> {
        self.values.get(key).filter(|value| value.expires.is_none_or(|expires| expires > self.now))
    }

    fn usage(&self, plugin: u8) -> (u64, u64) {
        let mine = || self.values.iter().filter(|((owner, ..), _)| *owner == plugin);
        (mine().count() as u64, mine().map(|(_, value)| value.value.len() as u64 + 2).sum())
    }

    /// Forgets the finished calls of a number.
    pub(super) fn erase(&mut self, number: u8) -> Erased {
        let mut erased = Erased::default();
        for call in (0..3).filter(|call| number_of(*call) == number) {
            let Some(ModelCall { events, open }) = self.calls.get(&call).cloned() else { continue };
            let jobs: Vec<i64> = self.jobs.iter().filter(|(_, job)| job.call == call).map(|(id, _)| *id).collect();
            let unfinished = |id: &i64| !matches!(self.jobs[id].state, State::Done | State::Skipped);
            if open || jobs.iter().any(unfinished) {
                erased.unfinished += 1;
                continue;
            }
            erased.calls += 1;
            erased.events += events;
            erased.jobs += jobs.len() as u64;
            erased.keys += self.values.keys().filter(|(_, owner, _)| *owner == Some(call)).count() as u64;
            for run in self.runs.values().filter(|run| jobs.contains(&run.job)) {
                erased.runs += 1;
                erased.requests += u64::from(run.requests);
            }
            self.calls.remove(&call);
            self.jobs.retain(|_, job| job.call != call);
            self.runs.retain(|_, run| !jobs.contains(&run.job));
            self.dossiers.retain(|(owner, _), _| *owner != call);
            self.values.retain(|(_, owner, _), _| *owner != Some(call));
        }
        erased
    }
}

fn finish_job(job: &mut ModelJob, finish: &Finish) -> Option<()> {
    let allowed = match job.state {
        State::Running => true,
        State::Waiting => !matches!(finish, Finish::Done { .. }),
        State::Parked | State::Done | State::Skipped => false,
    };
    allowed.then(|| {
        job.result = None;
        job.state = match finish {
            Finish::Done { result } => {
                job.result = Some(result.clone());
                State::Done
            }
            Finish::Retry { counts, .. } => {
                job.failures += u32::from(*counts);
                State::Waiting
            }
            Finish::Parked { .. } => State::Parked,
            Finish::Skipped { .. } => State::Skipped,
        };
    })
}
