//! Random work, compared step by step with a simple model in memory, over restarts.

use std::collections::BTreeMap;

use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, JobId,
    calls::Receipt,
    jobs::{Finish, State},
    storage::{Content, Key, Put, Quota, Refusal, Scope},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{World, accepted, call, job, reference};

const QUOTA: Quota = Quota { keys: 4, bytes: 40 };

#[derive(Clone, Debug)]
enum Step {
    Accept { call: u8, jobs: u8, again: bool },
    Start { job: usize },
    Finish { job: usize, finish: u8 },
    Dossier { call: u8, plugin: u8, later: bool },
    Put { plugin: u8, call: Option<u8>, key: u8, size: usize, expected: Expected, ttl: Option<u64> },
    Delete { plugin: u8, call: Option<u8>, key: u8, expected: Expected },
    Sleep { ms: u64 },
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Expected {
    Any,
    Absent,
    There,
    Stale,
}

fn step() -> impl Strategy<Value = Step> {
    let expected =
        || prop_oneof![Just(Expected::Any), Just(Expected::Absent), Just(Expected::There), Just(Expected::Stale)];
    let scope = || prop::option::of(0..3_u8);
    prop_oneof![
        4 => (0..3_u8, 0..3_u8, any::<bool>()).prop_map(|(call, jobs, again)| Step::Accept { call, jobs, again }),
        3 => (0..12_usize).prop_map(|job| Step::Start { job }),
        4 => (0..12_usize, 0..4_u8).prop_map(|(job, finish)| Step::Finish { job, finish }),
        2 => (0..3_u8, 0..2_u8, any::<bool>()).prop_map(|(call, plugin, later)| Step::Dossier { call, plugin, later }),
        6 => (0..2_u8, scope(), 0..4_u8, 0..16_usize, expected(), prop::option::of(1..50_u64)).prop_map(
            |(plugin, call, key, size, expected, ttl)| Step::Put { plugin, call, key, size, expected, ttl }
        ),
        2 => (0..2_u8, scope(), 0..4_u8, expected())
            .prop_map(|(plugin, call, key, expected)| Step::Delete { plugin, call, key, expected }),
        2 => (1..30_u64).prop_map(|ms| Step::Sleep { ms }),
        1 => Just(Step::Restart),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct ModelJob {
    call: u8,
    state: State,
    attempt: u32,
    result: Option<Value>,
}

#[derive(Clone, Debug)]
struct ModelValue {
    revision: u64,
    value: String,
    expires: Option<u64>,
}

/// Plugin, call (none: the plugin's own), name.
type ModelKey = (u8, Option<u8>, u8);

#[derive(Default)]
struct Model {
    now: u64,
    /// Number of events of each call.
    calls: BTreeMap<u8, u64>,
    jobs: Vec<(JobId, ModelJob)>,
    dossiers: BTreeMap<(u8, u8), u64>,
    /// Also what has expired, until a write has to make room.
    values: BTreeMap<ModelKey, ModelValue>,
    revisions: u64,
}

fn name(number: u8) -> String {
    format!("n{number}")
}

fn key((plugin, call, key): ModelKey) -> Key {
    let scope = call.map_or(Scope::Plugin, |call| Scope::Call(reference(&name(call))));
    Key { plugin: name(plugin), scope, name: name(key) }
}

impl Model {
    fn live(&self, key: &ModelKey) -> Option<&ModelValue> {
        self.values.get(key).filter(|value| value.expires.is_none_or(|expires| expires > self.now))
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

    fn usage(&self, plugin: u8) -> (u64, u64) {
        let mine = || self.values.iter().filter(|((owner, ..), _)| *owner == plugin);
        (mine().count() as u64, mine().map(|(_, value)| value.value.len() as u64 + 2).sum())
    }

    /// What a put must answer: the refusal, or nothing for a new revision.
    fn put(&mut self, key: ModelKey, size: usize, expected: Option<u64>) -> Option<Refusal> {
        let there = self.live(&key).map(|value| (value.revision, value.value.len() as u64 + 2));
        let revision = there.map_or(0, |(revision, _)| revision);
        if let Some(expected) = expected.filter(|expected| *expected != revision) {
            return Some(Refusal::Conflict { there: revision, expected });
        }
        let over = |(keys, bytes): (u64, u64)| {
            if there.is_none() && keys >= QUOTA.keys {
                return Some(Refusal::Keys(keys));
            }
            let wanted = bytes - there.map_or(0, |(_, size)| size) + size as u64 + 2;
            (wanted > QUOTA.bytes).then_some(Refusal::Bytes { wanted, allowed: QUOTA.bytes })
        };
        over(self.usage(key.0)).and_then(|_| {
            let now = self.now;
            self.values
                .retain(|(owner, ..), value| *owner != key.0 || value.expires.is_none_or(|expires| expires > now));
            over(self.usage(key.0))
        })
    }
}

async fn apply(world: &World, model: &mut Model, step: Step) {
    let now = Millis(model.now);
    match step {
        Step::Accept { call: number, jobs, again } => {
            let seq = model.calls.get(&number).copied().unwrap_or(0) + 1;
            let jobs = (0..jobs).map(|job_number| job("crm", &name(job_number))).collect();
            let new = accepted(call(&name(number), 100), seq..=seq, jobs);
            let receipt = world.accept(new.clone()).await;
            let Receipt::Kept(ids) = receipt else { panic!("event {seq} is new") };
            model.calls.insert(number, seq);
            let fresh = ModelJob { call: number, state: State::Waiting, attempt: 0, result: None };
            model.jobs.extend(ids.into_iter().map(|id| (id, fresh.clone())));
            if again {
                assert_eq!(world.accept(new).await, Receipt::Repeated);
            }
        }
        Step::Start { job } => {
            let Some((id, job)) = model.jobs.get_mut(job) else { return };
            let (id, attempt) = (*id, job.attempt + 1);
            let started = world.journal.write(move |txn| txn.start_job(id, attempt, "sha256:aa")).await;
            if matches!(job.state, State::Waiting | State::Running) {
                started.unwrap();
                (job.state, job.attempt) = (State::Running, attempt);
            } else {
                assert!(matches!(started, Err(Error::JobState { .. })), "{started:?}");
            }
        }
        Step::Finish { job, finish } => {
            let Some((id, job)) = model.jobs.get_mut(job) else { return };
            let id = *id;
            let (to, finish) = match finish {
                0 => (State::Done, Finish::Done { result: json!({ "id": id }) }),
                1 => (State::Waiting, Finish::Retry { due: Millis(9), problem: None, counts: true }),
                2 => (State::Parked, Finish::Parked { problem: "no".to_owned() }),
                _ => (State::Skipped, Finish::Skipped { problem: None }),
            };
            let finished = world.journal.write(move |txn| txn.finish_job(id, finish, now)).await;
            let allowed = match job.state {
                State::Running => true,
                State::Waiting => to != State::Done,
                State::Parked => matches!(to, State::Waiting | State::Skipped),
                State::Done | State::Skipped => false,
            };
            if allowed {
                finished.unwrap();
                job.state = to;
                job.result = (to == State::Done).then(|| json!({ "id": id }));
            } else {
                assert!(matches!(finished, Err(Error::JobState { .. })), "{finished:?}");
            }
        }
        Step::Dossier { call, plugin, later } => {
            let value = model.now;
            let put = move |txn: &hookswitch_journal::Txn<'_>| {
                txn.put_dossier(&reference(&name(call)), &name(plugin), &json!(value))
            };
            let known = model.calls.contains_key(&call);
            if later {
                world.journal.later("dossier", put).await.unwrap();
            } else {
                let put = world.journal.write(put).await;
                assert_eq!(put.is_ok(), known, "{put:?}");
            }
            if known {
                model.dossiers.insert((call, plugin), value);
            }
        }
        Step::Put { plugin, call, key: number, size, expected, ttl } => {
            let model_key = (plugin, call.filter(|call| model.calls.contains_key(call)), number);
            if call.is_some() && model_key.1.is_none() {
                return;
            }
            let expected = model.expected(&model_key, expected);
            let value = "v".repeat(size);
            let expires = ttl.map(|ttl| model.now + ttl);
            let put = Put { value: Content::Text(value.clone()), expected, expires: expires.map(Millis) };
            let kept = world.journal.write(move |txn| txn.put(&key(model_key), &put, QUOTA, now)).await.unwrap();
            match model.put(model_key, size, expected) {
                Some(refusal) => assert_eq!(kept, Err(refusal)),
                None => {
                    let revision = kept.unwrap();
                    assert!(revision > model.revisions, "revisions grow");
                    model.revisions = revision;
                    model.values.insert(model_key, ModelValue { revision, value, expires });
                }
            }
        }
        Step::Delete { plugin, call, key: number, expected } => {
            let model_key = (plugin, call, number);
            let expected = model.expected(&model_key, expected);
            let deleted = world.journal.write(move |txn| txn.delete(&key(model_key), expected, now)).await.unwrap();
            let there = model.live(&model_key).map_or(0, |value| value.revision);
            match expected.filter(|expected| *expected != there) {
                Some(expected) => assert_eq!(deleted, Err(Refusal::Conflict { there, expected })),
                None => {
                    assert_eq!(deleted, Ok(there != 0));
                    if there != 0 {
                        model.values.remove(&model_key);
                    }
                }
            }
        }
        Step::Sleep { ms } => model.now += ms,
        Step::Restart => {}
    }
}

async fn compare(world: &World, model: &Model) {
    let now = Millis(model.now);
    // What was queued before is applied when this returns.
    world.journal.write(|_| Ok(())).await.unwrap();
    let calls: Vec<u8> = model.calls.keys().copied().collect();
    let mut jobs = Vec::new();
    for &number in &calls {
        let (events, found) = world
            .journal
            .read(move |view| {
                Ok((view.events_of(&reference(&name(number)))?, view.jobs_of(&reference(&name(number)))?))
            })
            .await
            .unwrap();
        assert_eq!(events.len() as u64, model.calls[&number]);
        jobs.extend(found.into_iter().map(|job| {
            (job.id, ModelJob { call: number, state: job.state, attempt: job.attempt, result: job.result })
        }));
    }
    jobs.sort_by_key(|(id, _)| *id);
    assert_eq!(jobs, model.jobs);
    let unfinished = world.journal.read(|view| view.unfinished_jobs()).await.unwrap();
    let expected = model.jobs.iter().filter(|(_, job)| !matches!(job.state, State::Done | State::Skipped)).count();
    assert_eq!(unfinished.len(), expected);
    for call in 0..3 {
        for plugin in 0..2 {
            let found =
                world.journal.read(move |view| view.dossier(&reference(&name(call)), &name(plugin))).await.unwrap();
            assert_eq!(found, model.dossiers.get(&(call, plugin)).map(|value| json!(value)));
        }
    }
    for plugin in 0..2 {
        for call in [None, Some(0), Some(1), Some(2)] {
            let scope = key((plugin, call, 0)).scope;
            let listed = world.journal.read(move |view| view.keys(&name(plugin), &scope, "n", None, 100, now));
            let listed = listed.await.unwrap();
            let mut expected = Vec::new();
            for number in 0..4 {
                let model_key = (plugin, call, number);
                let found = world.journal.read(move |view| view.get(&key(model_key), now)).await.unwrap();
                let live = model.live(&model_key);
                assert_eq!(
                    found.map(|entry| (entry.revision, entry.value)),
                    live.map(|value| (value.revision, Content::Text(value.value.clone())))
                );
                expected.extend(live.map(|_| name(number)));
            }
            assert_eq!(listed, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn jobs_dossiers_and_storage_behave_as_their_model(steps in prop::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            let mut model = Model::default();
            for step in steps {
                if matches!(step, Step::Restart) {
                    world = world.restart().await;
                    compare(&world, &model).await;
                } else {
                    apply(&world, &mut model, step).await;
                }
            }
            compare(&world, &model).await;
        });
    }
}
