//! What can be done to a journal.

use hookswitch_call::{Millis, event::Outcome};
use hookswitch_journal::{
    Error, JobId, Journal, RunId, Txn,
    calls::{Accepted, Receipt},
    jobs::Finish,
    runs::{Begun, Body, Effect, Ended, Intent, Request},
    storage::{Content, Key, Put, Scope},
};
use proptest::prelude::*;
use serde_json::json;

use super::{Answer, Model, ModelKey, QUOTA, name, number, number_of};
use crate::world::{accepted, call, ended, job, reference};

/// A change in general: `job`, `run` and the like say which of those that are there.
#[derive(Clone, Debug)]
pub(super) enum What {
    Accept { call: u8, jobs: u8, over: bool, again: bool },
    Start { job: usize },
    Finish { job: usize, finish: u8 },
    Retry { job: usize },
    Skip { job: usize },
    Begin { job: usize },
    Resume { run: usize },
    Request { run: usize },
    End { run: usize },
    Dossier { call: u8, plugin: u8 },
    Put { plugin: u8, call: Option<u8>, key: u8, size: usize, expected: Expected, ttl: Option<u64> },
    Delete { plugin: u8, call: Option<u8>, key: u8, expected: Expected },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    Any,
    Absent,
    There,
    Stale,
}

pub(super) fn what() -> impl Strategy<Value = What> {
    let expected =
        || prop_oneof![Just(Expected::Any), Just(Expected::Absent), Just(Expected::There), Just(Expected::Stale)];
    let scope = || prop::option::of(0..3_u8);
    prop_oneof![
        6 => (0..3_u8, 0..3_u8, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(call, jobs, over, again)| What::Accept { call, jobs, over, again }),
        5 => any::<usize>().prop_map(|job| What::Start { job }),
        5 => (any::<usize>(), 0..5_u8).prop_map(|(job, finish)| What::Finish { job, finish }),
        2 => any::<usize>().prop_map(|job| What::Retry { job }),
        2 => any::<usize>().prop_map(|job| What::Skip { job }),
        2 => any::<usize>().prop_map(|job| What::Begin { job }),
        2 => any::<usize>().prop_map(|run| What::Resume { run }),
        3 => any::<usize>().prop_map(|run| What::Request { run }),
        1 => any::<usize>().prop_map(|run| What::End { run }),
        2 => (0..3_u8, 0..2_u8).prop_map(|(call, plugin)| What::Dossier { call, plugin }),
        6 => (0..2_u8, scope(), 0..4_u8, 0..16_usize, expected(), prop::option::of(1..50_u64)).prop_map(
            |(plugin, call, key, size, expected, ttl)| What::Put { plugin, call, key, size, expected, ttl }
        ),
        2 => (0..2_u8, scope(), 0..4_u8, expected())
            .prop_map(|(plugin, call, key, expected)| What::Delete { plugin, call, key, expected }),
    ]
}

/// A change with everything that it needs.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Twice in one closure, if `again`.
    Accept {
        number: u8,
        accepted: Box<Accepted>,
        over: bool,
        again: bool,
    },
    Start {
        job: i64,
        attempt: u32,
    },
    Finish {
        job: i64,
        finish: Finish,
    },
    Retry {
        job: i64,
    },
    Skip {
        job: i64,
    },
    Begin {
        run: RunId,
        job: i64,
    },
    Resume {
        run: i64,
    },
    Request {
        run: i64,
        ordinal: u32,
    },
    End {
        run: i64,
    },
    Dossier {
        call: u8,
        plugin: u8,
        value: u64,
    },
    Put {
        key: ModelKey,
        put: Put,
    },
    Delete {
        key: ModelKey,
        expected: Option<u64>,
    },
}

pub(super) fn key((plugin, call, key): ModelKey) -> Key {
    let scope = call.map_or(Scope::Plugin, |call| Scope::Call(reference(&name(call))));
    Key { plugin: name(plugin), scope, name: name(key) }
}

