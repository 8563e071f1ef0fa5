use std::time::Duration;

use hookswitch_call::{Millis, event::Outcome};
use hookswitch_journal::{
    JobId,
    calls::Filter,
    jobs::Finish,
    retention::{Pruned, Retention},
    runs::{Begun, Body, Effect, Intent},
    storage::{Content, Key, Put, Quota, Scope},
};
use serde_json::json;

use crate::world::{World, accepted, call, ended, job, kept, reference};

const DAY: u64 = 86_400_000;
const NOW: Millis = Millis(100 * DAY);
const KEEP: Retention =
    Retention { calls_for: Duration::from_millis(30 * DAY), runs_for: Duration::from_millis(7 * DAY), bytes: u64::MAX };

/// A call that was over `days` ago, with one job and one run of it that made a request of `size` bytes.
async fn past_call(world: &World, chain: &str, days: u64, size: usize) -> JobId {
    let at = NOW.0 - days * DAY;
    let over = ended(call(chain, at), at, Outcome::Answered);
    let id = kept(world.accept(accepted(over, 1..=1, vec![job("crm", "write")])).await)[0];
    let run = world.journal.next_run();
    let call = reference(chain);
    world
        .journal
        .write(move |txn| {
            txn.start_job(id, 1, "sha256:aa")?;
            let begun = Begun {
                id: run,
                job: Some(id),
                call: Some(call.clone()),
                plugin: "crm".to_owned(),
                function: "journal.write".to_owned(),
                attempt: 1,
                input: None,
                build: None,
                started: Millis(at),
            };
            txn.begin_run(&begun)?;
            txn.record_intent(&Intent {
                run,
                ordinal: 1,
                at: Millis(at),
                kind: "http".to_owned(),
                effect: Effect::Once,
                method: "POST".to_owned(),
                url: "x".to_owned(),
                key: None,
                headers: vec![],
                body: Body::of(&vec![1; size]),
                rule: None,
            })?;
            txn.put_dossier(&call, "crm", &json!({"written": "1"}))?;
            let key = Key { plugin: "crm".to_owned(), scope: Scope::Call(call), name: "k".to_owned() };
            let put = Put { value: Content::Text("v".to_owned()), expected: None, expires: None };
            txn.put(&key, &put, Quota::default(), NOW)?.unwrap();
            Ok(())
        })
        .await
        .unwrap();
    id
}

async fn finish(world: &World, id: JobId, finish: Finish) {
    world.journal.write(move |txn| txn.finish_job(id, finish, NOW)).await.unwrap();
}

async fn done(world: &World, id: JobId) {
    finish(world, id, Finish::Done { result: json!(null) }).await;
}

async fn chains(world: &World) -> Vec<String> {
    let found =
        world.journal.read(|view| view.find_calls(&Filter { limit: 10_000, ..Filter::default() })).await.unwrap();
    found.into_iter().map(|entry| entry.call.chain.to_string()).collect()
}

