//! Forgetting what is old, in small steps between which calls are accepted.
//!
//! A call that is not over, and one with a job that waits, runs or is parked or with an event that a plugin has yet to
//! copy elsewhere, keeps everything, whatever its age and whatever the size of the journal. So does one that somebody
//! holds, and one with a recording that is on its way or kept: recordings have a time of their own.

mod erase;

use std::time::Duration;

use hookswitch_call::Millis;
use rusqlite::{Connection, params};

use crate::{Error, Journal, Txn, dials::IDLE};

pub use erase::Erased;

/// Most rows that one step forgets because of their age: some milliseconds of the writer's time.
const STEP: u32 = 50;

/// Most rows that one step forgets to make room. Few, so that not much more goes than must.
const ROOM: u32 = 8;

/// Free pages that one step gives back to the disk: 4 MiB.
const PAGES: u32 = 1000;

/// Nothing goes before its time that is younger than this: somebody may be working on it.
const YOUNG: Duration = Duration::from_secs(3600);

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Calls with their events, jobs and dossiers, after they changed last.
    pub calls_for: Duration,
    /// Runs of plugins with their requests and answers, after they began.
    pub runs_for: Duration,
    /// Most bytes in use. Above that the oldest runs go before their time, and where there are none the oldest calls.
    pub bytes: u64,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Calls, with everything that belongs to them.
    pub calls: u64,
    /// Runs, besides those of the calls.
    pub runs: u64,
    /// Keys of plugins whose time was over.
    pub keys: u64,
    /// Numbers in the phonebook whose time was over.
    pub numbers: u64,
    /// Calls that were asked for.
    pub dials: u64,
}

impl Pruned {
    fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Calls for which nothing is to be done any more, if they are over.
const IDLE_CALLS: &str = "NOT EXISTS (
    SELECT 1 FROM jobs WHERE jobs.call = calls.id AND jobs.state IN ('waiting', 'running', 'parked'))
    AND NOT EXISTS (SELECT 1 FROM feed WHERE feed.call = calls.id)";

/// Calls that somebody holds.
const HELD: &str = "EXISTS (SELECT 1 FROM holds WHERE holds.call = calls.id)";

/// Calls with recordings that are on their way, or here.
const RECORDED: &str = "EXISTS (SELECT 1 FROM recordings WHERE recordings.call = calls.id
    AND (recordings.state IN ('awaited', 'fetched') OR file IS NOT NULL OR original IS NOT NULL))";

/// Runs that may go.
const IDLE_RUNS: &str = "NOT EXISTS (SELECT 1 FROM calls WHERE calls.id = runs.call AND open) AND NOT EXISTS (
    SELECT 1 FROM jobs WHERE jobs.call = runs.call AND jobs.state IN ('waiting', 'running', 'parked'))
    AND NOT EXISTS (
    SELECT 1 FROM deliveries JOIN feed ON feed.call = deliveries.call WHERE deliveries.run = runs.id)";

impl Journal {
    /// Forgets what `retention` does not keep, and gives the space back to the disk. Takes many small steps, so others
    /// write in between.
    ///
    /// # Errors
    ///
    /// Those of the file. What was forgotten before stays so.
    pub async fn prune(&self, retention: Retention, now: Millis) -> Result<Pruned, Error> {
        let mut all = Pruned::default();
        loop {
            let step = self.write(move |txn| txn.prune_step(retention, now)).await?;
            if step.is_nothing() {
                break;
            }
            all.calls += step.calls;
            all.runs += step.runs;
            all.keys += step.keys;
            all.numbers += step.numbers;
            all.dials += step.dials;
        }
        self.give_back().await?;
        Ok(all)
    }

    async fn give_back(&self) -> Result<(), Error> {
        while self.write(|txn| give_back(txn.sql)).await? {}
        Ok(())
    }
}

impl Txn<'_> {
    fn prune_step(&self, retention: Retention, now: Millis) -> Result<Pruned, Error> {
        let before = |age: Duration| now.before(age).0;
        let pruned = Pruned {
            calls: self.forget_calls(before(retention.calls_for), STEP)?,
            runs: self.forget_runs(before(retention.runs_for), STEP)?,
            keys: self.forget_keys(now)?,
            numbers: self.forget_numbers(now)?,
            dials: self.forget_dials(before(retention.calls_for))?,
        };
        if !pruned.is_nothing() || bytes_in_use(self.sql)? <= retention.bytes {
            return Ok(pruned);
        }
        let runs = self.forget_runs(before(YOUNG), ROOM)?;
        let calls = if runs == 0 { self.forget_calls(before(YOUNG), ROOM)? } else { 0 };
        Ok(Pruned { calls, runs, ..pruned })
    }

    fn forget_calls(&self, before: u64, most: u32) -> Result<u64, Error> {
        let mut delete = self.sql.prepare_cached(&format!(
            "DELETE FROM calls WHERE id IN (
               SELECT id FROM calls WHERE open = 0 AND changed < ?1 AND NOT {RECORDED} AND NOT {HELD} AND {IDLE_CALLS}
               ORDER BY changed LIMIT ?2)"
        ))?;
        Ok(delete.execute(params![before, most])? as u64)
    }

    fn forget_runs(&self, before: u64, most: u32) -> Result<u64, Error> {
        let mut delete = self.sql.prepare_cached(&format!(
            "DELETE FROM runs WHERE id IN (
               SELECT id FROM runs WHERE started < ?1 AND {IDLE_RUNS} ORDER BY started LIMIT ?2)"
        ))?;
        Ok(delete.execute(params![before, most])? as u64)
    }

    fn forget_dials(&self, before: u64) -> Result<u64, Error> {
        let mut delete = self.sql.prepare_cached(&format!(
            "DELETE FROM dials WHERE id IN (
               SELECT id FROM dials WHERE changed < ?1 AND {IDLE} ORDER BY changed LIMIT ?2)"
        ))?;
        Ok(delete.execute(params![before, STEP])? as u64)
    }

    fn forget_keys(&self, now: Millis) -> Result<u64, Error> {
        let mut delete = self
            .sql
            .prepare_cached("DELETE FROM storage WHERE id IN (SELECT id FROM storage WHERE expires <= ?1 LIMIT ?2)")?;
        Ok(delete.execute(params![now.0, STEP])? as u64)
    }

    fn forget_numbers(&self, now: Millis) -> Result<u64, Error> {
        let mut delete = self.sql.prepare_cached(
            "DELETE FROM phonebook WHERE (plugin, number) IN (
               SELECT plugin, number FROM phonebook WHERE expires <= ?1 LIMIT ?2)",
        )?;
        Ok(delete.execute(params![now.0, STEP])? as u64)
    }
}

/// Bytes of the file that hold something.
fn bytes_in_use(sql: &Connection) -> Result<u64, Error> {
    let number = |name| sql.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
}

/// Shortens the file by some free pages at its end. False: there are none left.
fn give_back(sql: &Connection) -> Result<bool, Error> {
    let free: u32 = sql.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free == 0 {
        return Ok(false);
    }
    let mut shorten = sql.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut steps = shorten.query([])?;
    while steps.next()?.is_some() {}
    Ok(free > PAGES)
}
