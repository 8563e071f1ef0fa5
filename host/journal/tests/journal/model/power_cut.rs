//! What is on the disk after a power cut: of everything that was not synced, any part.
//!
//! The files are copied when the last thing was acknowledged as durable, and again at the moment of the cut. Nothing was
//! synced in between but what SQLite itself waits for; so each sector of a file holds what it held at the first moment,
//! what it held at the second, or nothing, and a file that became longer has any length in between. From such an image the
//! journal must open with all that was durable, and with what followed it up to some change and nothing behind that.
//!
//! That the syncs themselves happen is for the tests of the writer: a copy of files does not show it.

use std::{fs, path::Path};

use hookswitch_journal::Journal;
use proptest::prelude::*;
use rusqlite::Connection;

use super::{
    Door, Model, cases,
    change::{What, what},
    perform, picture, runtime,
};
use crate::world::{World, accepted, call};

/// What no disk writes in part.
const SECTOR: usize = 512;

/// The first part of the log, which SQLite syncs before anything that belongs to it.
const LOG_HEADER: usize = 32;

/// What goes on when the power is cut.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Commits without a sync are added to the log.
    Commits,
    /// The log was moved into the database, and begins anew.
    LogBeginsAnew,
    /// The log is being moved into the database.
    LogIsMoved,
    /// The same, while commits without a sync are added to the log.
    LogIsMovedWhileOthersCommit,
}

#[derive(Clone, PartialEq)]
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Files {
    fn of(dir: &Path) -> Self {
        let read = |name: &str| fs::read(dir.join(name)).unwrap();
        Self { database: read("hookswitch.db"), log: read("hookswitch.db-wal") }
    }

    fn put(&self, dir: &Path) {
        fs::write(dir.join("hookswitch.db"), &self.database).unwrap();
        fs::write(dir.join("hookswitch.db-wal"), &self.log).unwrap();
    }
}

/// One way in which a file may be found: sector by sector as before, as after, or (where it was made longer) empty.
fn mix(before: &[u8], after: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let lengths = before.len().min(after.len())..=before.len().max(after.len());
    let length = match random.u8(0..4) {
        0 => *lengths.start(),
        1 => *lengths.end(),
        _ => random.usize(lengths),
    };
    let reached = [0.0, 0.1, 0.5, 0.9, 0.99, 1.0][random.usize(0..6)];
    let mut image = Vec::with_capacity(length);
    while image.len() < length {
        let sector = image.len()..length.min(image.len() + SECTOR);
        let source = if random.f64() < reached { after } else { before };
        let there = source.get(sector.start..sector.end.min(source.len())).unwrap_or_default();
        image.extend_from_slice(there);
        image.resize(sector.end, 0);
    }
    image
}

fn image(moment: Moment, before: &Files, after: &Files, random: &mut fastrand::Rng) -> Files {
    match moment {
        Moment::Commits => Files { database: before.database.clone(), log: mix(&before.log, &after.log, random) },
        Moment::LogBeginsAnew if random.u8(0..8) == 0 => before.clone(),
        Moment::LogBeginsAnew => {
            let mut begun = before.log.clone();
            let header = after.log.len().min(LOG_HEADER);
            begun.splice(..header.min(begun.len()), after.log[..header].iter().copied());
            Files { database: before.database.clone(), log: mix(&begun, &after.log, random) }
        }
        Moment::LogIsMoved | Moment::LogIsMovedWhileOthersCommit => Files {
            database: mix(&before.database, &after.database, random),
            log: mix(&before.log, &after.log, random),
        },
    }
}

/// Moves the log into the database, as the thread for it does.
fn move_log(dir: &Path) {
    let sql = Connection::open(dir.join("hookswitch.db")).unwrap();
    let (pages, moved): (u32, u32) =
        sql.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(pages, moved);
}

async fn cut(first: Vec<(What, bool)>, then: Vec<What>, moment: Moment, seed: u64) {
    let world = World::new();
    let journal = &world.journal;
    let mut model = Model::default();
    for (what, durable) in &first {
        perform(journal, &mut model, what, if *durable { Door::Write } else { Door::Apply }).await;
    }
    // Whatever was only applied is durable with it.
    journal.write(|_| Ok(())).await.unwrap();
    if matches!(moment, Moment::LogBeginsAnew) {
        move_log(world.path());
    }
    let before = Files::of(world.path());
    let reader = Connection::open(World::file(world.path())).unwrap();
    if matches!(moment, Moment::LogIsMovedWhileOthersCommit) {
        // The log cannot begin anew while somebody reads from it.
        reader.execute_batch("BEGIN; SELECT * FROM meta").unwrap();
    }
    if matches!(moment, Moment::LogIsMoved | Moment::LogIsMovedWhileOthersCommit) {
        move_log(world.path());
    }
    let mut states = vec![model.clone()];
    if !matches!(moment, Moment::LogIsMoved) {
        for what in &then {
            perform(journal, &mut model, what, Door::Apply).await;
            states.push(model.clone());
        }
    }
    let after = Files::of(world.path());

    let mut random = fastrand::Rng::with_seed(seed);
    for number in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        image(moment, &before, &after, &mut random).put(dir.path());
        for _ in 0..2 {
            let journal = Journal::open(dir.path()).unwrap();
            let found = picture::of(&journal, model.now).await;
            let last = states.iter().position(|state| state.picture(model.now) == found);
            assert!(last.is_some(), "image {number}: {found:#?} is none of {} states", states.len());
            journal.close().await;
        }
        let journal = Journal::open(dir.path()).unwrap();
        journal.write(|txn| txn.accept(vec![accepted(call("new", 100), 1..=1, vec![])])).await.unwrap();
        journal.close().await;
    }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn after_a_power_cut_all_that_was_durable_is_there_and_nothing_out_of_order(
        first in prop::collection::vec((what(), any::<bool>()), 1..25),
        then in prop::collection::vec(what(), 1..15),
        moment in prop_oneof![
            Just(Moment::Commits),
            Just(Moment::LogBeginsAnew),
            Just(Moment::LogIsMoved),
            Just(Moment::LogIsMovedWhileOthersCommit),
        ],
        seed in any::<u64>(),
    ) {
        runtime().block_on(cut(first, then, moment, seed));
    }
}
