//! Forgetting one person's calls, down to the bytes in the files.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};

use super::{HELD, IDLE_CALLS};
use crate::{Error, Journal, Txn, View, calls::digits, dials::IDLE};

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
    /// What CRMs said of the number, in the phonebook.
    #[serde(default)]
    pub known: u64,
    /// Calls to it that were asked for.
    #[serde(default)]
    pub dials: u64,
    /// Their recordings.
    #[serde(default)]
    pub recordings: u64,
    /// What was said in them.
    #[serde(default)]
    pub transcripts: u64,
    /// Calls that stay, because they are not over or have a job that waits, runs or is parked.
    pub unfinished: u64,
    /// Calls that stay, because somebody holds them.
    #[serde(default)]
    pub held: u64,
}

/// Calls with one number: those that have it in E.164, and those without a normalised number that spell it so. Part of a
/// number, or a national spelling of one that is known in E.164, finds nothing: it could be somebody else's.
const CALLS: &str = "id IN (
    SELECT id FROM calls WHERE number = :e164 UNION ALL
    SELECT id FROM calls WHERE number IS NULL AND digits = :spelled)";

/// Dials of one number that nothing more is to come of.
const DIALS: &str = "state IN ('became', 'over') AND (number = :e164 OR number = :digits)";

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

    fn digits(&self) -> Option<&str> {
        self.spelled.as_deref().map(str::trim_start)
    }
}

impl Journal {
    /// Forgets every finished call with this outside number: the call, its events, jobs, dossiers and keys, the runs for
    /// it and their requests and answers, recordings and their words. `number` is in E.164 (`+493012345`), or, for calls whose number could not be
    /// normalised, has the digits that the PBX reported; only whole numbers match. When this returns, the bytes are gone
    /// from the files. It takes many small steps, so others write in between.
    ///
    /// What plugins keep for themselves and not for a call is theirs and stays, and so do calls of other numbers that
    /// were transferred to this one. Files of recordings lie elsewhere: the second value has the hashes of those that
    /// were needed for these calls.
    ///
    /// # Errors
    ///
    /// Those of the file; [`Error::LogInUse`] if somebody reads an old state for so long that the log could not be
    /// emptied. What was forgotten before stays so, and it may be tried again.
    pub async fn erase(&self, number: &str) -> Result<(Erased, Vec<String>), Error> {
        let number: Arc<str> = number.into();
        let (mut all, mut files) = (Erased::default(), Vec::new());
        loop {
            let step = self.write({
                let number = Arc::clone(&number);
                move |txn| txn.erase_step(&number)
            });
            let (step, of_step) = step.await?;
            if step.calls == 0 {
                break;
            }
            all.add(step);
            files.extend(of_step);
        }
        let names = self.write({
            let number = Arc::clone(&number);
            move |txn| txn.erase_names(&number)
        });
        all.add(names.await?);
        let dials = self.write({
            let number = Arc::clone(&number);
            move |txn| txn.erase_dials(&number)
        });
        all.dials = dials.await?;
        let Erased { unfinished, held, .. } = self.read(move |view| view.erasable(&number)).await?;
        self.give_back().await?;
        self.empty_log().await?;
        Ok((Erased { unfinished, held, ..all }, files))
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
        self.known += other.known;
        self.recordings += other.recordings;
        self.transcripts += other.transcripts;
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
        let stays = |why: &str| {
            let mut count = self.sql.prepare_cached(&format!("SELECT count(*) FROM calls WHERE {CALLS} AND {why}"))?;
            count.query_row(named_params! { ":e164": number.e164, ":spelled": number.spelled }, |row| row.get(0))
        };
        let held = stays(HELD)?;
        let unfinished = stays(&format!("NOT {HELD} AND (open OR NOT {IDLE_CALLS})"))?;
        let mut count = self.sql.prepare_cached("SELECT count(*) FROM phonebook WHERE number = ?1")?;
        let known = count.query_row([&number.e164], |row| row.get(0))?;
        Ok(Erased { unfinished, held, known, ..self.weigh(&number, u32::MAX)? })
    }