#[tokio::test]
async fn old_calls_go_with_everything_and_what_is_unfinished_stays() {
    let world = World::new();
    let old = past_call(&world, "old", 31, 10).await;
    done(&world, old).await;
    let recent = past_call(&world, "recent", 29, 10).await;
    done(&world, recent).await;
    past_call(&world, "running", 91, 10).await;
    let parked = past_call(&world, "parked", 92, 10).await;
    finish(&world, parked, Finish::Parked { problem: "no".to_owned() }).await;
    let waiting = past_call(&world, "waiting", 90, 10).await;
    finish(&world, waiting, Finish::Retry { due: NOW, problem: None, counts: true }).await;
    world.accept(accepted(call("open", NOW.0 - 93 * DAY), 1..=1, vec![])).await;

    let pruned = world.journal.prune(KEEP, NOW).await.unwrap();
    assert_eq!(pruned, Pruned { calls: 1, runs: 1, keys: 0, numbers: 0, dials: 0 });
    assert_eq!(chains(&world).await, ["recent", "waiting", "running", "parked", "open"]);
    let (events, jobs, dossier, runs, recent_runs, parked_runs) = world
        .journal
        .read(move |view| {
            Ok((
                view.events_of(&reference("old"))?.len(),
                view.job(old)?.is_some(),
                view.dossier(&reference("old"), "crm")?.is_some(),
                view.answers_of(old)?.len(),
                view.runs_of(&reference("recent"))?.len(),
                view.runs_of(&reference("parked"))?.len(),
            ))
        })
        .await
        .unwrap();
    assert_eq!((events, jobs, dossier, runs), (0, false, false, 0), "nothing of the old call is left");
    assert_eq!((recent_runs, parked_runs), (0, 1), "runs go earlier, but not those of a parked job");
    let kept_keys = |chain: &'static str| {
        world.journal.read(move |view| view.keys("crm", &Scope::Call(reference(chain)), "", None, 10, NOW))
    };
    assert_eq!((kept_keys("old").await.unwrap().len(), kept_keys("parked").await.unwrap().len()), (0, 1));
}

#[tokio::test]
async fn above_the_size_the_oldest_records_go_first_and_the_disk_gets_the_space() {
    let world = World::new();
    for number in 0..40 {
        let id = past_call(&world, &format!("c{number:02}"), 6 - number / 10, 200_000).await;
        done(&world, id).await;
    }
    let file = World::file(world.path());
    let small = Retention { bytes: 3 << 20, ..KEEP };
    let pruned = world.journal.prune(small, NOW).await.unwrap();
    assert_eq!((pruned.calls, pruned.keys), (0, 0), "the records are enough");
    assert!((20..40).contains(&pruned.runs), "{pruned:?}");
    let has_runs =
        |chain: &'static str| world.journal.read(move |view| Ok(!view.runs_of(&reference(chain))?.is_empty()));
    assert!(!has_runs("c00").await.unwrap());
    assert!(has_runs("c39").await.unwrap());
    let World { dir, journal } = world;
    journal.close().await;
    let length = std::fs::metadata(file).unwrap().len();
    assert!(length < 4 << 20, "{length} bytes");
    drop(dir);
}

#[tokio::test]
async fn where_records_are_not_enough_the_oldest_calls_go_before_their_time() {
    let world = World::new();
    for number in 0..60 {
        let id = past_call(&world, &format!("c{number:02}"), 1, 10).await;
        done(&world, id).await;
    }
    past_call(&world, "busy", 2, 10).await;
    let nothing = Retention { bytes: 0, ..KEEP };
    let pruned = world.journal.prune(nothing, NOW).await.unwrap();
    assert_eq!((pruned.calls, pruned.runs), (60, 60));
    assert_eq!(chains(&world).await, ["busy"]);
}

#[tokio::test]
async fn keys_whose_time_is_over_are_removed() {
    let world = World::new();
    let key = |name: &str| Key { plugin: "crm".to_owned(), scope: Scope::Plugin, name: name.to_owned() };
    for number in 0..120_u64 {
        let put = Put { value: Content::Text(String::new()), expected: None, expires: Some(Millis(NOW.0 + number)) };
        let key = key(&number.to_string());
        world.journal.write(move |txn| txn.put(&key, &put, Quota::default(), Millis(0))).await.unwrap().unwrap();
    }
    let pruned = world.journal.prune(KEEP, Millis(NOW.0 + 100)).await.unwrap();
    assert_eq!(pruned, Pruned { calls: 0, runs: 0, keys: 101, numbers: 0, dials: 0 });
}

#[tokio::test]
async fn ids_of_runs_are_not_given_again_after_the_runs_are_forgotten() {
    let world = World::new();
    let id = past_call(&world, "c1", 8, 10).await;
    done(&world, id).await;
    let last = world.journal.next_run();
    world.journal.prune(KEEP, NOW).await.unwrap();
    let world = world.restart().await;
    assert!(world.journal.next_run() >= last);
}
