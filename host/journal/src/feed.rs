//! Events that plugins copy elsewhere: each plugin has a queue of its own, written in the same commit as the events, and
//! works it off from the front, batch by batch.

use hookswitch_call::{Event, Millis};
use rusqlite::{OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    CallRef, Error, RunId, Txn, View,
    column::Json,
    runs::{self, Run},
};

/// Most bytes of calls in one batch.
const BATCH_BYTES: u64 = 1 << 20;

/// What a plugin is to be told of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The plugin, by its name in the configuration.
    pub plugin: String,
    /// The first event that it has not been told of.
    pub since: u64,
    /// The call as the plugin sees it, as JSON.
    pub view: Value,
}

/// Most that may wait for one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Events.
    pub events: u64,
    /// Bytes of what is kept beside them.
    pub bytes: u64,
}

/// How far a plugin is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// The plugin.
    pub plugin: String,
    /// Events that wait, those of the batch that is tried included.
    pub waiting: u64,
    /// Events for which there was no room: they are lost to the plugin.
    pub lost: u64,
    /// The last event of the batch that is tried; none between batches.
    pub last: Option<u64>,
    /// Tries of that batch that were begun.
    pub attempt: u32,
    /// Tries that failed, since somebody last asked for one.
    pub failures: u32,
    /// When it may be tried.
    pub due: Millis,
    /// Nothing is delivered until somebody decides.
    pub held: bool,
    /// Why the last try failed.
    pub problem: Option<String>,
}

/// One event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place in the order of the plugin's feed.
    pub id: u64,
    /// What happened.
    pub event: Event,
    /// The call as the plugin sees it.
    pub view: Value,
}

/// Events that are delivered together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// How the plugin's feed stands.
    pub feed: Feed,
    /// The events, in order, at least one.
    pub items: Vec<Item>,
}

/// Which events of which plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The plugin.
    pub plugin: String,
    /// The first one.
    pub first: u64,
    /// The last one.
    pub last: u64,
}

/// What becomes of a batch after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchEnd {
    /// It is delivered.
    Delivered,
    /// It comes again at `due`.
    Again {
        /// When.
        due: Millis,
        /// Why it failed.
        problem: String,
        /// Whether it is one try less.
        counts: bool,
    },
    /// Its events come again one by one, so that the rest of them does not wait for the one that cannot be delivered.
    OneByOne {
        /// Why it failed.
        problem: String,
    },
    /// It waits for somebody to decide.
    Held {
        /// Why it failed.
        problem: String,
    },
}

/// No event has a number beyond this.
const END: u64 = i64::MAX.unsigned_abs();

const COLUMNS: &str = "SELECT plugin, waiting, lost, last, attempt, failures, due, held, problem FROM feeds";

impl Txn<'_> {
    /// Has a plugin told of the events of a call. What there is no room for is left out and counted; the number of
    /// these events is returned.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`].
    pub fn tell(&self, call: &CallRef, told: &Told, room: Room) -> Result<u64, Error> {
        let row = self.row_of_known(call)?;
        let mut use_of = self.sql.prepare_cached("SELECT waiting, bytes FROM feeds WHERE plugin = ?1")?;
        let used = use_of.query_row([&told.plugin], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (waiting, bytes): (u64, u64) = used.unwrap_or_default();
        if waiting < room.events && bytes < room.bytes {
            let mut insert = self.sql.prepare_cached(
                "INSERT INTO feed (plugin, call, seq, record)
                 SELECT ?1, call, seq, ?2 FROM events WHERE call = ?3 AND seq >= ?4 ORDER BY seq",
            )?;
            insert.execute(params![told.plugin, Json(&told.view), row, told.since])?;
            return Ok(0);
        }
        let mut count = self.sql.prepare_cached(
            "UPDATE feeds SET lost = lost + (SELECT count(*) FROM events WHERE call = ?2 AND seq >= ?3)
             WHERE plugin = ?1 RETURNING (SELECT count(*) FROM events WHERE call = ?2 AND seq >= ?3)",
        )?;
        Ok(count.query_row(params![told.plugin, row, told.since], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    /// Notes that a run delivers these events, for the `attempt`th time.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn start_batch(&self, span: &Span, run: RunId, attempt: u32) -> Result<(), Error> {
        let mut update = self.sql.prepare_cached("UPDATE feeds SET last = ?2, attempt = ?3 WHERE plugin = ?1")?;
        update.execute(params![span.plugin, span.last, attempt])?;
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO deliveries
             SELECT DISTINCT ?1, call, ?3, ?4 FROM feed WHERE plugin = ?2 AND id BETWEEN ?3 AND ?4",
        )?;
        insert.execute(params![run.0, span.plugin, span.first, span.last])?;
        Ok(())
    }

    /// Notes what becomes of a batch.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn finish_batch(&self, span: &Span, end: &BatchEnd) -> Result<(), Error> {
        match end {
            BatchEnd::Delivered => self.drop_batch(&span.plugin, span.last),
            BatchEnd::Again { due, problem, counts } => {
                let mut update = self.sql.prepare_cached(
                    "UPDATE feeds SET due = ?2, problem = ?3, failures = failures + ?4 WHERE plugin = ?1",
                )?;
                update.execute(params![span.plugin, due.0, problem, counts])?;
                Ok(())
            }
            BatchEnd::OneByOne { problem } => {
                let mut update = self.sql.prepare_cached(
                    "UPDATE feeds SET last = NULL, alone = ?2, problem = ?3, due = 0 WHERE plugin = ?1",
                )?;
                update.execute(params![span.plugin, span.last, problem])?;
                Ok(())
            }
            BatchEnd::Held { problem } => {
                let mut update =
                    self.sql.prepare_cached("UPDATE feeds SET held = 1, problem = ?2 WHERE plugin = ?1")?;
                update.execute(params![span.plugin, problem])?;
                Ok(())
            }
        }
    }

    /// Somebody wants a held batch to be tried again. Returns the feed as it is then; none if it is not held.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn retry_feed(&self, plugin: &str) -> Result<Option<Feed>, Error> {
        let mut update =
            self.sql.prepare_cached("UPDATE feeds SET held = 0, due = 0, failures = 0 WHERE plugin = ?1 AND held")?;
        if update.execute([plugin])? == 0 { Ok(None) } else { self.feed(plugin) }
    }

    /// Somebody wants to do without a held batch, or without everything that waits (`all`). Returns how many events
    /// that were; none if the feed is not held.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn skip_feed(&self, plugin: &str, all: bool) -> Result<Option<u64>, Error> {
        let Some(feed) = self.feed(plugin)?.filter(|feed| feed.held) else { return Ok(None) };
        let last = feed.last.filter(|_| !all).unwrap_or(END);
        self.drop_batch(plugin, last)?;
        Ok(Some(feed.waiting.saturating_sub(self.feed(plugin)?.map_or(0, |feed| feed.waiting))))
    }

    fn drop_batch(&self, plugin: &str, last: u64) -> Result<(), Error> {
        let mut delete = self.sql.prepare_cached("DELETE FROM feed WHERE plugin = ?1 AND id <= ?2")?;
        delete.execute(params![plugin, last])?;
        let mut update = self.sql.prepare_cached(
            "UPDATE feeds SET last = NULL, attempt = 0, failures = 0, due = 0, held = 0, problem = NULL
             WHERE plugin = ?1",
        )?;
        update.execute([plugin])?;
        Ok(())
    }
}

