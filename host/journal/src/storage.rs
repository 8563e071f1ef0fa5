//! The key-value store of plugins.

use hookswitch_call::Millis;
use rusqlite::{
    OptionalExtension, Row, ToSql, params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value as Sql, ValueRef},
};
use serde::{Deserialize, Serialize};

use crate::{CallRef, Error, Txn, View};

/// Longest key, in bytes.
pub const KEY: usize = 256;

/// Largest value, in bytes.
pub const VALUE: usize = 64 << 10;

/// Most keys that [`View::keys`] returns at once.
pub const PAGE: u32 = 1000;

/// What a key belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The plugin, as long as it is configured.
    Plugin,
    /// One call of the plugin, forgotten together with the call.
    Call(CallRef),
}

/// Which value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The plugin, by its name in the configuration.
    pub plugin: String,
    /// What it belongs to.
    pub scope: Scope,
    /// Its name.
    pub name: String,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl ToSql for Content {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl FromSql for Content {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match Sql::try_from(value)? {
            Sql::Text(text) => Ok(Self::Text(text)),
            Sql::Blob(bytes) => Ok(Self::Bytes(bytes)),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// A value that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was put.
    pub value: Content,
    /// Grows with every write of the key, even if it was removed in between. Never 0.
    pub revision: u64,
}

/// A value to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// What.
    pub value: Content,
    /// The revision that must be there; 0: the key must not exist; none: whatever is there is replaced.
    pub expected: Option<u64>,
    /// From when on it is not there any more.
    pub expires: Option<Millis>,
}

/// How much a plugin may keep, over all scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Most keys.
    pub keys: u64,
    /// Most bytes, keys and values together.
    pub bytes: u64,
}

impl Default for Quota {
    /// 10,000 keys, 64 MiB.
    fn default() -> Self {
        Self { keys: 10_000, bytes: 64 << 20 }
    }
}

/// Why a value was not kept or removed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else wrote in between.
    #[error("key has revision {there}, not {expected} (0: it does not exist): read it again, then write")]
    Conflict {
        /// The revision that is there; 0 if the key does not exist.
        there: u64,
        /// The revision that should be there.
        expected: u64,
    },
    /// The key is empty or too long.
    #[error("key has {0} bytes: use 1 to {KEY}")]
    Key(usize),
    /// The value is too large.
    #[error("value has {0} bytes: keep up to {VALUE} in one key")]
    Value(usize),
    /// No more keys.
    #[error("the plugin has {0} keys already, as many as it may have: delete some, or give them a time to live")]
    Keys(u64),
    /// No more bytes.
    #[error("the plugin would keep {wanted} bytes, and may keep {allowed}: delete keys, or give them a time to live")]
    Bytes {
        /// How much it would be.
        wanted: u64,
        /// How much it may be.
        allowed: u64,
    },
}

/// A row: its id is the revision.
struct Found {
    id: u64,
    size: u64,
}

