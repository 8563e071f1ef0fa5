//! What plugins did: one row for each invocation, one for each request it made of the host.
//!
//! These rows explain a call to a person, and let the work go on where a crash cut it off: they hold a request's
//! identity (method, URL, hash of the body, ordinal, key) and its whole answer, up to [`WHOLE`] for each body.

mod request;

use std::fmt;

use hookswitch_call::Millis;
use rusqlite::{OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use request::{Answer, Body, Effect, Intent, Reply, Request, START, WHOLE};

use crate::{CallRef, Error, JobId, Txn, View, column::Json};

/// Which invocation of a plugin. Ids come from [`Journal::next_run`](crate::Journal::next_run) and grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An invocation that begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Its id.
    pub id: RunId,
    /// The job that it is a try of; none on the screen stream and outside calls.
    pub job: Option<JobId>,
    /// The call that it is about; none for checks, directories and the like.
    pub call: Option<CallRef>,
    /// The plugin, by its name in the configuration.
    pub plugin: String,
    /// The function that is called: `lookup.by-number`.
    pub function: String,
    /// 1 on the first try.
    pub attempt: u32,
    /// What the function is given, if it is worth keeping.
    pub input: Option<Value>,
    /// Which component and settings run, in the words of the caller: what must be the same for the run to be resumed.
    pub build: Option<String>,
    /// When.
    pub started: Millis,
}

/// How an invocation ended, and what it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Microseconds from begin to end.
    pub wall_us: u64,
    /// Microseconds that the guest itself computed.
    pub cpu_us: u64,
    /// The most memory that the guest had, in bytes.
    pub memory_bytes: u64,
    /// In one word: `ok`, `temporary`, `trap` …
    pub outcome: String,
    /// What went wrong, for a person.
    pub problem: Option<String>,
}

/// An invocation as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// How it began.
    pub begun: Begun,
    /// How often it went on after the process had died.
    pub resumed: u32,
    /// How it ended; none while it runs, and for ever if it was cut off.
    pub ended: Option<Ended>,
}

pub(crate) const COLUMNS: &str =
    "SELECT runs.id, job, pbx, chain, plugin, function, attempt, input, build, runs.started, resumed,
    wall_us, cpu_us, memory_bytes, runs.outcome, problem FROM runs LEFT JOIN calls ON calls.id = runs.call";

impl Txn<'_> {
    /// Notes that a plugin is invoked.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`], [`Error::UnknownJob`].
    pub fn begin_run(&self, run: &Begun) -> Result<(), Error> {
        let call = run.call.as_ref().map(|call| self.row_of_known(call)).transpose()?;
        if let Some(job) = run.job
            && self.job(job)?.is_none()
        {
            return Err(Error::UnknownJob(job));
        }
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO runs (id, job, call, plugin, function, attempt, input, build, started)
             VALUES (:id, :job, :call, :plugin, :function, :attempt, :input, :build, :started)",
        )?;
        insert.execute(named_params! {
            ":id": run.id.0,
            ":job": run.job.map(|job| job.0),
            ":call": call,
            ":plugin": run.plugin,
            ":function": run.function,
            ":attempt": run.attempt,
            ":input": run.input.as_ref().map(Json),
            ":build": run.build,
            ":started": run.started.0,
        })?;
        Ok(())
    }

    /// Notes that an invocation that was cut off goes on. Returns how often it has done so, with this time.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRun`], [`Error::RunEnded`].
    pub fn resume_run(&self, run: RunId) -> Result<u32, Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE runs SET resumed = resumed + 1 WHERE id = ?1 AND outcome IS NULL RETURNING resumed",
        )?;
        if let Some(resumed) = update.query_row([run.0], |row| row.get(0)).optional()? {
            return Ok(resumed);
        }
        Err(if self.run(run)?.is_some() { Error::RunEnded(run) } else { Error::UnknownRun(run) })
    }

    /// Notes how an invocation ended.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRun`].
    pub fn finish_run(&self, run: RunId, ended: &Ended) -> Result<(), Error> {
        let mut update = self.sql.prepare_cached(
            "UPDATE runs SET wall_us = :wall, cpu_us = :cpu, memory_bytes = :memory, outcome = :outcome,
               problem = :problem WHERE id = :id",
        )?;
        let found = update.execute(named_params! {
            ":id": run.0,
            ":wall": ended.wall_us,
            ":cpu": ended.cpu_us,
            ":memory": ended.memory_bytes,
            ":outcome": ended.outcome,
            ":problem": ended.problem,
        })?;
        if found == 1 { Ok(()) } else { Err(Error::UnknownRun(run)) }
    }
}

