use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{AGAIN, FULL, Log, Moved, Relaxed, TOO_LONG, move_pages};
use crate::file;

/// One commit of `pages` new pages and a few more.
fn commit(sql: &Connection, pages: u32) {
    sql.execute("INSERT INTO directories VALUES (hex(randomblob(8)), 0, hex(zeroblob(?1)))", [pages * 2040]).unwrap();
}

fn journal(dir: &Path) -> (file::Owned, Log) {
    let mut owned = file::own(dir).unwrap();
    let log = Log::keep(&mut owned.connection, dir).unwrap();
    (owned, log)
}

#[test]
fn the_thread_moves_the_bulk_the_writer_the_rest_and_the_log_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (owned, mut log) = journal(dir.path());
    let sql = &owned.connection;
    let until = Instant::now() + Duration::from_secs(30);
    while log.length.load(Relaxed) < FULL {
        commit(sql, AGAIN);
        log.tend(sql).unwrap();
    }
    // A little more at a time, until the thread is heard of.
    while log.length.load(Relaxed) >= FULL {
        assert!(Instant::now() < until, "the log never began anew");
        commit(sql, 1);
        log.tend(sql).unwrap();
        std::thread::yield_now();
    }
    assert!(log.length.load(Relaxed) < 20);
}

#[test]
fn while_somebody_reads_an_old_state_the_log_grows_and_afterwards_it_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (owned, mut log) = journal(dir.path());
    let sql = &owned.connection;
    commit(sql, 1);
    let reader = file::borrow(dir.path()).unwrap();
    let reading = reader.unchecked_transaction().unwrap();
    let count = || reading.query_row("SELECT count(*) FROM directories", [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count(), 1);
    while log.length.load(Relaxed) < TOO_LONG + AGAIN {
        commit(sql, AGAIN);
        log.tend(sql).unwrap();
    }
    assert_eq!(count(), 1, "the reader sees its state still");
    drop(reading);
    commit(sql, 1);
    log.tend(sql).unwrap();
    commit(sql, 1);
    assert!(log.length.load(Relaxed) < 20);
}

#[test]
fn the_thread_is_gone_when_the_journal_is_closed_and_leaves_no_log() {
    let dir = tempfile::tempdir().unwrap();
    let (owned, mut log) = journal(dir.path());
    commit(&owned.connection, FULL);
    log.tend(&owned.connection).unwrap();
    drop(log);
    drop(owned);
    assert!(!dir.path().join("hookswitch.db-wal").exists());
}

#[test]
fn two_do_not_move_it_at_the_same_time_and_the_second_one_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let owned = file::own(dir.path()).unwrap();
    commit(&owned.connection, 1);
    let reader = file::borrow(dir.path()).unwrap();
    let reading = reader.unchecked_transaction().unwrap();
    reading.query_row("SELECT count(*) FROM directories", [], |_| Ok(())).unwrap();
    commit(&owned.connection, 1);
    // Waits for the reader, and nobody else may move the log meanwhile.
    let other = std::thread::spawn({
        let dir = dir.path().to_owned();
        move || file::empty_log(&dir)
    });
    let until = Instant::now() + Duration::from_secs(10);
    while move_pages(&owned.connection).unwrap() != Moved::Busy {
        assert!(Instant::now() < until, "the other one never began");
    }
    drop(reading);
    other.join().unwrap().unwrap();
    assert_eq!(move_pages(&owned.connection).unwrap(), Moved::UpTo { moved: 0, length: 0 });
}
