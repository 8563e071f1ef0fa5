use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use hookswitch_call::Millis;
use hookswitch_journal::{Error, Reader, jobs::Finish};

use crate::world::{World, accepted, call, job, reference};

/// Keeps the writer busy with one closure until the returned sender is used, so that what is sent meanwhile is
/// committed as one group.
async fn hold(world: &World) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), Error>>) {
    let (go, wait) = mpsc::channel();
    let (began, begun) = tokio::sync::oneshot::channel();
    let journal = world.journal.clone();
    let held = tokio::spawn(async move {
        journal
            .write(move |_| {
                began.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            })
            .await
    });
    begun.await.unwrap();
    (go, held)
}

#[tokio::test]
async fn one_failing_closure_is_undone_and_the_others_of_its_group_are_kept() {
    let world = World::new();
    let (go, held) = hold(&world).await;
    let writers: Vec<_> = (0..10)
        .map(|number| {
            let journal = world.journal.clone();
            tokio::spawn(async move {
                journal
                    .write(move |txn| {
                        let new = accepted(call(&format!("c{number}"), 100), 1..=1, vec![job("crm", "begin")]);
                        txn.accept(vec![new])?;
                        if number % 2 == 1 {
                            txn.finish_job(
                                hookswitch_journal::JobId(-1),
                                Finish::Skipped { problem: None },
                                Millis(1),
                            )?;
                        }
                        Ok(())
                    })
                    .await
            })
        })
        .collect();
    // All of them are queued before this gets its turn again: there is one thread, and they come first.
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    held.await.unwrap().unwrap();
    for (number, writer) in writers.into_iter().enumerate() {
        let result = writer.await.unwrap();
        assert_eq!(result.is_err(), number % 2 == 1, "{number}: {result:?}");
    }
    let jobs = world.journal.read(|view| view.unfinished_jobs()).await.unwrap();
    let chains: Vec<_> = jobs.iter().map(|job| job.call.chain.as_str()).collect();
    assert_eq!(chains, ["c0", "c2", "c4", "c6", "c8"]);
}

#[tokio::test]
async fn changes_are_applied_in_the_order_in_which_they_were_queued_durable_or_not() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    for number in 0..500_u32 {
        let put = move |txn: &hookswitch_journal::Txn<'_>| {
            let before = txn.dossier(&reference("c1"), "crm")?;
            assert_eq!(before, number.checked_sub(1).map(|before| before.into()));
            txn.put_dossier(&reference("c1"), "crm", &number.into())
        };
        if number % 100 == 99 {
            world.journal.write(put).await.unwrap();
        } else {
            world.journal.later("number", put).await.unwrap();
        }
    }
    let last = world.journal.read(|view| view.dossier(&reference("c1"), "crm")).await.unwrap();
    assert_eq!(last, Some(499.into()));
}

#[tokio::test]
async fn closing_keeps_what_was_queued_and_lets_the_next_one_in() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    let (go, held) = hold(&world).await;
    world.journal.later("dossier", |txn| txn.put_dossier(&reference("c1"), "crm", &7.into())).await.unwrap();
    let other = world.journal.clone();
    go.send(()).unwrap();
    held.await.unwrap().unwrap();
    let world = world.restart().await;

    let kept = world.journal.read(|view| view.dossier(&reference("c1"), "crm")).await.unwrap();
    assert_eq!(kept, Some(7.into()));
    let error = other.write(|_| Ok(())).await.unwrap_err();
    assert!(matches!(error, Error::Closed), "{error}");
    let error = other.later("nothing", |_| Ok(())).await.unwrap_err();
    assert!(matches!(error, Error::Closed), "{error}");
}

#[tokio::test]
async fn what_is_written_later_is_seen_by_other_processes_soon() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    let reader = Reader::open(world.path()).unwrap();
    world.journal.later("dossier", |txn| txn.put_dossier(&reference("c1"), "crm", &7.into())).await.unwrap();
    let seen = async {
        while reader.read(|view| view.dossier(&reference("c1"), "crm")).unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), seen).await.expect("within five seconds");
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_any_more_is_applied() {
    let world = World::new();
    let (go, held) = hold(&world).await;
    let new = accepted(call("c1", 100), 1..=1, vec![]);
    {
        let write = world.journal.write(move |txn| txn.accept(vec![new]));
        tokio::pin!(write);
        tokio::select! {
            biased;
            _ = &mut write => panic!("the writer is held"),
            () = tokio::task::yield_now() => {}
        }
    }
    go.send(()).unwrap();
    held.await.unwrap().unwrap();
    world.journal.write(|_| Ok(())).await.unwrap();
    assert!(world.journal.read(|view| view.call(&reference("c1"))).await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait_and_loses_nothing() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    let (go, held) = hold(&world).await;
    let journal = world.journal.clone();
    let flood = tokio::spawn(async move {
        for number in 0..10_000_u32 {
            let put = move |txn: &hookswitch_journal::Txn<'_>| {
                let kind = number.to_string();
                txn.add_jobs(&reference("c1"), &[job("crm", &kind)], Millis(1)).map(|_| ())
            };
            journal.later("job", put).await.unwrap();
        }
    });
    while !flood.is_finished() && !waits(&world).await {
        tokio::task::yield_now().await;
    }
    assert!(!flood.is_finished(), "the queue is bounded");
    go.send(()).unwrap();
    held.await.unwrap().unwrap();
    flood.await.unwrap();
    let world = world.restart().await;
    let jobs = world.journal.read(|view| view.unfinished_jobs()).await.unwrap();
    assert!(jobs.iter().map(|job| job.kind.parse::<u32>().unwrap()).eq(0..10_000));
}

