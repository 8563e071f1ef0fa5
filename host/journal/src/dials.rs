//! Calls that somebody asked for: each is asked of a phone system once at most, whatever dies when.
//!
//! ```text
//! accepted ──▶ given ──▶ dialling ──▶ became (a call)
//!    │           │  └──▶ in-doubt ──▶ became
//!    └───────────┴──────────┴───────▶ over (never became one)
//! ```
//!
//! `given` is durable before the phone system is told. Found after a restart, it was told or not: it is never told again.

use std::fmt;

use hookswitch_call::{Chain, Millis};
use rusqlite::{OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};

use crate::{
    CallRef, Error, Txn, View,
    column::{Json, Token},
};

/// Which one. Later ones have higher ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DialId(pub i64);

impl fmt::Display for DialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is to be done. No phone system knows of it.
    Accepted,
    /// The phone system is being told, or was told when the program died.
    Given,
    /// The phone system has taken it.
    Dialling,
    /// It was told, and no answer came.
    InDoubt,
    /// It is a call now, and goes the way of all calls.
    Became,
    /// It never became a call.
    Over,
}

impl State {
    /// The token used in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Given => "given",
            Self::Dialling => "dialling",
            Self::InDoubt => "in-doubt",
            Self::Became => "became",
            Self::Over => "over",
        }
    }

    /// Whether nothing more is to come of it.
    pub fn is_last(self) -> bool {
        matches!(self, Self::Became | Self::Over)
    }

    /// Whether it goes on from here to `to`.
    fn leads_to(self, to: Self) -> bool {
        match to {
            Self::Accepted => false,
            Self::Given => self == Self::Accepted,
            Self::Dialling | Self::InDoubt => self == Self::Given,
            Self::Became => matches!(self, Self::Given | Self::Dialling | Self::InDoubt),
            Self::Over => !self.is_last(),
        }
    }
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Order {
    /// Whose phone rings first, as far as it is known: an extension, or a queue.
    pub from: String,
    /// The CRM user who asked.
    pub user: Option<String>,
    /// The number as it was asked for.
    pub number: String,
    /// The digits that the phone system gets; empty where it gets none.
    pub digits: String,
    /// The number of the business that is to be shown; empty for the usual one.
    pub line: String,
    /// The CRM's own id of the call.
    pub crm_call: Option<String>,
    /// What else came along, for the plugin.
    pub extra: Vec<(String, String)>,
}

/// A dial that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDial {
    /// The plugin or the endpoint that asks.
    pub origin: String,
    /// What the origin knows the order by. Whoever asks twice with one key asks once.
    pub key: String,
    /// The phone system.
    pub pbx: String,
    /// The number to be called in E.164; its digits where it has no such form.
    pub number: Option<String>,
    /// What is asked for.
    pub order: Order,
}

/// Why it never became a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Never {
    /// In a word of the contract: `rejected`, `unreachable`.
    pub reason: String,
    /// More exactly: `barred`, `expired`.
    pub problem: String,
    /// For people.
    pub text: String,
}

/// A dial as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Dial {
    /// Its id.
    pub id: DialId,
    /// The plugin or the endpoint that asked.
    pub origin: String,
    /// The phone system.
    pub pbx: String,
    /// The number to be called in E.164, or its digits.
    pub number: Option<String>,
    /// Where it stands.
    pub state: State,
    /// When it was accepted.
    pub created: Millis,
    /// When it last went on.
    pub changed: Millis,
    /// What was asked for.
    pub order: Order,
    /// The call that it is, or that the phone system says it will be.
    pub call: Option<Chain>,
    /// Why it is over.
    pub never: Option<Never>,
}

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The phone system is about to be told.
    Given,
    /// It has taken the order, and perhaps said what the call will be called.
    Dialling(Option<Chain>),
    /// It did not answer.
    InDoubt,
    /// It is this call.
    Became(Chain),
    /// It never will be one.
    Over(Never),
}

impl Step {
    fn state(&self) -> State {
        match self {
            Self::Given => State::Given,
            Self::Dialling(_) => State::Dialling,
            Self::InDoubt => State::InDoubt,
            Self::Became(_) => State::Became,
            Self::Over(_) => State::Over,
        }
    }
}

/// What the column `record` holds.
#[derive(Serialize, Deserialize)]
struct Record {
    order: Order,
    call: Option<Chain>,
    never: Option<Never>,
}

/// Whether an order was new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept.
    New(DialId),
    /// It was asked for before with the same key; nothing was changed.
    Known(Box<Dial>),
}

const COLUMNS: &str = "SELECT id, origin, pbx, number, state, created, changed, record FROM dials";

