//! What can be seen of a journal, and what must be.

use std::collections::BTreeMap;

use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, JobId, Journal, View,
    jobs::{JobFilter, State},
    storage::Content,
};
use serde_json::{Value, json};

use super::{Model, ModelKey, change::key, name};
use crate::world::{event, reference};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Picture {
    /// Events, and whether it is open.
    calls: BTreeMap<u8, (u64, bool)>,
    /// Id, call, state, tries, failures, result.
    jobs: Vec<(i64, String, State, u32, u32, Option<Value>)>,
    backlog: Vec<i64>,
    dossiers: BTreeMap<(u8, u8), Value>,
    /// Revision and value.
    values: BTreeMap<ModelKey, (u64, String)>,
    /// Id, job, resumptions, whether it ended, requests.
    runs: Vec<(i64, i64, u32, bool, u32)>,
}

fn keys() -> impl Iterator<Item = ModelKey> {
    let scopes = [None, Some(0), Some(1), Some(2)];
    (0..2).flat_map(move |plugin| scopes.into_iter().flat_map(move |call| (0..4).map(move |key| (plugin, call, key))))
}

/// What the journal shows at `now`, through its public door.
pub(super) async fn of(journal: &Journal, now: u64) -> Picture {
    journal.read(move |view| take(view, Millis(now))).await.unwrap()
}

fn take(view: &View<'_>, now: Millis) -> Result<Picture, Error> {
    let mut picture = Picture::default();
    for number in 0..3 {
        let call = reference(&name(number));
        let Some(entry) = view.call(&call)? else {
            assert!(view.events_of(&call)?.is_empty() && view.runs_of(&call)?.is_empty());
            continue;
        };
        let events = view.events_of(&call)?;
        let count = events.len() as u64;
        assert_eq!(events, (1..=count).map(|seq| event(&name(number), seq)).collect::<Vec<_>>(), "whole, in order");
        assert_eq!(entry.call.seq, count);
        picture.calls.insert(number, (count, entry.call.is_open()));
        for plugin in 0..2 {
            picture.dossiers.extend(view.dossier(&call, &name(plugin))?.map(|value| ((number, plugin), value)));
        }
    }
    let mut jobs = view.list_jobs(&JobFilter { limit: 10_000, ..JobFilter::default() })?;
    jobs.reverse();
    for job in jobs {
        for run in view.runs_of_job(job.id)? {
            let id = run.begun.id;
            let requests = view.requests_of(id)?;
            assert!(requests.iter().zip(1..).all(|(request, ordinal)| request.intent.ordinal == ordinal));
            picture.runs.push((id.0, job.id.0, run.resumed, run.ended.is_some(), requests.len() as u32));
        }
        let JobId(id) = job.id;
        picture.jobs.push((id, job.call.chain.to_string(), job.state, job.attempt, job.failures, job.result));
    }
    picture.runs.sort_unstable();
    picture.backlog = view.backlog("crm")?.iter().map(|head| head.id.0).collect();
    picture.backlog.sort_unstable();
    for which in keys() {
        if let Some(entry) = view.get(&key(which), now)? {
            let Content::Text(value) = entry.value else { panic!("the model puts text") };
            picture.values.insert(which, (entry.revision, value));
        }
    }
    Ok(picture)
}

impl Model {
    /// What must be seen at `now`.
    pub(super) fn picture(&self, now: u64) -> Picture {
        let live = |expires: Option<u64>| expires.is_none_or(|expires| expires > now);
        let unfinished = |state| matches!(state, State::Waiting | State::Running);
        let jobs = self.jobs.iter();
        let runs = self.runs.iter();
        let values = self.values.iter().filter(|(_, value)| live(value.expires));
        Picture {
            calls: self.calls.iter().map(|(number, call)| (*number, (call.events, call.open))).collect(),
            jobs: jobs
                .map(|(id, job)| (*id, name(job.call), job.state, job.attempt, job.failures, job.result.clone()))
                .collect(),
            backlog: self.jobs.iter().filter(|(_, job)| unfinished(job.state)).map(|(id, _)| *id).collect(),
            dossiers: self.dossiers.iter().map(|(key, value)| (*key, json!(value))).collect(),
            values: values.map(|(key, value)| (*key, (value.revision, value.value.clone()))).collect(),
            runs: runs.map(|(id, run)| (*id, run.job, run.resumed, run.ended, run.requests)).collect(),
        }
    }
}
