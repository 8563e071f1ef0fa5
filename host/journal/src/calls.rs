//! Calls and their events.

use std::fmt;

use hookswitch_call::{Call, Chain, Event, Millis, PbxName, event::Outcome, signal::Direction};
use rusqlite::{Row, ToSql, named_params, params};
use serde::{Deserialize, Serialize};

use crate::{
    Error, JobId, Txn, View,
    column::{Json, Token},
    jobs::NewJob,
};

/// Which call: unique for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallRef {
    /// The phone system.
    pub pbx: PbxName,
    /// The call's id there.
    pub chain: Chain,
}

impl From<&Call> for CallRef {
    fn from(call: &Call) -> Self {
        Self { pbx: call.pbx.clone(), chain: call.chain.clone() }
    }
}

impl From<&Event> for CallRef {
    fn from(event: &Event) -> Self {
        Self { pbx: event.pbx.clone(), chain: event.chain.clone() }
    }
}

impl fmt::Display for CallRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.pbx, self.chain)
    }
}

/// What follows from one signal of a PBX.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The call as it is after the events.
    pub call: Call,
    /// The outside party's number in E.164 (`+493012345`), if it has one.
    pub number: Option<String>,
    /// What happened. May be empty, when more became known of the call or jobs are added.
    pub events: Vec<Event>,
    /// What is to be done about it.
    pub jobs: Vec<NewJob>,
}

/// What became of one [`Accepted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is kept, with these ids for its jobs.
    Kept(Vec<JobId>),
    /// All its events were in the journal already: nothing was changed, and its jobs were made the first time.
    Repeated,
}

/// A call as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The call.
    pub call: Call,
    /// The outside party's number in E.164, if it has one.
    pub number: Option<String>,
}

/// Which calls are looked for; every condition that is given must hold.
#[derive(Clone, Debug)]
pub struct Filter {
    /// On this phone system.
    pub pbx: Option<PbxName>,
    /// In this direction.
    pub direction: Option<Direction>,
    /// Over, with this outcome.
    pub outcome: Option<Outcome>,
    /// Not over.
    pub open_only: bool,
    /// Calls too that turned out to be a part of another one.
    pub parts: bool,
    /// Began then or later.
    pub since: Option<Millis>,
    /// Began before.
    pub until: Option<Millis>,
    /// The digits in this text stand somewhere in the outside party's number, in E.164 or as the PBX spells it.
    pub number: Option<String>,
    /// Most calls to return.
    pub limit: u32,
}

impl Default for Filter {
    /// The 50 newest calls.
    fn default() -> Self {
        Self {
            pbx: None,
            direction: None,
            outcome: None,
            open_only: false,
            parts: false,
            since: None,
            until: None,
            number: None,
            limit: 50,
        }
    }
}