/// Whether the queue has no place left: a write does not even get into it.
async fn waits(world: &World) -> bool {
    let write = world.journal.later("probe", |_| Ok(()));
    tokio::pin!(write);
    tokio::select! {
        biased;
        _ = &mut write => false,
        () = tokio::task::yield_now() => true,
    }
}

/// How often the journal made commits durable that nobody had waited for.
fn syncs(world: &World) -> u64 {
    let sql = rusqlite::Connection::open(World::file(world.path())).unwrap();
    sql.query_row("SELECT value FROM meta WHERE name = 'syncs'", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_is_applied_is_seen_by_others_when_it_is_answered() {
    let world = World::new();
    let reader = Reader::open(world.path()).unwrap();
    for seq in 1..=20 {
        let new = accepted(call("c1", 100), seq..=seq, vec![]);
        let receipts = world.journal.apply(move |txn| txn.accept(vec![new])).await.unwrap();
        assert_eq!(receipts.len(), 1);
        assert_eq!(reader.read(|view| view.events_of(&reference("c1"))).unwrap().len() as u64, seq);
    }
    let error = world.journal.apply(|txn| txn.add_jobs(&reference("c9"), &[], Millis(1))).await.unwrap_err();
    assert!(matches!(error, Error::UnknownCall(_)), "{error}");
}

#[tokio::test]
async fn a_panic_undoes_its_own_changes_and_costs_nobody_else_anything() {
    let world = World::new();
    let (go, held) = hold(&world).await;
    let write = |chain: &'static str, panics: bool| {
        let journal = world.journal.clone();
        tokio::spawn(async move {
            journal
                .write(move |txn| {
                    txn.accept(vec![accepted(call(chain, 100), 1..=1, vec![])])?;
                    assert!(!panics, "cannot go on with {chain}");
                    Ok(())
                })
                .await
        })
    };
    let (before, bad, after) = (write("before", false), write("bad", true), write("after", false));
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    held.await.unwrap().unwrap();
    before.await.unwrap().unwrap();
    let error = bad.await.unwrap().unwrap_err();
    assert!(matches!(&error, Error::Panicked { detail } if detail == "cannot go on with bad"), "{error}");
    after.await.unwrap().unwrap();
    let there = world.journal.read(|view| {
        ["before", "bad", "after"].iter().map(|chain| Ok(view.call(&reference(chain))?.is_some())).collect()
    });
    let there: Vec<bool> = there.await.unwrap();
    assert_eq!(there, [true, false, true]);
    let error = world.journal.read(|_| -> Result<(), Error> { panic!("no answer") }).await.unwrap_err();
    assert!(matches!(error, Error::Panicked { .. }), "{error}");
}

#[tokio::test]
async fn what_is_written_later_is_made_durable_soon_without_anybody_asking() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    let before = syncs(&world);
    world.journal.later("dossier", |txn| txn.put_dossier(&reference("c1"), "crm", &7.into())).await.unwrap();
    let synced = async {
        while syncs(&world) == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), synced).await.expect("within five seconds");
}

#[tokio::test]
async fn many_records_that_ride_along_share_their_syncs() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    let (before, began) = (syncs(&world), Instant::now());
    for number in 0..2_000_u32 {
        let put = move |txn: &hookswitch_journal::Txn<'_>| txn.put_dossier(&reference("c1"), "crm", &number.into());
        world.journal.later("dossier", put).await.unwrap();
    }
    world.journal.write(|_| Ok(())).await.unwrap();
    let most = began.elapsed().as_millis() / 100 + 1;
    let made = u128::from(syncs(&world) - before);
    assert!((1..=most).contains(&made), "{made} syncs where {most} are enough");
}
