//! What is read of jobs: by workers, and by people.

use hookswitch_call::Millis;
use hookswitch_journal::{
    JobId,
    jobs::{Finish, JobFilter, State},
};
use serde_json::json;

use crate::world::{World, accepted, call, job, kept, reference};

/// Two calls on two phone systems with jobs of two plugins, in every state.
async fn busy() -> (World, Vec<JobId>) {
    let world = World::new();
    let jobs = || vec![job("crm", "begin"), job("desk", "begin"), job("crm", "write")];
    let mut ids = kept(world.accept(accepted(call("c2", 100), 1..=1, jobs())).await);
    let mut branch = accepted(call("c1", 200), [], jobs());
    branch.call.pbx = "branch".into();
    branch.number = Some("+43112345".to_owned());
    ids.extend(kept(world.accept(branch).await));
    ids.extend(kept(world.accept(accepted(call("c2", 100), 2..=2, vec![job("crm", "update")])).await));
    let (done, parked, running) = (ids[0], ids[3], ids[5]);
    world
        .journal
        .write(move |txn| {
            txn.start_job(done, 1, "sha256:aa")?;
            txn.finish_job(done, Finish::Done { result: json!(1) }, Millis(7_000))?;
            txn.finish_job(parked, Finish::Parked { problem: "no".to_owned() }, Millis(8_000))?;
            txn.start_job(running, 2, "sha256:aa")
        })
        .await
        .unwrap();
    (world, ids)
}

#[tokio::test]
async fn the_backlog_of_a_plugin_is_what_waits_or_runs_call_by_call() {
    let (world, ids) = busy().await;
    let (backlog, head, plugins, counts) = world
        .journal
        .read({
            let parked = ids[3];
            move |view| Ok((view.backlog("crm")?, view.head(parked)?, view.plugins_with_backlog()?, view.count_jobs()?))
        })
        .await
        .unwrap();
    assert_eq!(backlog.iter().map(|head| head.id).collect::<Vec<_>>(), [ids[2], ids[6], ids[5]]);
    let running = &backlog[2];
    assert_eq!((running.call.to_string().as_str(), running.kind.as_str()), ("branch/c1", "write"));
    assert_eq!((running.state, running.attempt, running.failures), (State::Running, 2, 0));
    assert_eq!(
        (running.due, running.created, running.number.as_deref()),
        (Millis(5_000), Millis(200), Some("+43112345"))
    );
    assert_eq!(head.unwrap().state, State::Parked);
    assert_eq!(plugins, [("crm".to_owned(), 4), ("desk".to_owned(), 2)]);
    let crm = |state, count| ("crm".to_owned(), state, count);
    let expected =
        [crm(State::Waiting, 2), crm(State::Running, 1), crm(State::Parked, 1), ("desk".to_owned(), State::Waiting, 2)];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn jobs_are_listed_newest_first_by_every_condition_that_is_given() {
    let (world, ids) = busy().await;
    let all = JobFilter::default();
    let cases: [(&str, JobFilter, &[usize]); 9] = [
        ("all", all.clone(), &[6, 5, 4, 3, 2, 1, 0]),
        ("two", JobFilter { limit: 2, ..all.clone() }, &[6, 5]),
        ("on from there", JobFilter { limit: 2, before: Some(ids[5]), ..all.clone() }, &[4, 3]),
        ("parked", JobFilter { states: vec![State::Parked], ..all.clone() }, &[3]),
        ("unfinished", JobFilter { states: vec![State::Waiting, State::Running], ..all.clone() }, &[6, 5, 4, 2, 1]),
        ("done or parked", JobFilter { states: vec![State::Done, State::Parked], ..all.clone() }, &[3, 0]),
        ("plugin", JobFilter { plugin: Some("desk".to_owned()), ..all.clone() }, &[4, 1]),
        ("pbx and kind", JobFilter { pbx: Some("branch".into()), kind: Some("begin".into()), ..all.clone() }, &[4, 3]),
        ("nothing", JobFilter { plugin: Some("' OR 1".to_owned()), ..all }, &[]),
    ];
    for (name, filter, expected) in cases {
        let found = world.journal.read(move |view| view.list_jobs(&filter)).await.unwrap();
        let expected: Vec<_> = expected.iter().map(|index| ids[*index]).collect();
        assert_eq!(found.iter().map(|job| job.id).collect::<Vec<_>>(), expected, "{name}");
    }
}

#[tokio::test]
async fn the_jobs_for_a_number_are_those_of_exactly_this_number_since_a_moment() {
    let (world, ids) = busy().await;
    let find = |number: &'static str, since: u64, limit| {
        world.journal.read(move |view| view.jobs_for_number("crm", number, Millis(since), limit))
    };
    let ids_of = |jobs: Vec<hookswitch_journal::jobs::Job>| jobs.iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids_of(find("+4930123456", 100, 10).await.unwrap()), [ids[6], ids[2], ids[0]]);
    assert_eq!(ids_of(find("+4930123456", 100, 1).await.unwrap()), [ids[6]]);
    assert_eq!(ids_of(find("+4930123456", 7_000, 10).await.unwrap()), [ids[0]], "finished then");
    assert_eq!(ids_of(find("+493012345", 0, 10).await.unwrap()), [], "the beginning of a number is another one");
}

#[tokio::test]
async fn a_file_is_what_a_worker_needs_of_one_call() {
    let (world, ids) = busy().await;
    world.journal.write(|txn| txn.put_dossier(&reference("c2"), "crm", &json!({"begun": 1}))).await.unwrap();
    let (file, other, unknown) = world
        .journal
        .read(|view| {
            let call = reference("c2");
            Ok((view.file_of(&call, "crm")?, view.file_of(&call, "other")?, view.file_of(&reference("c9"), "crm")?))
        })
        .await
        .unwrap();
    let file = file.unwrap();
    assert_eq!((file.entry.call.seq, file.dossier), (2, Some(json!({"begun": 1}))));
    assert_eq!(file.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [ids[0], ids[2], ids[6]]);
    let other = other.unwrap();
    assert!(other.dossier.is_none() && other.jobs.is_empty());
    assert!(unknown.is_none());
}