impl Txn<'_> {
    /// Keeps events, the state of their calls and the jobs that follow, in the order given. An acceptance whose events
    /// are all there already changes nothing, so that it may be tried again after an unknown end. A call never goes back
    /// to an older state (a lower `seq`).
    ///
    /// # Errors
    ///
    /// [`Error::Contradiction`] if an event is there with other content.
    pub fn accept(&self, accepted: Vec<Accepted>) -> Result<Vec<Receipt>, Error> {
        accepted.into_iter().map(|accepted| self.accept_one(&accepted)).collect()
    }

    fn accept_one(&self, accepted: &Accepted) -> Result<Receipt, Error> {
        let call = CallRef::from(&accepted.call);
        if let Some(event) = accepted.events.iter().map(CallRef::from).find(|event| *event != call) {
            return Err(Error::Misplaced { event, call });
        }
        let row = self.keep_call(&call, accepted)?;
        let mut news = accepted.events.is_empty();
        for event in &accepted.events {
            if self.keep_event(row, &call, event)? {
                news = true;
                self.hear_of_recordings(row, event, &accepted.call)?;
            }
        }
        if !news {
            return Ok(Receipt::Repeated);
        }
        Ok(Receipt::Kept(self.add_jobs_to(row, &accepted.jobs, accepted.call.changed)?))
    }

    /// Writes the call's state, unless a later one is there. Returns its row.
    fn keep_call(&self, reference: &CallRef, Accepted { call, number, .. }: &Accepted) -> Result<i64, Error> {
        let digits = searchable(number.as_deref(), call.external.as_deref());
        let mut keep = self.sql.prepare_cached(
            "INSERT INTO calls (pbx, chain, direction, outcome, open, merged, number, digits, seq, started, changed, record)
             VALUES (:pbx, :chain, :direction, :outcome, :open, :merged, :number, :digits, :seq, :started, :changed, :record)
             ON CONFLICT (pbx, chain) DO UPDATE SET
               direction = excluded.direction, outcome = excluded.outcome, open = excluded.open,
               merged = excluded.merged, seq = excluded.seq, changed = excluded.changed, record = excluded.record
             WHERE excluded.seq >= seq",
        )?;
        let kept = keep.execute(named_params! {
            ":pbx": call.pbx.as_str(),
            ":chain": call.chain.as_str(),
            ":direction": Token(call.direction),
            ":outcome": call.ended.as_ref().map(|end| end.outcome.token()),
            ":open": call.is_open(),
            ":merged": call.merged_into.is_some(),
            ":number": number,
            ":digits": digits,
            ":seq": call.seq,
            ":started": call.started.0,
            ":changed": call.changed.0,
            ":record": Json(call),
        })?;
        let row = self.row_of_known(reference)?;
        if kept == 1 {
            // Seldom changes. An update writes the pages of every index on its columns, changed or not.
            let mut keep = self.sql.prepare_cached(
                "UPDATE calls SET number = ?2, digits = ?3, started = ?4
                 WHERE id = ?1 AND (number IS NOT ?2 OR digits <> ?3 OR started <> ?4)",
            )?;
            keep.execute(params![row, number, digits, call.started.0])?;
        }
        Ok(row)
    }

    /// False: the event was there.
    fn keep_event(&self, row: i64, call: &CallRef, event: &Event) -> Result<bool, Error> {
        let mut insert = self.sql.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
        if insert.execute(params![row, event.seq, Json(event)])? == 1 {
            return Ok(true);
        }
        let mut find = self.sql.prepare_cached("SELECT record FROM events WHERE call = ?1 AND seq = ?2")?;
        let Json(there): Json<Event> = find.query_row(params![row, event.seq], |row| row.get(0))?;
        if there == *event {
            return Ok(false);
        }
        Err(Error::Contradiction { call: call.clone(), seq: event.seq })
    }
}

