//! Work for plugins: durable, in order per call and plugin, never forgotten.
//!
//! ```text
//! waiting ──start──▶ running ──▶ done
//!    ▲ ▲                │ │ └──▶ skipped
//!    │ └─────retry──────┘ └────▶ parked ──▶ skipped
//!    └───────retry─────────────────┘
//! ```

mod backlog;
mod list;

use std::fmt;

use hookswitch_call::Millis;
use rusqlite::{OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    CallRef, Error, RecordingId, Txn, View,
    column::{Json, Token},
};

pub use backlog::Head;
pub use list::JobFilter;

/// Which job. Later jobs have higher ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// For which plugin, by its name in the configuration.
    pub plugin: String,
    /// What is to be done, in the words of the caller.
    pub kind: String,
    /// The recording that it is about, if it is about one.
    pub recording: Option<RecordingId>,
    /// When it may run.
    pub due: Millis,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Runs when it is due.
    Waiting,
    /// Was started. Found after a restart: its run was cut off, and it is to be resumed.
    Running,
    /// Succeeded.
    Done,
    /// Was given up until somebody decides: retry or skip.
    Parked,
    /// Will not be done: there was nothing to do, or somebody decided so.
    Skipped,
}

impl State {
    /// The token used in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Parked => "parked",
            Self::Skipped => "skipped",
        }
    }

    /// Whether work leads from here to `to`. Start again from `Running` is a resumption.
    fn leads_to(self, to: Self) -> bool {
        match self {
            Self::Waiting => to != Self::Done,
            Self::Running => true,
            Self::Parked | Self::Done | Self::Skipped => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

/// A job as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The call that it is about.
    pub call: CallRef,
    /// The plugin, by its name in the configuration.
    pub plugin: String,
    /// What is to be done.
    pub kind: String,
    /// The recording that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingId>,
    /// Where it stands.
    pub state: State,
    /// How often it was started, as the starter counts; 0 before the first time.
    pub attempt: u32,
    /// How many tries failed since it was accepted, or since somebody decided that it is to be tried again.
    pub failures: u32,
    /// When it may run.
    pub due: Millis,
    /// When it was accepted.
    pub created: Millis,
    /// When it was done, parked or skipped.
    pub finished: Option<Millis>,
    /// Hash of the component that ran it last.
    pub component: Option<String>,
    /// Why it did not succeed the last time.
    pub problem: Option<String>,
    /// What the plugin returned.
    pub result: Option<Value>,
}

/// How a try of a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Finish {
    /// Succeeded, with what the plugin returned.
    Done {
        /// The plugin's answer.
        result: Value,
    },
    /// Is to run again.
    Retry {
        /// Not before.
        due: Millis,
        /// Why.
        problem: Option<String>,
        /// Whether this was a failure; it is none if the try was not to blame, as when a key has expired.
        counts: bool,
    },
    /// Given up until somebody decides.
    Parked {
        /// Why.
        problem: String,
    },
    /// Will not be done.
    Skipped {
        /// Why, if there is more to say than that there was nothing to do.
        problem: Option<String>,
    },
}

const COLUMNS: &str = "SELECT jobs.id, pbx, chain, plugin, kind, recording, state, attempt, failures, due, created,
    finished, component, problem, result FROM jobs JOIN calls ON calls.id = jobs.call";

