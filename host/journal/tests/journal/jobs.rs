use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, JobId,
    jobs::{Finish, Job, NewJob, State},
};
use serde_json::json;

use crate::world::{World, accepted, call, job, kept, reference};

async fn one_job(world: &World) -> JobId {
    kept(world.accept(accepted(call("c1", 100), 1..=1, vec![job("crm", "write")])).await)[0]
}

#[tokio::test]
async fn unfinished_jobs_come_in_order_of_pbx_call_plugin_and_age() {
    let world = World::new();
    let jobs = |names: &[(&str, &str)]| names.iter().map(|(plugin, kind)| job(plugin, kind)).collect::<Vec<NewJob>>();
    world.accept(accepted(call("c2", 100), 1..=1, jobs(&[("b", "begin"), ("a", "begin")]))).await;
    world.accept(accepted(call("c1", 200), 1..=1, jobs(&[("a", "begin")]))).await;
    let mut branch = accepted(call("c9", 300), [], jobs(&[("a", "begin")]));
    branch.call.pbx = "branch".into();
    world.accept(branch).await;
    world.accept(accepted(call("c2", 100), 2..=2, jobs(&[("a", "write"), ("b", "write")]))).await;

    let found = world.journal.read(|view| view.unfinished_jobs()).await.unwrap();
    let found: Vec<_> =
        found.iter().map(|job| (job.call.to_string(), job.plugin.as_str(), job.kind.as_str())).collect();
    let expected = [
        ("branch/c9", "a", "begin"),
        ("office/c1", "a", "begin"),
        ("office/c2", "a", "begin"),
        ("office/c2", "a", "write"),
        ("office/c2", "b", "begin"),
        ("office/c2", "b", "write"),
    ];
    assert_eq!(found, expected.map(|(call, plugin, kind)| (call.to_owned(), plugin, kind)));
}

#[tokio::test]
async fn a_job_that_was_running_when_the_service_stopped_is_found_running() {
    let world = World::new();
    let id = one_job(&world).await;
    world.journal.write(move |txn| txn.start_job(id, 1, "sha256:aa")).await.unwrap();
    let world = world.restart().await;

    let found = world.journal.read(|view| view.unfinished_jobs()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, found[0].state, found[0].attempt), (id, State::Running, 1));
    assert_eq!(found[0].component.as_deref(), Some("sha256:aa"));
    world.journal.write(move |txn| txn.start_job(id, 1, "sha256:aa")).await.expect("it can be resumed");
}

#[tokio::test]
async fn the_end_of_a_job_and_what_the_crm_knows_now_are_kept_together() {
    let world = World::new();
    let id = one_job(&world).await;
    world.journal.write(move |txn| txn.start_job(id, 1, "sha256:aa")).await.unwrap();
    let finish = move |txn: &hookswitch_journal::Txn<'_>| {
        txn.finish_job(id, Finish::Done { result: json!({"id": "42"}) }, Millis(7_000))?;
        txn.put_dossier(&reference("c1"), "crm", &json!({"written": "42"}))
    };
    world.journal.write(finish).await.unwrap();
    // The second time the job is done already: the dossier must not be touched either.
    let error = world
        .journal
        .write(move |txn| {
            txn.put_dossier(&reference("c1"), "crm", &json!({"written": "43"}))?;
            txn.finish_job(id, Finish::Done { result: json!(null) }, Millis(8_000))
        })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::JobState { state: State::Done, .. }), "{error}");
    let world = world.restart().await;

    let (job, dossier, others) = world
        .journal
        .read(move |view| {
            Ok((view.job(id)?.unwrap(), view.dossier(&reference("c1"), "crm")?, view.dossier(&reference("c1"), "x")?))
        })
        .await
        .unwrap();
    assert_eq!((job.state, job.finished, job.result), (State::Done, Some(Millis(7_000)), Some(json!({"id": "42"}))));
    assert_eq!(dossier, Some(json!({"written": "42"})));
    assert_eq!(others, None);
}

#[tokio::test]
async fn jobs_move_only_along_the_arrows() {
    use State::{Done, Parked, Running, Skipped, Waiting};
    let world = World::new();
    let every = [Waiting, Running, Done, Parked, Skipped];
    let allowed = [
        (Waiting, vec![Waiting, Running, Parked, Skipped]),
        (Running, vec![Waiting, Running, Done, Parked, Skipped]),
        (Parked, vec![]),
        (Done, vec![]),
        (Skipped, vec![]),
    ];
    for (index, (from, targets)) in allowed.into_iter().enumerate() {
        for to in every {
            let chain = format!("c{index}-{to}");
            let id = kept(world.accept(accepted(call(&chain, 100), 1..=1, vec![job("crm", "x")])).await)[0];
            bring(&world, id, Running).await.unwrap();
            if from != Running {
                bring(&world, id, from).await.unwrap();
            }
            let moved = bring(&world, id, to).await;
            assert_eq!(moved.is_ok(), targets.contains(&to), "{from} to {to}: {moved:?}");
            let state = world.journal.read(move |view| view.job(id)).await.unwrap().unwrap().state;
            assert_eq!(state, if targets.contains(&to) { to } else { from }, "{from} to {to}");
        }
    }
}

