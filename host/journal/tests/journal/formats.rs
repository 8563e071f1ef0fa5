//! Files that earlier versions wrote.

use std::fs;

use hookswitch_call::Millis;
use hookswitch_journal::{
    JobId, Journal, OpenError, Reader,
    backup::restore,
    jobs::State,
    storage::{Key, Scope},
};
use rusqlite::Connection;
use serde_json::json;

use crate::world::{World, event, reference};

/// Writes a journal of format 1 to `path`.
fn format_1(path: &std::path::Path) {
    let sql = Connection::open(path).unwrap();
    sql.pragma_update(None, "auto_vacuum", "incremental").unwrap();
    sql.pragma_update(None, "journal_mode", "wal").unwrap();
    sql.execute_batch(include_str!("format_1.sql")).unwrap();
    sql.close().unwrap();
}

async fn check(journal: &Journal) {
    let (events, jobs, runs, requests, dossier, kept, backlog, users) = journal
        .read(|view| {
            let call = reference("chain-0");
            let key = Key { plugin: "crm".to_owned(), scope: Scope::Call(call.clone()), name: "seen".to_owned() };
            Ok((
                view.events_of(&call)?,
                view.unfinished_jobs()?,
                view.runs_of_job(JobId(1))?,
                view.answers_of(JobId(1))?,
                view.dossier(&call, "crm")?,
                view.get(&key, Millis(0))?,
                view.backlog("crm")?,
                view.directory("crm")?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(events, (1..=4).map(|seq| event("chain-0", seq)).collect::<Vec<_>>());
    let jobs: Vec<_> = jobs.iter().map(|job| (job.id.0, job.state, job.attempt, job.failures)).collect();
    let waiting = State::Waiting;
    let expected = [
        (1, State::Running, 1, 0),
        (3, waiting, 0, 0),
        (5, waiting, 0, 0),
        (2, State::Parked, 3, 0),
        (6, waiting, 0, 0),
    ];
    assert_eq!(jobs, expected);
    assert_eq!((runs.len(), runs[0].resumed, &runs[0].begun.build, requests.len()), (1, 0, &None, 1));
    assert_eq!(dossier, Some(json!({"begun": "7"})));
    assert!(kept.is_some() && users.is_some());
    assert_eq!(backlog.iter().map(|head| head.id.0).collect::<Vec<_>>(), [1, 3, 5, 6]);
}

#[tokio::test]
async fn a_journal_of_format_1_is_converted_with_all_that_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    format_1(&World::file(dir.path()));
    let error = Reader::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Older { found: 1, known: 4, .. }), "{error}");

    let journal = Journal::open(dir.path()).unwrap();
    check(&journal).await;
    let run = journal.next_run();
    assert_eq!(run.0, 52, "ids go on where format 1 was");
    journal.write(|txn| txn.retry_job(JobId(2), Millis(9))).await.unwrap();
    journal.close().await;
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.read(|view| view.job(JobId(2))).await.unwrap().unwrap().state, State::Waiting);
}

#[tokio::test]
async fn a_copy_of_format_1_is_restored_and_converted() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("old.db");
    format_1(&copy);
    let before = fs::read(&copy).unwrap();
    let data = dir.path().join("data");
    let restored = restore(&copy, &data, false).unwrap();
    assert_eq!(
        (restored.format, restored.backup.calls, restored.backup.jobs, restored.backup.unfinished),
        (1, 2, 6, 5)
    );
    check(&Journal::open(&data).unwrap()).await;
    assert_eq!(fs::read(&copy).unwrap(), before);
}