impl Model {
    /// None: there is nothing that it could be done to.
    pub(super) fn resolve(&self, what: &What, journal: &Journal) -> Option<Change> {
        let job = |index: usize| self.jobs.iter().nth(index.checked_rem(self.jobs.len())?);
        let run = |index: usize| self.runs.iter().nth(index.checked_rem(self.runs.len())?);
        Some(match *what {
            What::Accept { call: number, jobs, over, again } => {
                let seq = self.calls.get(&number).map_or(0, |call| call.events) + 1;
                let jobs = (0..jobs).map(job_for).collect();
                let mut record = call(&name(number), 100);
                if over {
                    record = ended(record, 200, Outcome::Answered);
                }
                let mut accepted = accepted(record, seq..=seq, jobs);
                accepted.number = Some(self::number(number_of(number)));
                Change::Accept { number, accepted: Box::new(accepted), over, again }
            }
            What::Start { job: index } => {
                let (id, job) = job(index)?;
                Change::Start { job: *id, attempt: job.attempt + 1 }
            }
            What::Finish { job: index, finish } => {
                let finish = match finish {
                    0 => Finish::Done { result: json!({ "index": index }) },
                    1 => Finish::Retry { due: Millis(9), problem: None, counts: true },
                    2 => Finish::Retry { due: Millis(9), problem: None, counts: false },
                    3 => Finish::Parked { problem: "no".to_owned() },
                    _ => Finish::Skipped { problem: None },
                };
                Change::Finish { job: *job(index)?.0, finish }
            }
            What::Retry { job: index } => Change::Retry { job: *job(index)?.0 },
            What::Skip { job: index } => Change::Skip { job: *job(index)?.0 },
            What::Begin { job: index } => Change::Begin { job: *job(index)?.0, run: journal.next_run() },
            What::Resume { run: index } => Change::Resume { run: *run(index)?.0 },
            What::Request { run: index } => {
                let (id, run) = run(index)?;
                Change::Request { run: *id, ordinal: run.requests + 1 }
            }
            What::End { run: index } => Change::End { run: *run(index)?.0 },
            What::Dossier { call, plugin } => Change::Dossier { call, plugin, value: self.now },
            What::Put { plugin, call, key, size, expected, ttl } => {
                let key = (plugin, call, key);
                let expires = ttl.map(|ttl| Millis(self.now + ttl));
                let put =
                    Put { value: Content::Text("v".repeat(size)), expected: self.expected(&key, expected), expires };
                Change::Put { key, put }
            }
            What::Delete { plugin, call, key, expected } => {
                let key = (plugin, call, key);
                Change::Delete { key, expected: self.expected(&key, expected) }
            }
        })
    }

    fn expected(&self, key: &ModelKey, expected: Expected) -> Option<u64> {
        let there = self.live(key).map_or(0, |value| value.revision);
        match expected {
            Expected::Any => None,
            Expected::Absent => Some(0),
            Expected::There => Some(there),
            Expected::Stale => Some(there + 1_000_000),
        }
    }
}

fn job_for(kind: u8) -> hookswitch_journal::jobs::NewJob {
    job("crm", &name(kind))
}

/// Does it.
pub(super) fn carry_out(txn: &Txn<'_>, change: &Change, now: Millis) -> Result<Answer, Error> {
    let done = |()| Answer::Done;
    match change {
        Change::Accept { accepted, again, .. } => {
            let mut receipts = txn.accept(vec![(**accepted).clone(); 1 + usize::from(*again)])?;
            Ok(match receipts.remove(0) {
                _ if receipts.contains(&Receipt::Kept(Vec::new())) => Answer::Refused("kept twice"),
                Receipt::Kept(jobs) => Answer::Jobs(jobs.into_iter().map(|JobId(id)| id).collect()),
                Receipt::Repeated => Answer::Repeated,
            })
        }
        Change::Start { job, attempt } => txn.start_job(JobId(*job), *attempt, "sha256:aa").map(done),
        Change::Finish { job, finish } => txn.finish_job(JobId(*job), finish.clone(), now).map(done),
        Change::Retry { job } => txn.retry_job(JobId(*job), now).map(|_| Answer::Done),
        Change::Skip { job } => txn.skip_job(JobId(*job), None, now).map(|_| Answer::Done),
        Change::Begin { run, job } => {
            let call = txn.job(JobId(*job))?.map(|job| job.call);
            let begun = Begun {
                id: *run,
                job: Some(JobId(*job)),
                call,
                plugin: "crm".to_owned(),
                function: "journal.write".to_owned(),
                attempt: 1,
                input: None,
                build: Some("sha256:aa".to_owned()),
                started: now,
            };
            txn.begin_run(&begun).map(done)
        }
        Change::Resume { run } => txn.resume_run(RunId(*run)).map(Answer::Resumed),
        Change::Request { run, ordinal } => {
            let intent = Intent {
                run: RunId(*run),
                ordinal: *ordinal,
                at: now,
                kind: "http".to_owned(),
                effect: Effect::Once,
                method: "POST".to_owned(),
                url: "x".to_owned(),
                key: None,
                headers: vec![],
                // Now and then several pages.
                body: Body::of(&vec![7; if ordinal % 3 == 0 { 20_000 } else { 10 }]),
                rule: None,
            };
            txn.record_request(&Request { intent, answer: None }).map(done)
        }
        Change::End { run } => {
            let ended = Ended { wall_us: 1, cpu_us: 1, memory_bytes: 1, outcome: "ok".to_owned(), problem: None };
            txn.finish_run(RunId(*run), &ended).map(done)
        }
        Change::Dossier { call, plugin, value } => {
            txn.put_dossier(&reference(&name(*call)), &name(*plugin), &json!(value)).map(done)
        }
        Change::Put { key: which, put } => Ok(match txn.put(&key(*which), put, QUOTA, now)? {
            Ok(revision) => Answer::Revision(revision),
            Err(refusal) => Answer::StorageRefused(refusal),
        }),
        Change::Delete { key: which, expected } => Ok(match txn.delete(&key(*which), *expected, now)? {
            Ok(there) => Answer::Deleted(there),
            Err(refusal) => Answer::StorageRefused(refusal),
        }),
    }
}

/// The kind of an error, in one word.
pub(super) fn refused(error: &Error) -> &'static str {
    match error {
        Error::JobState { .. } => "state",
        Error::UnknownCall(_) => "call",
        Error::RunEnded(_) => "ended",
        other => panic!("{other}"),
    }
}
