//! Copies of a journal in use, and journals made of copies.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use hookswitch_call::Millis;
use hookswitch_journal::{
    Journal, OpenError, Reader,
    backup::{Backup, BackupError, RestoreError, restore},
};
use rusqlite::Connection;

use crate::{
    crash::Writer,
    world::{World, accepted, call, event, job, reference},
};

/// A journal of `calls` calls, in use.
async fn busy(calls: usize) -> World {
    let world = World::new();
    for number in 0..calls {
        world.accept(accepted(call(&format!("c{number}"), 100), 1..=3, vec![job("crm", "begin")])).await;
    }
    world
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn calls_in(dir: &Path) -> usize {
    let journal = Journal::open(dir).unwrap();
    let found = journal.read(|view| view.unfinished_jobs()).await.unwrap().len();
    journal.close().await;
    found
}

#[tokio::test]
async fn a_copy_is_one_whole_file_that_says_what_it_holds_and_makes_a_journal_again() {
    let world = busy(300).await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("monday.db");
    let mut progress = Vec::new();
    let backup = Reader::open(world.path()).unwrap().backup(&copy, |done, all| progress.push((done, all))).unwrap();
    let bytes = fs::metadata(&copy).unwrap().len();
    assert_eq!(backup, Backup { bytes, calls: 300, jobs: 300, unfinished: 300, newest: Some(Millis(100)) });
    assert_eq!(names(copies.path()), ["monday.db"]);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let pages = bytes / 4096;
    assert_eq!(progress.last(), Some(&(pages, pages)));

    // The original goes on and is lost.
    world.accept(accepted(call("after", 100), 1..=1, vec![])).await;
    let fresh = tempfile::tempdir().unwrap();
    let restored = restore(&copy, fresh.path(), false).unwrap();
    assert_eq!((restored.backup, restored.format, restored.replaced), (backup, 4, None));
    let journal = Journal::open(fresh.path()).unwrap();
    let (events, after) =
        journal.read(|view| Ok((view.events_of(&reference("c299"))?, view.call(&reference("after"))?))).await.unwrap();
    assert_eq!(events, (1..=3).map(|seq| event("c299", seq)).collect::<Vec<_>>());
    assert!(after.is_none());
    journal.write(|txn| txn.accept(vec![accepted(call("new", 100), 1..=1, vec![])])).await.unwrap();
}

#[test]
fn a_copy_is_one_state_although_another_process_writes_all_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start(dir.path(), &[0; 16]);
    let until = Instant::now() + Duration::from_secs(30);
    let copies = tempfile::tempdir().unwrap();
    let mut jobs = Vec::new();
    let mut said = 0;
    while jobs.len() < 5 {
        assert!(Instant::now() < until, "the writer makes no progress");
        for _ in 0..200 {
            writer.next().unwrap();
            said += 1;
        }
        let copy = copies.path().join(said.to_string());
        let backup = Reader::open(dir.path()).unwrap().backup(&copy, |_, _| {}).unwrap();
        let sql = Connection::open(&copy).unwrap();
        let (events, seqs): (u64, u64) = sql
            .query_row("SELECT (SELECT count(*) FROM events), (SELECT sum(seq) FROM calls)", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((events, seqs), (backup.jobs, backup.jobs), "one event and one job for each step of a call");
        jobs.push(backup.jobs);
    }
    writer.kill();
    assert!(jobs.is_sorted() && jobs[0] < jobs[4], "{jobs:?}");
}

#[tokio::test]
async fn a_file_is_never_overwritten_and_a_copy_that_fails_leaves_nothing() {
    let world = busy(3).await;
    let copies = tempfile::tempdir().unwrap();
    let reader = Reader::open(world.path()).unwrap();
    let taken = copies.path().join("taken");
    fs::write(&taken, "mine").unwrap();
    let error = reader.backup(&taken, |_, _| {}).unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error}");
    assert_eq!(fs::read(&taken).unwrap(), b"mine");

    let error = reader.backup(&copies.path().join("no/where"), |_, _| {}).unwrap_err();
    assert!(matches!(error, BackupError::Path { .. }), "{error}");

    let late = copies.path().join("late");
    let error = reader.backup(&late, |_, _| fs::write(&late, "mine").unwrap()).unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error}");
    assert_eq!(fs::read(&late).unwrap(), b"mine");

    let twice = copies.path().join("twice");
    let mut second = None;
    let first = reader.backup(&twice, |_, _| {
        second.get_or_insert_with(|| Reader::open(world.path()).unwrap().backup(&twice, |_, _| {}).map(|_| ()));
    });
    assert!(first.is_ok() && matches!(second, Some(Err(BackupError::Busy(_)))), "{second:?}");
    // What a killed backup left behind is no obstacle.
    fs::write(copies.path().join("again.part"), "half of it").unwrap();
    reader.backup(&copies.path().join("again"), |_, _| {}).unwrap();
    assert_eq!(names(copies.path()), ["again", "late", "taken", "twice"]);
}

