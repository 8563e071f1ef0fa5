//! Forgetting one person's calls, down to the bytes in the files.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};

use super::IDLE_CALLS;
use crate::{Error, Journal, Txn, View, calls::digits};

/// Most calls that one step forgets: some milliseconds of the writer's time.
const STEP: u32 = 10;

/// What was forgotten, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Calls.
    pub calls: u64,
    /// Their events.
    pub events: u64,
    /// Their jobs.
    pub jobs: u64,
    /// Invocations of plugins for them.
    pub runs: u64,
    /// Requests of these, with their answers.
    pub requests: u64,
    /// Keys that plugins kept for them.
    pub keys: u64,
    /// Calls that stay, because they are not over or have a job that waits, runs or is parked.
    pub unfinished: u64,
}

/// Calls with one number: those that have it in E.164, and those without a normalised number that spell it so. Part of a
/// number, or a national spelling of one that is known in E.164, finds nothing: it could be somebody else's.
const CALLS: &str = "id IN (
    SELECT id FROM calls WHERE number = :e164 UNION ALL
    SELECT id FROM calls WHERE number IS NULL AND digits = :spelled)";

/// A number in the two forms in which calls are found by it.
struct Number {
    e164: Option<String>,
    spelled: Option<String>,
}

impl Number {
    /// Spaces and punctuation do not matter; a `+` in front does.
    fn of(text: &str) -> Self {
        let digits = digits(text);
        let known = !digits.is_empty();
        let e164 = (known && text.trim_start().starts_with('+')).then(|| format!("+{digits}"));
        // As `calls::searchable` makes it of no number and this spelling.
        let spelled = known.then(|| format!(" {digits}"));
        Self { e164, spelled }
    }
}

impl Journal {
    /// Forgets every finished call with this outside number: the call, its events, jobs, dossiers and keys, the runs for
    /// it and their requests and answers. `number` is in E.164 (`+493012345`), or, for calls whose number could not be
    /// normalised, has the digits that the PBX reported; only whole numbers match. When this returns, the bytes are gone
    /// from the files. It takes many small steps, so others write in between.
    ///
    /// What plugins keep for themselves and not for a call is theirs and stays, and so do calls of other numbers that
    /// were transferred to this one.
    ///
    /// # Errors
    ///
    /// Those of the file; [`Error::LogInUse`] if somebody reads an old state for so long that the log could not be
    /// emptied. What was forgotten before stays so, and it may be tried again.
    pub async fn erase(&self, number: &str) -> Result<Erased, Error> {
        let number: Arc<str> = number.into();
        let mut all = Erased::default();
        loop {
            let step = self.write({
                let number = Arc::clone(&number);
                move |txn| txn.erase_step(&number)
            });
            let step = step.await?;
            if step.calls == 0 {
                break;
            }
            all.add(step);
        }
        let unfinished = self.read(move |view| view.erasable(&number)).await?.unfinished;
        self.give_back().await?;
        self.empty_log().await?;
        Ok(Erased { unfinished, ..all })
    }
}

impl Erased {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.events += other.events;
        self.jobs += other.jobs;
        self.runs += other.runs;
        self.requests += other.requests;
        self.keys += other.keys;
    }
}

impl View<'_> {
    /// What [`Journal::erase`] would forget now.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn erasable(&self, number: &str) -> Result<Erased, Error> {
        let number = Number::of(number);
        let mut count = self
            .sql
            .prepare_cached(&format!("SELECT count(*) FROM calls WHERE {CALLS} AND (open OR NOT {IDLE_CALLS})"))?;
        let unfinished =
            count.query_row(named_params! { ":e164": number.e164, ":spelled": number.spelled }, |row| row.get(0))?;
        Ok(Erased { unfinished, ..self.weigh(&number, u32::MAX)? })
    }

    /// The oldest of the calls that may go, and what hangs on them.
    fn weigh(&self, number: &Number, most: u32) -> Result<Erased, Error> {
        let mut count = self.sql.prepare_cached(&format!(
            "WITH going AS (SELECT id FROM calls WHERE {CALLS} AND NOT open AND {IDLE_CALLS} ORDER BY id LIMIT :most)
             SELECT (SELECT count(*) FROM going) AS calls,
               (SELECT count(*) FROM events WHERE call IN going) AS events,
               (SELECT count(*) FROM jobs WHERE call IN going) AS jobs,
               (SELECT count(*) FROM runs WHERE call IN going) AS runs,
               (SELECT count(*) FROM requests WHERE run IN (SELECT id FROM runs WHERE call IN going)) AS requests,
               (SELECT count(*) FROM storage WHERE call IN going) AS keys",
        ))?;
        let read = |row: &Row<'_>| {
            Ok(Erased {
                calls: row.get("calls")?,
                events: row.get("events")?,
                jobs: row.get("jobs")?,
                runs: row.get("runs")?,
                requests: row.get("requests")?,
                keys: row.get("keys")?,
                unfinished: 0,
            })
        };
        let parameters = named_params! { ":e164": number.e164, ":spelled": number.spelled, ":most": most };
        Ok(count.query_row(parameters, read).optional()?.unwrap_or_default())
    }
}

impl Txn<'_> {
    fn erase_step(&self, number: &str) -> Result<Erased, Error> {
        let number = Number::of(number);
        let step = self.weigh(&number, STEP)?;
        let mut delete = self.sql.prepare_cached(&format!(
            "DELETE FROM calls WHERE id IN (
               SELECT id FROM calls WHERE {CALLS} AND NOT open AND {IDLE_CALLS} ORDER BY id LIMIT :most)"
        ))?;
        delete.execute(named_params! { ":e164": number.e164, ":spelled": number.spelled, ":most": STEP })?;
        Ok(step)
    }
}