impl View<'_> {
    /// All invocations, in the order of their ids.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn all_runs(&self) -> Result<Vec<Run>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} ORDER BY runs.id"))?;
        let found = find.query_map([], run)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The newest invocations of a plugin in jobs, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn latest_runs(&self, plugin: &str, limit: u32) -> Result<Vec<Run>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE plugin = ?1 AND job IS NOT NULL ORDER BY runs.id DESC LIMIT ?2"
        ))?;
        let found = find.query_map(rusqlite::params![plugin, limit], run)?;
        let mut runs: Vec<Run> = found.collect::<Result<_, _>>()?;
        runs.reverse();
        Ok(runs)
    }

    /// The invocations for a call, those included that delivered its events, in the order of their ids; none if the call
    /// is unknown.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn runs_of(&self, call: &CallRef) -> Result<Vec<Run>, Error> {
        let Some(row) = self.row_of(call)? else { return Ok(Vec::new()) };
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE runs.call = ?1 OR runs.id IN (SELECT run FROM deliveries WHERE deliveries.call = ?1)
             ORDER BY runs.id"
        ))?;
        let found = find.query_map([row], run)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The invocations for a job, oldest first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn runs_of_job(&self, job: JobId) -> Result<Vec<Run>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE job = ?1 ORDER BY runs.id"))?;
        let found = find.query_map([job.0], run)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The invocation.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn run(&self, id: RunId) -> Result<Option<Run>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE runs.id = ?1"))?;
        Ok(find.query_row([id.0], run).optional()?)
    }

    /// The latest invocation for a job, if it has not ended: the one that was cut off, as long as nothing runs.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn cut_off_run(&self, job: JobId) -> Result<Option<Run>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE job = ?1 ORDER BY runs.id DESC LIMIT 1"))?;
        let latest = find.query_row([job.0], run).optional()?;
        Ok(latest.filter(|run| run.ended.is_none()))
    }

    /// The highest id that a run ever had, pruned ones too; 0 if there was none.
    pub(crate) fn last_run(&self) -> Result<i64, Error> {
        let last = "SELECT seq FROM sqlite_sequence WHERE name = 'runs'";
        Ok(self.sql.query_row(last, [], |row| row.get(0)).optional()?.unwrap_or(0))
    }
}

pub(crate) fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let pbx: Option<String> = row.get("pbx")?;
    let chain: Option<String> = row.get("chain")?;
    let input: Option<Json<Value>> = row.get("input")?;
    let begun = Begun {
        id: RunId(row.get("id")?),
        job: row.get::<_, Option<i64>>("job")?.map(JobId),
        call: pbx.zip(chain).map(|(pbx, chain)| CallRef { pbx: pbx.into(), chain: chain.into() }),
        plugin: row.get("plugin")?,
        function: row.get("function")?,
        attempt: row.get("attempt")?,
        input: input.map(|Json(input)| input),
        build: row.get("build")?,
        started: Millis(row.get("started")?),
    };
    let resumed = row.get("resumed")?;
    let Some(outcome) = row.get("outcome")? else { return Ok(Run { begun, resumed, ended: None }) };
    let ended = Ended {
        wall_us: row.get("wall_us")?,
        cpu_us: row.get("cpu_us")?,
        memory_bytes: row.get("memory_bytes")?,
        outcome,
        problem: row.get("problem")?,
    };
    Ok(Run { begun, resumed, ended: Some(ended) })
}