#[tokio::test]
async fn a_journal_in_use_or_in_the_way_is_not_replaced_unasked_and_kept_when_it_is() {
    let world = busy(3).await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy");
    Reader::open(world.path()).unwrap().backup(&copy, |_, _| {}).unwrap();
    world.accept(accepted(call("after", 100), 1..=1, vec![job("crm", "x")])).await;

    let error = restore(&copy, world.path(), true).unwrap_err();
    assert!(matches!(error, RestoreError::Directory(OpenError::InUse { .. })), "{error}");
    let World { dir, journal } = world;
    journal.close().await;
    let error = restore(&copy, dir.path(), false).unwrap_err();
    assert!(matches!(error, RestoreError::Exists(_)) && error.to_string().contains("--replace"), "{error}");
    assert_eq!(calls_in(dir.path()).await, 4);

    let restored = restore(&copy, dir.path(), true).unwrap();
    assert_eq!(calls_in(dir.path()).await, 3);
    let old = tempfile::tempdir().unwrap();
    fs::rename(restored.replaced.unwrap(), World::file(old.path())).unwrap();
    assert_eq!(calls_in(old.path()).await, 4, "the old one is whole");
    assert_eq!(names(dir.path()), ["hookswitch.db", "hookswitch.lock"]);
}

#[tokio::test]
async fn what_a_killed_service_left_in_the_log_is_kept_with_the_old_journal_and_not_given_to_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start(dir.path(), &[0; 16]);
    for _ in 0..500 {
        writer.next().unwrap();
    }
    writer.kill();
    assert!(fs::metadata(dir.path().join("hookswitch.db-wal")).unwrap().len() > 0);
    let there = Reader::open(dir.path()).unwrap().read(|view| Ok(view.unfinished_jobs()?.len())).unwrap();

    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy");
    let world = busy(3).await;
    Reader::open(world.path()).unwrap().backup(&copy, |_, _| {}).unwrap();
    let restored = restore(&copy, dir.path(), true).unwrap();
    assert_eq!(calls_in(dir.path()).await, 3);
    let old = tempfile::tempdir().unwrap();
    fs::rename(restored.replaced.unwrap(), World::file(old.path())).unwrap();
    assert_eq!(calls_in(old.path()).await, there);
}

/// Restores two copies by turns, until it is killed; does nothing when it runs among the tests.
#[test]
fn as_a_process_that_restores() {
    let Some(copies) = std::env::var_os("RESTORE_FROM").map(PathBuf::from) else { return };
    println!("restoring");
    for copy in ["small", "large"].into_iter().cycle() {
        restore(&copies.join(copy), &copies.join("data"), true).unwrap();
    }
}

