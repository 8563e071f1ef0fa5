//! Looking for jobs.

use hookswitch_call::Millis;
use rusqlite::{ToSql, params};

use super::{COLUMNS, Job, JobId, State, job};
use crate::{Error, View};

/// Which jobs are looked for; every condition that is given must hold.
#[derive(Clone, Debug)]
pub struct JobFilter {
    /// In one of these states; in any if there is none here.
    pub states: Vec<State>,
    /// Of this plugin.
    pub plugin: Option<String>,
    /// About calls on this phone system.
    pub pbx: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Older than this one: to go on where a list ended.
    pub before: Option<JobId>,
    /// Most jobs to return.
    pub limit: u32,
}

impl Default for JobFilter {
    /// The 50 newest jobs.
    fn default() -> Self {
        Self { states: Vec::new(), plugin: None, pbx: None, kind: None, before: None, limit: 50 }
    }
}

impl View<'_> {
    /// Looks for jobs, newest first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn list_jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, Error> {
        let before = filter.before.map(|id| id.0);
        let conditions: [(bool, &str, (&str, &dyn ToSql)); 4] = [
            (filter.plugin.is_some(), "plugin = :plugin", (":plugin", &filter.plugin)),
            (filter.pbx.is_some(), "pbx = :pbx", (":pbx", &filter.pbx)),
            (filter.kind.is_some(), "kind = :kind", (":kind", &filter.kind)),
            (before.is_some(), "jobs.id < :before", (":before", &before)),
        ];
        let given = || conditions.iter().filter(|(given, ..)| *given);
        let mut all: Vec<String> = given().map(|(_, condition, _)| (*condition).to_owned()).collect();
        let unfinished = |state: &State| matches!(state, State::Waiting | State::Running | State::Parked);
        if !filter.states.is_empty() {
            let states: Vec<String> = filter.states.iter().map(|state| format!("'{}'", state.token())).collect();
            all.push(format!("state IN ({})", states.join(", ")));
            if filter.states.iter().all(unfinished) {
                // These may be few among many, and none may be near the newest: SQLite does not know.
                let index = "jobs.id IN (SELECT id FROM jobs WHERE state IN ('waiting', 'running', 'parked'))";
                all.push(index.to_owned());
            }
        }
        let conditions = if all.is_empty() { "true".to_owned() } else { all.join(" AND ") };
        let mut parameters: Vec<(&str, &dyn ToSql)> = given().map(|(.., parameter)| *parameter).collect();
        parameters.push((":limit", &filter.limit));
        let mut find =
            self.sql.prepare_cached(&format!("{COLUMNS} WHERE {conditions} ORDER BY jobs.id DESC LIMIT :limit"))?;
        let found = find.query_map(parameters.as_slice(), job)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The jobs of a plugin, in whatever state, on calls with exactly this number in E.164, that were accepted, done,
    /// parked or skipped at `since` or later. Newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn jobs_for_number(&self, plugin: &str, number: &str, since: Millis, limit: u32) -> Result<Vec<Job>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE number = ?1 AND plugin = ?2 AND (created >= ?3 OR finished >= ?3)
             ORDER BY jobs.id DESC LIMIT ?4"
        ))?;
        let found = find.query_map(params![number, plugin, since.0, limit], job)?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}
