//! The format of the file, and how older ones become the present one.

use rusqlite::{Connection, OptionalExtension};

use crate::Error;

/// Marks the file as a journal (`PRAGMA application_id`): "Hook".
const APPLICATION: u32 = 0x486f_6f6b;

/// Each entry turns the format before it into its own; released entries never change.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// The format that this program writes.
pub(crate) const PRESENT: u32 = MIGRATIONS.len() as u32;

/// What kind of file this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// No tables at all.
    Empty,
    /// A journal of this format.
    Journal(u32),
    /// Somebody else's database.
    Foreign,
}

/// Looks at the file without changing it.
pub(crate) fn recognise(connection: &Connection) -> Result<Format, Error> {
    let application: u32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application == APPLICATION {
        let version =
            connection.query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get(0)).optional()?;
        return Ok(version.map_or(Format::Foreign, Format::Journal));
    }
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if application == 0 && tables == 0 { Format::Empty } else { Format::Foreign })
}

/// Brings the file from format `from` (0: empty) to the present one, in one commit.
pub(crate) fn migrate(connection: &mut Connection, from: u32) -> Result<(), Error> {
    let done = usize::try_from(from).unwrap_or(usize::MAX);
    if done >= MIGRATIONS.len() {
        return Ok(());
    }
    let txn = connection.transaction()?;
    if from == 0 {
        txn.pragma_update(None, "application_id", APPLICATION)?;
        txn.execute_batch(
            "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
             INSERT INTO meta VALUES ('schema', 0), ('syncs', 0);",
        )?;
    }
    for migration in MIGRATIONS.iter().skip(done) {
        txn.execute_batch(migration)?;
    }
    txn.execute("UPDATE meta SET value = ?1 WHERE name = 'schema'", [PRESENT])?;
    Ok(txn.commit()?)
}