#[tokio::test]
async fn whenever_restoring_is_killed_there_is_one_whole_journal_the_old_one_or_the_new_one() {
    let copies = tempfile::tempdir().unwrap();
    for (name, calls) in [("small", 3), ("large", 300)] {
        let world = busy(calls).await;
        Reader::open(world.path()).unwrap().backup(&copies.path().join(name), |_, _| {}).unwrap();
    }
    let data = copies.path().join("data");
    restore(&copies.path().join("small"), &data, false).unwrap();
    let mut found = std::collections::BTreeMap::new();
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..30 {
        let mut restoring = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "backups::as_a_process_that_restores", "--nocapture"])
            .env("RESTORE_FROM", copies.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(restoring.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("restoring")));
        // The moment of the kill is the point, not a wait for something.
        std::thread::sleep(Duration::from_micros(random.u64(0..60_000)));
        restoring.kill().unwrap();
        restoring.wait().unwrap();
        *found.entry(calls_in(&data).await).or_insert(0) += 1;
    }
    assert!(found.keys().all(|calls| [3, 300].contains(calls)), "{found:?}");
    let kept: Vec<_> = names(&data).into_iter().filter(|name| name.ends_with("hookswitch.db")).collect();
    assert!(kept.len() > 5, "some of them came far enough: {kept:?}");
}

#[tokio::test]
async fn a_damaged_journal_is_replaced_and_kept_with_its_log() {
    let world = busy(300).await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy");
    Reader::open(world.path()).unwrap().backup(&copy, |_, _| {}).unwrap();
    let World { dir, journal } = world;
    journal.close().await;
    let file = World::file(dir.path());
    let mut bytes = fs::read(&file).unwrap();
    bytes[..4096].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    fs::write(dir.path().join("hookswitch.db-wal"), "the log").unwrap();

    let replaced = restore(&copy, dir.path(), true).unwrap().replaced.unwrap();
    assert_eq!(fs::read(&replaced).unwrap(), bytes);
    assert_eq!(fs::read(format!("{}-wal", replaced.display())).unwrap(), b"the log");
    assert_eq!(calls_in(dir.path()).await, 300);
}

#[tokio::test]
async fn a_copy_that_is_no_good_is_named_and_changes_nothing() {
    let world = busy(300).await;
    let copies = tempfile::tempdir().unwrap();
    let good = copies.path().join("good");
    Reader::open(world.path()).unwrap().backup(&good, |_, _| {}).unwrap();
    let World { dir, journal } = world;
    journal.close().await;
    let before = fs::read(World::file(dir.path())).unwrap();

    let bad = |name: &str, change: &dyn Fn(&Path)| -> PathBuf {
        let bad = copies.path().join(name);
        fs::copy(&good, &bad).unwrap();
        change(&bad);
        bad
    };
    let damage = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 20_000].fill(0xa5);
        fs::write(path, bytes).unwrap();
    };
    let sql =
        |statement: &'static str| move |path: &Path| Connection::open(path).unwrap().execute_batch(statement).unwrap();
    type Check = fn(&RestoreError) -> bool;
    let cases: [(PathBuf, Check); 7] = [
        (copies.path().join("missing"), |error| matches!(error, RestoreError::Path { .. })),
        (bad("damaged", &damage), |error| matches!(error, RestoreError::Damaged { .. })),
        (bad("cut", &|path| fs::File::options().write(true).open(path).unwrap().set_len(40_960).unwrap()), |error| {
            matches!(error, RestoreError::Damaged { .. })
        }),
        (bad("text", &|path| fs::write(path, "hello").unwrap()), |error| matches!(error, RestoreError::Damaged { .. })),
        (bad("empty", &|path| fs::write(path, "").unwrap()), |error| matches!(error, RestoreError::Damaged { .. })),
        (bad("foreign", &sql("PRAGMA application_id = 7")), |error| matches!(error, RestoreError::Foreign(_))),
        (bad("newer", &sql("UPDATE meta SET value = 9 WHERE name = 'schema'")), |error| {
            matches!(error, RestoreError::Newer { found: 9, .. })
        }),
    ];
    for (copy, expected) in cases {
        let error = restore(&copy, dir.path(), true).unwrap_err();
        assert!(expected(&error), "{}: {error}", copy.display());
        assert!(error.to_string().contains(&*copy.to_string_lossy()), "{error}");
        assert!(fs::read(World::file(dir.path())).unwrap() == before, "{}", copy.display());
    }
    assert_eq!(names(dir.path()), ["hookswitch.db", "hookswitch.lock"]);
}