impl Txn<'_> {
    /// Adds jobs to a call, in this order, behind those that it has.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`].
    pub fn add_jobs(&self, call: &CallRef, jobs: &[NewJob], now: Millis) -> Result<Vec<JobId>, Error> {
        self.add_jobs_to(self.row_of_known(call)?, jobs, now)
    }

    pub(crate) fn add_jobs_to(&self, row: i64, jobs: &[NewJob], now: Millis) -> Result<Vec<JobId>, Error> {
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO jobs (call, plugin, kind, recording, state, due, created)
             VALUES (?1, ?2, ?3, ?4, 'waiting', ?5, ?6)",
        )?;
        let add = |job: &NewJob| {
            let recording = job.recording.map(|recording| recording.0);
            Ok(JobId(insert.insert(params![row, job.plugin, job.kind, recording, job.due.0, now.0])?))
        };
        jobs.iter().map(add).collect()
    }

    /// Notes that a job runs now, as try number `attempt`, on the component with this hash.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; [`Error::JobState`] unless the job waits, or runs and is being resumed.
    pub fn start_job(&self, job: JobId, attempt: u32, component: &str) -> Result<(), Error> {
        self.check_move(job, State::Running)?;
        let mut update =
            self.sql.prepare_cached("UPDATE jobs SET state = 'running', attempt = ?2, component = ?3 WHERE id = ?1")?;
        update.execute(params![job.0, attempt, component])?;
        Ok(())
    }

    /// Notes how a try of a job ended, or why there will be none.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; [`Error::JobState`] if the job is done, skipped or parked, or if it waits and cannot be
    /// done.
    pub fn finish_job(&self, job: JobId, finish: Finish, now: Millis) -> Result<(), Error> {
        let failed = matches!(finish, Finish::Retry { counts: true, .. });
        let (state, due, problem, result) = match finish {
            Finish::Done { result } => (State::Done, None, None, Some(result)),
            Finish::Retry { due, problem, .. } => (State::Waiting, Some(due.0), problem, None),
            Finish::Parked { problem } => (State::Parked, None, Some(problem), None),
            Finish::Skipped { problem } => (State::Skipped, None, problem, None),
        };
        self.check_move(job, state)?;
        let mut update = self.sql.prepare_cached(
            "UPDATE jobs SET state = :state, failures = failures + :failed, due = ifnull(:due, due),
               finished = :finished, problem = :problem, result = :result WHERE id = :id",
        )?;
        update.execute(named_params! {
            ":id": job.0,
            ":state": Token(state),
            ":failed": failed,
            ":due": due,
            ":finished": (state != State::Waiting).then_some(now.0),
            ":problem": problem,
            ":result": result.map(Json),
        })?;
        self.forget_work_of(job)
    }

    /// Forgets the tries of a job that came to this, in the words of the caller.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn forget_tries(&self, job: JobId, outcome: &str) -> Result<(), Error> {
        let mut forget = self.sql.prepare_cached("DELETE FROM runs WHERE job = ?1 AND outcome = ?2")?;
        forget.execute(params![job.0, outcome])?;
        Ok(())
    }

    /// Somebody decided that a parked job is to be tried again: it is due now, and its failures are forgotten.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; [`Error::JobState`] unless the job is parked.
    pub fn retry_job(&self, id: JobId, now: Millis) -> Result<Job, Error> {
        self.decide(id, &[State::Parked], State::Waiting)?;
        let mut update = self.sql.prepare_cached(
            "UPDATE jobs SET state = 'waiting', failures = 0, due = ?2, finished = NULL WHERE id = ?1",
        )?;
        update.execute(params![id.0, now.0])?;
        self.job(id)?.ok_or(Error::UnknownJob(id))
    }

    /// Somebody decided that a job will not be done. Without a reason its last problem stays there to be read.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; [`Error::JobState`] unless the job waits or is parked.
    pub fn skip_job(&self, id: JobId, reason: Option<String>, now: Millis) -> Result<Job, Error> {
        self.decide(id, &[State::Waiting, State::Parked], State::Skipped)?;
        let mut update = self.sql.prepare_cached(
            "UPDATE jobs SET state = 'skipped', problem = ifnull(?2, problem), finished = ?3 WHERE id = ?1",
        )?;
        update.execute(params![id.0, reason, now.0])?;
        self.job(id)?.ok_or(Error::UnknownJob(id))
    }

    fn decide(&self, job: JobId, from: &[State], wanted: State) -> Result<(), Error> {
        let state = self.state_of(job)?;
        if from.contains(&state) { Ok(()) } else { Err(Error::JobState { job, state, wanted }) }
    }

    fn check_move(&self, job: JobId, wanted: State) -> Result<(), Error> {
        let state = self.state_of(job)?;
        if state.leads_to(wanted) { Ok(()) } else { Err(Error::JobState { job, state, wanted }) }
    }

    fn state_of(&self, job: JobId) -> Result<State, Error> {
        let mut find = self.sql.prepare_cached("SELECT state FROM jobs WHERE id = ?1")?;
        let state = find.query_row([job.0], |row| row.get(0)).optional()?;
        state.map(|Token(state)| state).ok_or(Error::UnknownJob(job))
    }
}

impl View<'_> {
    /// Every job that waits, runs or is parked, ordered by PBX, call, plugin and id.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn unfinished_jobs(&self) -> Result<Vec<Job>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE state IN ('waiting', 'running', 'parked') ORDER BY pbx, chain, plugin, jobs.id"
        ))?;
        let found = find.query_map([], job)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The jobs of a call, ordered by plugin and id; none if the call is unknown.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn jobs_of(&self, call: &CallRef) -> Result<Vec<Job>, Error> {
        let Some(row) = self.row_of(call)? else { return Ok(Vec::new()) };
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE call = ?1 ORDER BY plugin, jobs.id"))?;
        let found = find.query_map([row], job)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The jobs of a call at one plugin, in the order of their ids.
    pub(crate) fn jobs_at(&self, call: &CallRef, plugin: &str) -> Result<Vec<Job>, Error> {
        let mut find = self
            .sql
            .prepare_cached(&format!("{COLUMNS} WHERE pbx = ?1 AND chain = ?2 AND plugin = ?3 ORDER BY jobs.id"))?;
        let found = find.query_map(params![call.pbx.as_str(), call.chain.as_str(), plugin], job)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The job.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE jobs.id = ?1"))?;
        Ok(find.query_row([id.0], job).optional()?)
    }
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let Token(state) = row.get("state")?;
    let result: Option<Json<Value>> = row.get("result")?;
    Ok(Job {
        id: JobId(row.get("id")?),
        call: call_of(row)?,
        plugin: row.get("plugin")?,
        kind: row.get("kind")?,
        recording: row.get::<_, Option<i64>>("recording")?.map(RecordingId),
        state,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        due: Millis(row.get("due")?),
        created: Millis(row.get("created")?),
        finished: row.get::<_, Option<u64>>("finished")?.map(Millis),
        component: row.get("component")?,
        problem: row.get("problem")?,
        result: result.map(|Json(result)| result),
    })
}

fn call_of(row: &Row<'_>) -> rusqlite::Result<CallRef> {
    Ok(CallRef { pbx: row.get::<_, String>("pbx")?.into(), chain: row.get::<_, String>("chain")?.into() })
}