impl View<'_> {
    /// How far the plugin is; none if it never had events.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn feed(&self, plugin: &str) -> Result<Option<Feed>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} WHERE plugin = ?1"))?;
        Ok(find.query_row([plugin], feed).optional()?)
    }

    /// How far all plugins are that ever had events, in the order of their names.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn feeds(&self) -> Result<Vec<Feed>, Error> {
        let mut find = self.sql.prepare_cached(&format!("{COLUMNS} ORDER BY plugin"))?;
        let found = find.query_map([], feed)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// What is to be delivered next: the batch that was tried before, else at most `most` events; none if nothing waits.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn next_batch(&self, plugin: &str, most: u64) -> Result<Option<Batch>, Error> {
        let Some(feed) = self.feed(plugin)?.filter(|feed| feed.waiting > 0) else { return Ok(None) };
        let mut alone = self.sql.prepare_cached("SELECT alone FROM feeds WHERE plugin = ?1")?;
        let alone: u64 = alone.query_row([plugin], |row| row.get(0))?;
        let mut find = self.sql.prepare_cached(
            "SELECT feed.id, events.record AS event, feed.record AS view, octet_length(feed.record) AS size
             FROM feed JOIN events ON events.call = feed.call AND events.seq = feed.seq
             WHERE plugin = :plugin AND feed.id <= :last ORDER BY feed.id LIMIT :most",
        )?;
        let last = feed.last.unwrap_or(END);
        let most = if feed.last.is_some() { END } else { most };
        let mut rows = find.query(named_params! { ":plugin": plugin, ":last": last, ":most": most })?;
        let (mut items, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            bytes += row.get::<_, u64>("size")?;
            let id: u64 = row.get("id")?;
            let again = feed.last.is_some();
            if !again && !items.is_empty() && bytes > BATCH_BYTES {
                break;
            }
            let (Json(event), Json(view)) = (row.get("event")?, row.get("view")?);
            items.push(Item { id, event, view });
            if !again && id <= alone {
                break;
            }
        }
        Ok((!items.is_empty()).then_some(Batch { feed, items }))
    }

    /// The runs that delivered any of these events or tried to, oldest first.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn runs_of_span(&self, span: &Span) -> Result<Vec<Run>, Error> {
        let of_span = "runs.plugin = ?1 AND runs.id IN (SELECT run FROM deliveries WHERE last >= ?2 AND first <= ?3)";
        let mut find = self.sql.prepare_cached(&format!("{} WHERE {of_span} ORDER BY runs.id", runs::COLUMNS))?;
        let found = find.query_map(params![span.plugin, span.first, span.last], runs::run)?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

fn feed(row: &Row<'_>) -> rusqlite::Result<Feed> {
    Ok(Feed {
        plugin: row.get("plugin")?,
        waiting: row.get("waiting")?,
        lost: row.get("lost")?,
        last: row.get("last")?,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        due: Millis(row.get("due")?),
        held: row.get("held")?,
        problem: row.get("problem")?,
    })
}