impl Txn<'_> {
    /// Keeps an order, unless its origin has given one with the same key: at any time, or, where the key says only that
    /// two look alike, at `alike_since` or later.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn accept_dial(&self, dial: &NewDial, alike_since: Option<Millis>, now: Millis) -> Result<Taken, Error> {
        if let Some(known) = self.dial_with_key(&dial.origin, &dial.key)? {
            if alike_since.is_none_or(|since| known.created >= since) {
                return Ok(Taken::Known(Box::new(known)));
            }
            let mut make_room = self.sql.prepare_cached("UPDATE dials SET key = key || ' ' || id WHERE id = ?1")?;
            make_room.execute([known.id.0])?;
        }
        let record = Record { order: dial.order.clone(), call: None, never: None };
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO dials (origin, key, pbx, number, state, created, changed, record)
             VALUES (:origin, :key, :pbx, :number, :state, :now, :now, :record)",
        )?;
        let id = insert.insert(named_params! {
            ":origin": dial.origin,
            ":key": dial.key,
            ":pbx": dial.pbx,
            ":number": dial.number,
            ":state": Token(State::Accepted),
            ":now": now.0,
            ":record": Json(record),
        })?;
        Ok(Taken::New(DialId(id)))
    }

    /// Notes what has become of a dial. False: it has gone another way meanwhile, or its time in the journal is over;
    /// nothing was changed.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn move_dial(&self, id: DialId, step: &Step, now: Millis) -> Result<bool, Error> {
        let Some(known) = self.dial(id)? else { return Ok(false) };
        if !known.state.leads_to(step.state()) {
            return Ok(false);
        }
        let mut record = Record { order: known.order, call: known.call, never: known.never };
        match step {
            Step::Given | Step::InDoubt => {}
            Step::Dialling(call) => record.call.clone_from(call),
            Step::Became(call) => record.call = Some(call.clone()),
            Step::Over(never) => record.never = Some(never.clone()),
        }
        let mut update = self
            .sql
            .prepare_cached("UPDATE dials SET state = ?2, changed = max(changed, ?3), record = ?4 WHERE id = ?1")?;
        update.execute(params![id.0, Token(step.state()), now.0, Json(record)])?;
        Ok(true)
    }
}

impl View<'_> {
    /// The dial.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn dial(&self, id: DialId) -> Result<Option<Dial>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
        Ok(find.query_row([id.0], dial).optional()?)
    }

    /// What `origin` has asked for with this key.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn dial_with_key(&self, origin: &str, key: &str) -> Result<Option<Dial>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE origin = ?1 AND key = ?2"))?;
        Ok(find.query_row([origin, key], dial).optional()?)
    }

    /// Every dial that is neither a call nor over, the oldest first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn dials_under_way(&self) -> Result<Vec<Dial>, Error> {
        let mut find = self.sql.prepare_cached(&format!(
            "{COLUMNS} WHERE state IN ('accepted', 'given', 'dialling', 'in-doubt') ORDER BY id"
        ))?;
        let found = find.query_map([], dial)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The dials that were over at `since` or later and had been given to a phone system, for calls that come of them
    /// all the same.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn dials_over(&self, since: Millis) -> Result<Vec<Dial>, Error> {
        let mut find =
            self.sql.prepare_cached(&format!("{COLUMNS} WHERE changed >= ?1 AND state = 'over' ORDER BY id"))?;
        let found = find.query_map([since.0], dial)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The newest dials, at most `limit`.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn dials(&self, limit: u32) -> Result<Vec<Dial>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} ORDER BY id DESC LIMIT ?1"))?;
        let found = find.query_map([limit], dial)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// When `number` was last asked for by an origin that begins like this.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn last_dialled(&self, origin: &str, number: &str) -> Result<Option<Dial>, Error> {
        let mut find = self
            .sql
            .prepare_cached(&format!("{COLUMNS} WHERE number = ?2 AND origin = ?1 ORDER BY id DESC LIMIT 1"))?;
        Ok(find.query_row([origin, number], dial).optional()?)
    }

    /// When the newest call of `pbx` began that it told of itself; what stands for a dial is none of these.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn newest_call(&self, pbx: &str) -> Result<Option<Millis>, Error> {
        let mut find = self.sql.prepare_cached(
            "SELECT started FROM calls WHERE pbx = ?1 AND substr(chain, 1, 5) <> 'dial:' ORDER BY started DESC LIMIT 1",
        )?;
        Ok(find.query_row([pbx], |row| row.get(0)).optional()?.map(Millis))
    }
}

/// The call that stands for a dial which never became one, so that what is to be told of it is a job like any other.
pub fn standing_for(pbx: &str, id: DialId) -> CallRef {
    CallRef { pbx: pbx.into(), chain: format!("dial:{id}").into() }
}

/// The dial for which a call stands; none: it is a call like any other.
pub fn stands_for(chain: &Chain) -> Option<DialId> {
    chain.as_str().strip_prefix("dial:")?.parse().ok().map(DialId)
}

/// Dials that may be forgotten: nothing more is to come of them, and no call stands for them.
pub(crate) const IDLE: &str = "state IN ('became', 'over') AND NOT EXISTS (
    SELECT 1 FROM calls WHERE calls.pbx = dials.pbx AND calls.chain = 'dial:' || dials.id)";

fn dial(row: &Row<'_>) -> rusqlite::Result<Dial> {
    let Token(state) = row.get("state")?;
    let Json(Record { order, call, never }) = row.get("record")?;
    Ok(Dial {
        id: DialId(row.get("id")?),
        origin: row.get("origin")?,
        pbx: row.get("pbx")?,
        number: row.get("number")?,
        state,
        created: Millis(row.get("created")?),
        changed: Millis(row.get("changed")?),
        order,
        call,
        never,
    })
}