impl View<'_> {
    /// What the tracker of `pbx` must know after a restart: calls that are not over, and those that changed at
    /// `changed_since` or later. Oldest first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn open_calls(&self, pbx: &PbxName, changed_since: Millis) -> Result<Vec<Call>, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT record, started, id FROM calls WHERE open = 1 AND pbx = ?1
             UNION SELECT record, started, id FROM calls WHERE open = 0 AND changed >= ?2 AND pbx = ?1
             ORDER BY started, id",
        )?;
        let found = find.query_map(params![pbx.as_str(), changed_since.0], |row| row.get("record"))?;
        found.map(|record| record.map(|Json(call)| call).map_err(Error::from)).collect()
    }

    /// Looks for calls, newest first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn find_calls(&self, filter: &Filter) -> Result<Vec<Entry>, Error> {
        let digits = filter.number.as_deref().map(digits);
        let outcome = filter.outcome.map(Outcome::token);
        let (since, until) = (filter.since.map(|at| at.0), filter.until.map(|at| at.0));
        let direction = filter.direction.map(Token);
        let pbx = filter.pbx.as_ref().map(PbxName::as_str);
        let conditions: [(bool, &str, (&str, &dyn ToSql)); 6] = [
            (pbx.is_some(), "pbx = :pbx", (":pbx", &pbx)),
            (direction.is_some(), "direction = :direction", (":direction", &direction)),
            (outcome.is_some(), "outcome = :outcome", (":outcome", &outcome)),
            (since.is_some(), "started >= :since", (":since", &since)),
            (until.is_some(), "started < :until", (":until", &until)),
            (digits.is_some(), "instr(digits, :digits)", (":digits", &digits)),
        ];
        let given = || conditions.iter().filter(|(given, ..)| *given);
        let mut all: Vec<&str> = given().map(|(_, condition, _)| *condition).collect();
        if filter.open_only {
            all.push("open");
        }
        if !filter.parts {
            all.push("NOT merged");
        }
        let conditions = if all.is_empty() { "true".to_owned() } else { all.join(" AND ") };
        let mut parameters: Vec<(&str, &dyn ToSql)> = given().map(|(.., parameter)| *parameter).collect();
        parameters.push((":limit", &filter.limit));
        let mut find = self.sql.prepare_cached(&format!(
            "SELECT record, number FROM calls WHERE {conditions} ORDER BY started DESC, id DESC LIMIT :limit"
        ))?;
        let found = find.query_map(parameters.as_slice(), entry)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The call.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn call(&self, call: &CallRef) -> Result<Option<Entry>, Error> {
        let mut find = self.sql.prepare_cached("SELECT record, number FROM calls WHERE pbx = ?1 AND chain = ?2")?;
        let mut found = find.query_map(params![call.pbx.as_str(), call.chain.as_str()], entry)?;
        Ok(found.next().transpose()?)
    }

    /// The calls that a person may mean by `text`: the chain, `PBX/CHAIN`, or the beginning of a chain. A call that is
    /// named in full is the only one returned for its phone system; else the newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn calls_named(&self, text: &str, limit: u32) -> Result<Vec<Entry>, Error> {
        let (pbx, rest) = text.split_once('/').unwrap_or_default();
        let mut exactly = self.sql.prepare_cached(
            "SELECT record, number FROM calls WHERE chain = ?1 OR (pbx = ?2 AND chain = ?3)
             ORDER BY started DESC, id DESC LIMIT ?4",
        )?;
        let found: Vec<Entry> = exactly.query_map(params![text, pbx, rest, limit], entry)?.collect::<Result<_, _>>()?;
        if !found.is_empty() || text.is_empty() {
            return Ok(found);
        }
        // A range instead of LIKE: it uses the index, and `%` and `_` stay themselves.
        let mut beginning = self.sql.prepare_cached(
            "SELECT record, number FROM calls
             WHERE (chain >= ?1 AND chain < ?1 || char(1114111))
                OR (pbx = ?2 AND ?3 <> '' AND chain >= ?3 AND chain < ?3 || char(1114111))
             ORDER BY started DESC, id DESC LIMIT ?4",
        )?;
        let found = beginning.query_map(params![text, pbx, rest, limit], entry)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The events of a call, in order; none if the call is unknown.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn events_of(&self, call: &CallRef) -> Result<Vec<Event>, Error> {
        let Some(row) = self.row_of(call)? else { return Ok(Vec::new()) };
        let mut find = self.sql.prepare_cached("SELECT record FROM events WHERE call = ?1 ORDER BY seq")?;
        let found = find.query_map([row], |row| row.get(0))?;
        found.map(|record| record.map(|Json(event)| event).map_err(Error::from)).collect()
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let Json(call) = row.get("record")?;
    Ok(Entry { call, number: row.get("number")? })
}

/// What a search by number looks into: the digits of both spellings, apart from each other.
fn searchable(number: Option<&str>, external: Option<&str>) -> String {
    format!("{} {}", digits(number.unwrap_or_default()), digits(external.unwrap_or_default()))
}

pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