impl Txn<'_> {
    /// Keeps a value. Returns its revision.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCall`]. A refusal is no error: other changes of the closure are kept.
    pub fn put(&self, key: &Key, put: &Put, quota: Quota, now: Millis) -> Result<Result<u64, Refusal>, Error> {
        if key.name.is_empty() || key.name.len() > KEY {
            return Ok(Err(Refusal::Key(key.name.len())));
        }
        if put.value.len() > VALUE {
            return Ok(Err(Refusal::Value(put.value.len())));
        }
        let there = self.unexpired(key, now)?;
        if let Err(refusal) = check(put.expected, there.as_ref()) {
            return Ok(Err(refusal));
        }
        let size = (key.name.len() + put.value.len()) as u64;
        if over(self.usage(&key.plugin)?, there.as_ref(), size, quota).is_some() {
            self.drop_expired_of(&key.plugin, now)?;
            if let Some(refusal) = over(self.usage(&key.plugin)?, there.as_ref(), size, quota) {
                return Ok(Err(refusal));
            }
        }
        let call = match &key.scope {
            Scope::Plugin => None,
            Scope::Call(call) => Some(self.row_of_known(call)?),
        };
        self.drop_key(key)?;
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO storage (plugin, call, key, value, size, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let expires = put.expires.map(|at| at.0);
        let id = insert.insert(params![key.plugin, call, key.name, put.value, size, expires])?;
        Ok(Ok(id.unsigned_abs()))
    }

    /// Removes a key. False: there was none. `expected` as in [`Put`].
    ///
    /// # Errors
    ///
    /// Those of the file. A refusal is no error: other changes of the closure are kept.
    pub fn delete(&self, key: &Key, expected: Option<u64>, now: Millis) -> Result<Result<bool, Refusal>, Error> {
        let there = self.unexpired(key, now)?;
        if let Err(refusal) = check(expected, there.as_ref()) {
            return Ok(Err(refusal));
        }
        if there.is_some() {
            self.drop_key(key)?;
        }
        Ok(Ok(there.is_some()))
    }

    fn drop_key(&self, key: &Key) -> Result<(), Error> {
        let mut delete =
            self.sql.prepare_cached("DELETE FROM storage WHERE plugin = ?1 AND ifnull(call, 0) = ?2 AND key = ?3")?;
        delete.execute(params![key.plugin, self.scope_row(&key.scope)?, key.name])?;
        Ok(())
    }

    fn drop_expired_of(&self, plugin: &str, now: Millis) -> Result<(), Error> {
        let mut delete = self.sql.prepare_cached("DELETE FROM storage WHERE plugin = ?1 AND expires <= ?2")?;
        delete.execute(params![plugin, now.0])?;
        Ok(())
    }

    /// Keys and bytes in use.
    fn usage(&self, plugin: &str) -> Result<(u64, u64), Error> {
        let mut find = self.sql.prepare_cached("SELECT keys, bytes FROM storage_use WHERE plugin = ?1")?;
        let found = find.query_row([plugin], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(found.unwrap_or_default())
    }
}

impl View<'_> {
    /// The value of a key, unless its time is over.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn get(&self, key: &Key, now: Millis) -> Result<Option<Entry>, Error> {
        let Some(call) = self.scope_row(&key.scope)? else { return Ok(None) };
        let mut find = self.sql.prepare_cached(
            "SELECT id, value FROM storage
             WHERE plugin = ?1 AND ifnull(call, 0) = ?2 AND key = ?3 AND (expires IS NULL OR expires > ?4)",
        )?;
        let read = |row: &Row<'_>| Ok(Entry { revision: row.get(0)?, value: row.get(1)? });
        Ok(find.query_row(params![key.plugin, call, key.name, now.0], read).optional()?)
    }

    /// The names of keys that begin with `prefix`, in the order of their bytes, those behind `after` only, at most
    /// `limit` and at most [`PAGE`].
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn keys(
        &self,
        plugin: &str,
        scope: &Scope,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: Millis,
    ) -> Result<Vec<String>, Error> {
        let Some(call) = self.scope_row(scope)? else { return Ok(Vec::new()) };
        let mut find = self.sql.prepare_cached(
            "SELECT key FROM storage
             WHERE plugin = ?1 AND ifnull(call, 0) = ?2 AND key >= ?3 AND key > ?4
               AND substr(key, 1, length(?3)) = ?3 AND (expires IS NULL OR expires > ?5)
             ORDER BY key LIMIT ?6",
        )?;
        let after = after.unwrap_or_default();
        let found = find.query_map(params![plugin, call, prefix, after, now.0, limit.min(PAGE)], |row| row.get(0))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The value's row, unless its time is over.
    fn unexpired(&self, key: &Key, now: Millis) -> Result<Option<Found>, Error> {
        let Some(call) = self.scope_row(&key.scope)? else { return Ok(None) };
        let mut find = self.sql.prepare_cached(
            "SELECT id, size FROM storage
             WHERE plugin = ?1 AND ifnull(call, 0) = ?2 AND key = ?3 AND (expires IS NULL OR expires > ?4)",
        )?;
        let read = |row: &Row<'_>| Ok(Found { id: row.get(0)?, size: row.get(1)? });
        Ok(find.query_row(params![key.plugin, call, key.name, now.0], read).optional()?)
    }

    /// The call's row, or 0 for the plugin itself; none if the call is unknown.
    fn scope_row(&self, scope: &Scope) -> Result<Option<i64>, Error> {
        match scope {
            Scope::Plugin => Ok(Some(0)),
            Scope::Call(call) => self.row_of(call),
        }
    }
}

fn check(expected: Option<u64>, there: Option<&Found>) -> Result<(), Refusal> {
    let there = there.map_or(0, |found| found.id);
    match expected {
        Some(expected) if expected != there => Err(Refusal::Conflict { there, expected }),
        _ => Ok(()),
    }
}

/// Whether a value of `size` bytes in place of `there` is more than the plugin may keep.
fn over(in_use: (u64, u64), there: Option<&Found>, size: u64, quota: Quota) -> Option<Refusal> {
    let (keys, bytes) = in_use;
    if there.is_none() && keys >= quota.keys {
        return Some(Refusal::Keys(keys));
    }
    let wanted = bytes.saturating_sub(there.map_or(0, |found| found.size)) + size;
    (wanted > quota.bytes).then_some(Refusal::Bytes { wanted, allowed: quota.bytes })
}