async fn bring(world: &World, id: JobId, to: State) -> Result<(), Error> {
    let finish = match to {
        State::Running => return world.journal.write(move |txn| txn.start_job(id, 1, "sha256:aa")).await,
        State::Waiting => Finish::Retry { due: Millis(9_000), problem: None, counts: true },
        State::Done => Finish::Done { result: json!(null) },
        State::Parked => Finish::Parked { problem: "portal says no".to_owned() },
        State::Skipped => Finish::Skipped { problem: None },
    };
    world.journal.write(move |txn| txn.finish_job(id, finish, Millis(8_000))).await
}

#[tokio::test]
async fn people_decide_about_jobs_that_wait_or_are_parked_and_about_no_others() {
    use State::{Done, Parked, Running, Skipped, Waiting};
    let world = World::new();
    let cases = [
        // From, retried, skipped.
        (Waiting, None, Some(Skipped)),
        (Running, None, None),
        (Parked, Some(Waiting), Some(Skipped)),
        (Done, None, None),
        (Skipped, None, None),
    ];
    for (from, retried, skipped) in cases {
        for (wanted, expected) in [(Waiting, retried), (Skipped, skipped)] {
            let chain = format!("{from}-{wanted}");
            let id = kept(world.accept(accepted(call(&chain, 100), 1..=1, vec![job("crm", "x")])).await)[0];
            bring(&world, id, Running).await.unwrap();
            bring(&world, id, Waiting).await.unwrap();
            bring(&world, id, Running).await.unwrap();
            if from != Running {
                bring(&world, id, from).await.unwrap();
            }
            let before = world.journal.read(move |view| view.job(id)).await.unwrap().unwrap();
            let decided = world.journal.write(move |txn| match wanted {
                Waiting => txn.retry_job(id, Millis(77)),
                _ => txn.skip_job(id, None, Millis(77)),
            });
            let decided = decided.await;
            let after = world.journal.read(move |view| view.job(id)).await.unwrap().unwrap();
            match (expected, wanted) {
                (None, _) => {
                    assert!(matches!(decided, Err(Error::JobState { state, .. }) if state == from), "{decided:?}");
                    assert_eq!(after, before, "{chain}");
                }
                (Some(_), Waiting) => {
                    let expected = Job { state: Waiting, failures: 0, due: Millis(77), finished: None, ..before };
                    assert_eq!((decided.unwrap(), &after), (expected.clone(), &expected), "{chain}");
                }
                (Some(_), _) => {
                    let expected = Job { state: Skipped, finished: Some(Millis(77)), ..before };
                    assert_eq!((decided.unwrap(), &after), (expected.clone(), &expected), "{chain}");
                }
            }
        }
    }
    let unknown = world.journal.write(|txn| txn.retry_job(JobId(99), Millis(1))).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownJob(JobId(99))), "{unknown}");
}

#[tokio::test]
async fn a_reason_to_skip_stands_in_place_of_the_problem() {
    let world = World::new();
    let id = one_job(&world).await;
    bring(&world, id, State::Parked).await.unwrap();
    let reason = Some("entered by hand".to_owned());
    let job = world.journal.write(move |txn| txn.skip_job(id, reason, Millis(77))).await.unwrap();
    assert_eq!(job.problem.as_deref(), Some("entered by hand"));
}

#[tokio::test]
async fn only_failures_are_counted() {
    let world = World::new();
    let id = one_job(&world).await;
    for (counts, failures) in [(true, 1), (false, 1), (true, 2)] {
        world
            .journal
            .write(move |txn| {
                txn.start_job(id, 1, "sha256:aa")?;
                txn.finish_job(id, Finish::Retry { due: Millis(1), problem: None, counts }, Millis(1))
            })
            .await
            .unwrap();
        let job = world.journal.read(move |view| view.job(id)).await.unwrap().unwrap();
        assert_eq!(job.failures, failures);
    }
    bring(&world, id, State::Parked).await.unwrap();
    assert_eq!(world.journal.read(move |view| view.job(id)).await.unwrap().unwrap().failures, 2);
}

#[tokio::test]
async fn a_retry_says_when_and_why() {
    let world = World::new();
    let id = one_job(&world).await;
    world.journal.write(move |txn| txn.start_job(id, 1, "sha256:aa")).await.unwrap();
    let retry = Finish::Retry { due: Millis(60_000), problem: Some("503".to_owned()), counts: true };
    world.journal.write(move |txn| txn.finish_job(id, retry, Millis(8_000))).await.unwrap();

    let job = world.journal.read(move |view| view.job(id)).await.unwrap().unwrap();
    assert_eq!((job.state, job.due, job.problem.as_deref()), (State::Waiting, Millis(60_000), Some("503")));
    assert_eq!((job.attempt, job.finished), (1, None));
}

#[tokio::test]
async fn jobs_can_be_added_to_a_call_that_is_known_and_to_no_other() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    let add = |chain: &'static str| {
        world.journal.write(move |txn| txn.add_jobs(&reference(chain), &[job("crm", "update")], Millis(9_000)))
    };
    let ids = add("c1").await.unwrap();
    let jobs = world.journal.read(|view| view.jobs_of(&reference("c1"))).await.unwrap();
    assert_eq!((jobs[0].id, jobs[0].created), (ids[0], Millis(9_000)));
    let error = add("never").await.unwrap_err();
    assert!(matches!(error, Error::UnknownCall(_)), "{error}");
}