    /// The oldest of the calls that may go, and what hangs on them.
    fn weigh(&self, number: &Number, most: u32) -> Result<Erased, Error> {
        let mut count = self.sql.prepare_cached(&format!(
            "WITH going AS (SELECT id FROM calls WHERE {CALLS} AND NOT open AND {IDLE_CALLS} AND NOT {HELD} ORDER BY id LIMIT :most)
             SELECT (SELECT count(*) FROM going) AS calls,
               (SELECT count(*) FROM events WHERE call IN going) AS events,
               (SELECT count(*) FROM jobs WHERE call IN going) AS jobs,
               (SELECT count(*) FROM runs WHERE call IN going) AS runs,
               (SELECT count(*) FROM requests WHERE run IN (SELECT id FROM runs WHERE call IN going)) AS requests,
               (SELECT count(*) FROM storage WHERE call IN going) AS keys,
               (SELECT count(*) FROM recordings WHERE call IN going) AS recordings,
               (SELECT count(*) FROM transcripts WHERE recording IN (
                 SELECT id FROM recordings WHERE call IN going)) AS transcripts,
               (SELECT count(*) FROM dials WHERE {DIALS}) AS dials",
        ))?;
        let read = |row: &Row<'_>| {
            Ok(Erased {
                calls: row.get("calls")?,
                events: row.get("events")?,
                jobs: row.get("jobs")?,
                runs: row.get("runs")?,
                requests: row.get("requests")?,
                keys: row.get("keys")?,
                dials: row.get("dials")?,
                recordings: row.get("recordings")?,
                transcripts: row.get("transcripts")?,
                ..Erased::default()
            })
        };
        let parameters = named_params! {
            ":e164": number.e164, ":spelled": number.spelled, ":digits": number.digits(), ":most": most,
        };
        Ok(count.query_row(parameters, read).optional()?.unwrap_or_default())
    }
}

impl Txn<'_> {
    /// Dials have few rows for one number.
    fn erase_dials(&self, number: &str) -> Result<u64, Error> {
        let number = Number::of(number);
        // Those for which a call stood have lost it by now.
        let mut delete = self.sql.prepare_cached(&format!("DELETE FROM dials WHERE {DIALS} AND {IDLE}"))?;
        Ok(delete.execute(named_params! { ":e164": number.e164, ":digits": number.digits() })? as u64)
    }

    /// Forgets some calls; what they were, and the files that were needed for them.
    fn erase_step(&self, number: &str) -> Result<(Erased, Vec<String>), Error> {
        let number = Number::of(number);
        let step = self.weigh(&number, STEP)?;
        let going = format!(
            "SELECT id FROM calls WHERE {CALLS} AND NOT open AND {IDLE_CALLS} AND NOT {HELD} ORDER BY id LIMIT :most"
        );
        let parameters = named_params! { ":e164": number.e164, ":spelled": number.spelled, ":most": STEP };
        let mut find = self.sql.prepare_cached(&format!(
            "WITH going AS ({going}), gone AS (SELECT id, file, original FROM recordings WHERE call IN going)
             SELECT file FROM gone WHERE file IS NOT NULL UNION SELECT original FROM gone WHERE original IS NOT NULL
             UNION SELECT file FROM recording_parts WHERE recording IN (SELECT id FROM gone)"
        ))?;
        let files = find.query_map(parameters, |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut delete = self.sql.prepare_cached(&format!("DELETE FROM calls WHERE id IN ({going})"))?;
        delete.execute(parameters)?;
        Ok((step, files))
    }

    /// Forgets the names of a number.
    fn erase_names(&self, number: &str) -> Result<Erased, Error> {
        let number = Number::of(number);
        let gone = self.sql.prepare_cached("DELETE FROM phonebook WHERE number = ?1")?.execute([&number.e164])?;
        Ok(Erased { known: gone as u64, ..Erased::default() })
    }
}
