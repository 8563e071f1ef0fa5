//! Moving what the log (WAL) holds into the database, beside the commits and not between them.
//!
//! A checkpoint writes and syncs thousands of pages; nobody who waits for a commit is to wait for that. A thread with a
//! connection of its own does the bulk of it. Under steady load it never reaches the end of the log, and the log can begin
//! anew only when its end is reached; so the writer moves the little that is left, when it is little.

#[cfg(test)]
mod tests;

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::JoinHandle,
};

use rusqlite::Connection;

use crate::{Error, file};

/// From this length on the log is to begin anew: 64 MiB. Pages are written again and again, and moved once: a short log
/// costs much more writing. Its file keeps this size, so that most commits overwrite it and need not make it longer, which
/// is a slower sync.
pub(crate) const FULL: u32 = 16_384;

/// The thread is asked again when the log has grown by this much more: it could not move everything, because somebody
/// reads an old state.
const AGAIN: u32 = FULL / 4;

/// At this length the writer moves everything itself, however long it takes: the thread does not keep up. 256 MiB.
const TOO_LONG: u32 = 4 * FULL;

/// So many pages the writer moves without anybody noticing: half a MiB.
const LITTLE: u32 = 128;

/// The thread goes over the log so often to get near its end; each time there is less left.
const PASSES: u32 = 8;

/// The writer's side.
pub(crate) struct Log {
    /// Pages in the log after the last commit.
    length: Arc<AtomicU32>,
    /// Up to where the thread moved it the last time; 0 once that was looked at.
    moved: Arc<AtomicU32>,
    /// Length when the thread was asked the last time; 0: not since it began anew.
    asked: u32,
    /// The writer could not move it the last time.
    stuck: bool,
    thread: Option<(SyncSender<()>, JoinHandle<()>)>,
}

impl Log {
    /// Takes the log of the writer's connection into care.
    pub(crate) fn keep(writer: &mut Connection, dir: &Path) -> Result<Self, Error> {
        let length = Arc::new(AtomicU32::new(0));
        let moved = Arc::new(AtomicU32::new(0));
        // In place of SQLite's own hook, which moves everything as a part of the commit.
        let noted = Arc::clone(&length);
        writer.wal_hook(Some(move |_: &mut _, pages: std::os::raw::c_int| {
            noted.store(u32::try_from(pages).unwrap_or(0), Relaxed);
            Ok(())
        }))?;
        let connection = file::join(dir)?;
        let (ask, asked) = mpsc::sync_channel(1);
        let (now, report) = (Arc::clone(&length), Arc::clone(&moved));
        let thread = std::thread::Builder::new()
            .name("journal-log".to_owned())
            .spawn(move || work(&connection, &asked, &now, &report))
            .map_err(|error: io::Error| Error::Disk { detail: format!("no thread for its log: {error}") })?;
        Ok(Self { length, moved, asked: 0, stuck: false, thread: Some((ask, thread)) })
    }

    /// To be called between commits.
    ///
    /// # Errors
    ///
    /// Those of moving and syncing: a sync of the log may be among what failed. They are logged.
    pub(crate) fn tend(&mut self, writer: &Connection) -> Result<(), Error> {
        let length = self.length.load(Relaxed);
        if length < self.asked {
            // It began anew.
            self.asked = 0;
        }
        let moved = self.moved.swap(0, Relaxed);
        let little = moved > 0 && length.saturating_sub(moved) <= LITTLE;
        if (length >= FULL && little) || length >= TOO_LONG {
            let moved = move_pages(writer);
            report(&mut self.stuck, &moved);
            return moved.map(|_| ());
        }
        let due = if self.asked == 0 { FULL } else { self.asked.saturating_add(AGAIN) };
        if length >= due
            && let Some((ask, _)) = &self.thread
            // It is at work if it does not take the request.
            && ask.try_send(()).is_ok()
        {
            self.asked = length;
        }
        Ok(())
    }
}

impl Drop for Log {
    /// The connection of the thread is closed when this returns: the writer's is the last one then.
    fn drop(&mut self) {
        if let Some((ask, thread)) = self.thread.take() {
            drop(ask);
            if thread.join().is_err() {
                tracing::error!("the thread for the journal's log panicked");
            }
        }
    }
}

fn work(connection: &Connection, asked: &Receiver<()>, length: &AtomicU32, moved: &AtomicU32) {
    let mut stuck = false;
    while asked.recv().is_ok() {
        for _ in 0..PASSES {
            let done = move_pages(connection);
            report(&mut stuck, &done);
            let Ok(Moved::UpTo { moved: pages, .. }) = done else { break };
            if length.load(Relaxed).saturating_sub(pages) <= LITTLE {
                moved.store(pages, Relaxed);
                break;
            }
        }
    }
}

/// Says when trouble begins, not at every attempt.
fn report(stuck: &mut bool, moved: &Result<Moved, Error>) {
    if let Err(error) = moved
        && !*stuck
    {
        tracing::warn!(%error, "the journal's log cannot be moved into the database; it grows on");
    }
    *stuck = moved.is_err();
}

/// How far the log was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// So many of so many pages are in the database, and synced there.
    UpTo { moved: u32, length: u32 },
    /// Somebody else is moving it.
    Busy,
}

/// Moves what no reader holds back.
pub(crate) fn move_pages(connection: &Connection) -> Result<Moved, Error> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        let busy: bool = row.get(0)?;
        Ok(if busy { Moved::Busy } else { Moved::UpTo { length: row.get(1)?, moved: row.get(2)? } })
    })?)
}
