//! Page by page from one state of a journal, and a look at the result.

use std::{os::raw::c_int, path::Path};

use hookswitch_call::Millis;
use rusqlite::{
    Connection, OpenFlags,
    backup::{Progress, StepResult},
};

use super::Backup;
use crate::Error;

/// Pages (4 KiB) copied between two reports of the progress.
const STEP: c_int = 256;

/// Copies the journal that `source` reads into the existing, empty file `to`, which is then one whole database without a
/// log. Not synced.
pub(super) fn copy(source: &Connection, to: &Path, mut progress: impl FnMut(u64, u64)) -> Result<Backup, Error> {
    let mut copy =
        Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // The caller syncs it once, and a copy that was cut off is thrown away.
    copy.pragma_update(None, "synchronous", false)?;
    copy.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(()))?;
    // One state from the first page to the last, however long it takes.
    let snapshot = source.unchecked_transaction()?;
    {
        let steps = rusqlite::backup::Backup::new(&snapshot, &mut copy)?;
        loop {
            let step = steps.step(STEP)?;
            let Progress { remaining, pagecount } = steps.progress();
            let (all, left) = (u64::try_from(pagecount).unwrap_or(0), u64::try_from(remaining).unwrap_or(0));
            progress(all.saturating_sub(left), all);
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // Nobody else knows the copy, and a reader of the source is never locked out.
                _ => return Err(Error::Disk { detail: "the copy was locked by somebody".to_owned() }),
            }
        }
    }
    drop(snapshot);
    // Removes the log that belongs to the format of the source.
    copy.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    let verdict: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Error::Damaged { detail: verdict.replace('\n', " ") });
    }
    let backup = contents(&copy, to)?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(backup)
}

/// What is in a journal of any format up to the present one.
fn contents(sql: &Connection, path: &Path) -> Result<Backup, Error> {
    let bytes = std::fs::metadata(path).map_err(|error| Error::Disk { detail: error.to_string() })?.len();
    let counts = "SELECT (SELECT count(*) FROM calls), (SELECT max(changed) FROM calls), (SELECT count(*) FROM jobs),
                    (SELECT count(*) FROM jobs WHERE state IN ('waiting', 'running', 'parked'))";
    Ok(sql.query_row(counts, [], |row| {
        Ok(Backup {
            bytes,
            calls: row.get(0)?,
            newest: row.get::<_, Option<u64>>(1)?.map(Millis),
            jobs: row.get(2)?,
            unfinished: row.get(3)?,
        })
    })?)
}
