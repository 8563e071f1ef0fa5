//! Work for plugins: durable, in order per call and plugin, never forgotten.
//!
//! ```text
//! waiting ──start──▶ running ──▶ done
//!    ▲ ▲                │ │ └──▶ skipped
//!    │ └─────retry──────┘ └────▶ parked ──▶ skipped
//!    └───────retry─────────────────┘
//! ```

use std::fmt;

use hookswitch_call::Millis;
use rusqlite::{OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    CallRef, Error, Txn, View,
    column::{Json, Token},
};

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

    /// Whether a job may go from here to `to`. Start again from `Running` is a resumption.
    fn leads_to(self, to: Self) -> bool {
        match self {
            Self::Waiting => to != Self::Done,
            Self::Running => true,
            Self::Parked => matches!(to, Self::Waiting | Self::Skipped),
            Self::Done | Self::Skipped => false,
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
    /// Where it stands.
    pub state: State,
    /// How often it was started, as the starter counts; 0 before the first time.
    pub attempt: u32,
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
        /// Why; none if somebody asked for it.
        problem: Option<String>,
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

const COLUMNS: &str = "SELECT jobs.id, pbx, chain, plugin, kind, state, attempt, due, created, finished, component,
    problem, result FROM jobs JOIN calls ON calls.id = jobs.call";

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
            "INSERT INTO jobs (call, plugin, kind, state, due, created) VALUES (?1, ?2, ?3, 'waiting', ?4, ?5)",
        )?;
        let add = |job: &NewJob| Ok(JobId(insert.insert(params![row, job.plugin, job.kind, job.due.0, now.0])?));
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

    /// Notes how a try of a job ended, or what somebody decided about a parked one.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; [`Error::JobState`] if the job is done or skipped, or parked and not to be retried or
    /// skipped.
    pub fn finish_job(&self, job: JobId, finish: Finish, now: Millis) -> Result<(), Error> {
        let (state, due, problem, result) = match finish {
            Finish::Done { result } => (State::Done, None, None, Some(result)),
            Finish::Retry { due, problem } => (State::Waiting, Some(due.0), problem, None),
            Finish::Parked { problem } => (State::Parked, None, Some(problem), None),
            Finish::Skipped { problem } => (State::Skipped, None, problem, None),
        };
        self.check_move(job, state)?;
        let mut update = self.sql.prepare_cached(
            "UPDATE jobs SET state = :state, due = ifnull(:due, due), finished = :finished, problem = :problem,
               result = :result WHERE id = :id",
        )?;
        update.execute(named_params! {
            ":id": job.0,
            ":state": Token(state),
            ":due": due,
            ":finished": (state != State::Waiting).then_some(now.0),
            ":problem": problem,
            ":result": result.map(Json),
        })?;
        Ok(())
    }

    fn check_move(&self, job: JobId, wanted: State) -> Result<(), Error> {
        let mut find = self.sql.prepare_cached("SELECT state FROM jobs WHERE id = ?1")?;
        let state = find.query_row([job.0], |row| row.get(0)).optional()?;
        let Some(Token(state)) = state else { return Err(Error::UnknownJob(job)) };
        if State::leads_to(state, wanted) { Ok(()) } else { Err(Error::JobState { job, state, wanted }) }
    }

    /// Keeps what a plugin's CRM knows of a call, in place of what was kept before.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`].
    pub fn put_dossier(&self, call: &CallRef, plugin: &str, dossier: &Value) -> Result<(), Error> {
        let row = self.row_of_known(call)?;
        let mut put = self.sql.prepare_cached("INSERT OR REPLACE INTO dossiers VALUES (?1, ?2, ?3)")?;
        put.execute(params![row, plugin, Json(dossier)])?;
        Ok(())
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

    /// The job.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE jobs.id = ?1"))?;
        Ok(find.query_row([id.0], job).optional()?)
    }

    /// What a plugin's CRM knows of a call, as it was put.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn dossier(&self, call: &CallRef, plugin: &str) -> Result<Option<Value>, Error> {
        let Some(row) = self.row_of(call)? else { return Ok(None) };
        let mut find = self.sql.prepare_cached("SELECT record FROM dossiers WHERE call = ?1 AND plugin = ?2")?;
        let found = find.query_row(params![row, plugin], |row| row.get(0)).optional()?;
        Ok(found.map(|Json(dossier)| dossier))
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
        state,
        attempt: row.get("attempt")?,
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
