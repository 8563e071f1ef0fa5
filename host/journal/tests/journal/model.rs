//! Random work, compared with a simple model in memory, over restarts, copies and power cuts.

mod change;
mod expected;
mod picture;
mod power_cut;

use std::collections::BTreeMap;

use hookswitch_call::Millis;
use hookswitch_journal::{Journal, Reader, backup::restore, jobs::State, storage::Quota};
use proptest::prelude::*;
use serde_json::Value;

use crate::world::World;
use change::{Change, What, carry_out, refused, what};

const QUOTA: Quota = Quota { keys: 4, bytes: 40 };

/// What the journal must hold.
#[derive(Clone, Debug, Default)]
struct Model {
    now: u64,
    calls: BTreeMap<u8, ModelCall>,
    jobs: BTreeMap<i64, ModelJob>,
    /// By call and plugin.
    dossiers: BTreeMap<(u8, u8), u64>,
    /// Also what has expired, until a write has to make room.
    values: BTreeMap<ModelKey, ModelValue>,
    runs: BTreeMap<i64, ModelRun>,
    last_job: i64,
    last_revision: u64,
}

#[derive(Clone, Debug)]
struct ModelCall {
    events: u64,
    open: bool,
}

#[derive(Clone, Debug)]
struct ModelJob {
    call: u8,
    state: State,
    attempt: u32,
    failures: u32,
    result: Option<Value>,
}

#[derive(Clone, Debug)]
struct ModelRun {
    job: i64,
    resumed: u32,
    ended: bool,
    requests: u32,
}

#[derive(Clone, Debug)]
struct ModelValue {
    revision: u64,
    value: String,
    expires: Option<u64>,
}

/// Plugin, call (none: the plugin's own), name.
type ModelKey = (u8, Option<u8>, u8);

/// What a change answers.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Done,
    Jobs(Vec<i64>),
    Repeated,
    Resumed(u32),
    Revision(u64),
    Deleted(bool),
    StorageRefused(hookswitch_journal::storage::Refusal),
    /// In one word.
    Refused(&'static str),
}

/// How a change is handed in.
#[derive(Clone, Copy, Debug)]
enum Door {
    Write,
    Apply,
    Later,
}

#[derive(Clone, Debug)]
enum Step {
    Change(What, Door),
    Sleep { ms: u64 },
    Erase { number: u8 },
    Restart,
    Copy,
}

fn step() -> impl Strategy<Value = Step> {
    let door = prop_oneof![3 => Just(Door::Write), 2 => Just(Door::Apply), 1 => Just(Door::Later)];
    prop_oneof![
        40 => (what(), door).prop_map(|(what, door)| Step::Change(what, door)),
        3 => (1..30_u64).prop_map(|ms| Step::Sleep { ms }),
        1 => (0..2_u8).prop_map(|number| Step::Erase { number }),
        1 => Just(Step::Restart),
        1 => Just(Step::Copy),
    ]
}

fn name(number: u8) -> String {
    format!("n{number}")
}

/// The outside number of a call: the first two calls have the same.
fn number_of(call: u8) -> u8 {
    call / 2
}

fn number(number: u8) -> String {
    format!("+4930777{number}")
}

/// Does it to the journal and to the model; both must answer the same.
async fn perform(journal: &Journal, model: &mut Model, what: &What, door: Door) {
    let Some(change) = model.resolve(what, journal) else { return };
    let now = Millis(model.now);
    let expected = model.expect(&change);
    let shown = format!("{change:?}");
    let carried_out = match door {
        Door::Write => journal.write(move |txn| carry_out(txn, &change, now)).await,
        Door::Apply => journal.apply(move |txn| carry_out(txn, &change, now)).await,
        Door::Later => {
            return journal.later("step", move |txn| carry_out(txn, &change, now).map(|_| ())).await.unwrap();
        }
    };
    let answer = carried_out.unwrap_or_else(|error| Answer::Refused(refused(&error)));
    assert_eq!(answer, expected, "{shown}");
}

async fn compare(journal: &Journal, model: &Model) {
    // What was queued before is applied when this returns.
    journal.write(|_| Ok(())).await.unwrap();
    assert_eq!(picture::of(journal, model.now).await, model.picture(model.now));
}

/// Copies the journal, and compares the copy.
async fn copy(world: &World, model: &Model) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("copy");
    world.journal.write(|_| Ok(())).await.unwrap();
    Reader::open(world.path()).unwrap().backup(&file, |_, _| {}).unwrap();
    let data = dir.path().join("data");
    restore(&file, &data, false).unwrap();
    let journal = Journal::open(&data).unwrap();
    compare(&journal, model).await;
    journal.close().await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// As many cases as CI has time for, or as `HOOKSWITCH_MODEL_CASES` says.
fn cases(usual: u32) -> ProptestConfig {
    let cases = std::env::var("HOOKSWITCH_MODEL_CASES").ok().map_or(usual, |cases| cases.parse().unwrap());
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn random_work_behaves_as_its_model(steps in prop::collection::vec(step(), 1..60)) {
        runtime().block_on(async {
            let mut world = World::new();
            let mut model = Model::default();
            for step in &steps {
                match step {
                    Step::Change(what, door) => perform(&world.journal, &mut model, what, *door).await,
                    Step::Sleep { ms } => model.now += ms,
                    Step::Erase { number: which } => {
                        let erased = world.journal.erase(&number(*which)).await.unwrap().0;
                        assert_eq!(erased, model.erase(*which));
                    }
                    Step::Restart => {
                        world = world.restart().await;
                        compare(&world.journal, &model).await;
                    }
                    Step::Copy => copy(&world, &model).await,
                }
            }
            compare(&world.journal, &model).await;
        });
    }
}
