//! The thread that writes: it takes what waits, applies it in one transaction, and commits once.
//!
//! SQLite writes each commit to the log (WAL) in order, and a crash leaves a whole number of them. A group that holds
//! something durable is committed with a sync of the log, which covers everything before it; a group that does not is
//! committed without. So nothing is ever durable before what was queued earlier.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    Error, Txn,
    error::unpanicked,
    file::Owned,
    log::{Log, Moved, move_pages},
};

/// Most commands in one commit.
const GROUP: usize = 256;

/// A group takes no more commands after this time, or the time that the last sync took if that is longer: so the first
/// one does not wait long for the last, and a slow disk gets larger groups.
const GROUP_FOR: Duration = Duration::from_millis(2);

/// A disk that is slower than this gets no larger groups any more.
const SLOW_SYNC: Duration = Duration::from_millis(20);

/// Longest time that a commit stays without a sync.
const SYNC_WITHIN: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody waits until it is durable.
    Durable,
    /// It is committed with its group, and becomes durable with a later one.
    Later,
}

/// Tells the one who asked how it went, once it is known whether the group was committed.
type Settle = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Does the work, or learns why it cannot be done. Returns how it went, for the transaction to be kept or undone.
type Apply = Box<dyn FnOnce(Result<&Txn<'_>, Error>) -> (Result<(), Error>, Settle) + Send>;

/// One closure to be applied.
pub(crate) struct Command {
    urgency: Urgency,
    apply: Apply,
    /// Its place in the queue, held until it is settled.
    place: OwnedSemaphorePermit,
}

impl Command {
    /// `op`, whose result is given to `settle` after the commit.
    pub(crate) fn new<T: Send + 'static>(
        urgency: Urgency,
        place: OwnedSemaphorePermit,
        op: impl FnOnce(&Txn<'_>) -> Result<T, Error> + Send + 'static,
        settle: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) -> Self {
        let apply: Apply = Box::new(move |txn| {
            let result = txn.and_then(|txn| unpanicked(|| op(txn)));
            let outcome = result.as_ref().map(|_| ()).map_err(Clone::clone);
            (outcome, Box::new(move |kept| settle(result.and_then(|value| kept.map(|()| value)))))
        });
        Self { urgency, apply, place }
    }
}

/// What the writer is sent.
pub(crate) enum Message {
    Apply(Command),
    /// Finish what was sent before, and go. Answered when the file is closed.
    Close(oneshot::Sender<()>),
}

pub(crate) struct Writer {
    // Dropped before the file: the last connection that is closed leaves no log behind.
    log: Log,
    file: Owned,
    inbox: Receiver<Message>,
    queue: VecDeque<Command>,
    closing: Vec<oneshot::Sender<()>>,
    /// Since when commits are waiting for a sync.
    unsynced: Option<Instant>,
    /// How long the last commit with a sync took.
    sync_took: Duration,
    /// A sync failed, and what the log holds has not been moved into the database since.
    suspect: bool,
    /// The last commit failed.
    failing: bool,
}

impl Writer {
    /// Takes over the file. What a killed process had committed may not have reached the disk: it is durable when this
    /// returns.
    pub(crate) fn start(mut file: Owned, dir: &Path, inbox: Receiver<Message>) -> Result<Self, Error> {
        let mut writer = Self {
            log: Log::keep(&mut file.connection, dir)?,
            file,
            inbox,
            queue: VecDeque::new(),
            closing: Vec::new(),
            unsynced: Some(Instant::now()),
            sync_took: Duration::ZERO,
            suspect: false,
            failing: false,
        };
        writer.commit()?;
        Ok(writer)
    }

    /// Works until it is told to close, or nobody is left who could send anything.
    pub(crate) fn run(mut self) {
        while self.receive() {
            let kept = self.commit();
            self.report(&kept);
            let tended = self.log.tend(&self.file.connection);
            self.suspect |= matches!(tended, Err(Error::Disk { .. }));
        }
        if self.unsynced.is_some() {
            let kept = self.commit();
            self.report(&kept);
        }
        let Self { log, file, inbox, closing, .. } = self;
        drop(inbox);
        drop(log);
        drop(file);
        for closed in closing {
            // Nobody may be waiting any more.
            let _ = closed.send(());
        }
    }

    /// Says when trouble begins and when it is over, not at every attempt in between.
    fn report(&mut self, kept: &Result<(), Error>) {
        match kept {
            Err(error) if !self.failing => tracing::error!(%error, "the journal cannot commit"),
            Ok(()) if self.failing => tracing::info!("the journal commits again"),
            _ => {}
        }
        self.failing = kept.is_err();
    }

    /// Fills the queue. Waits while there is nothing to do, and returns with an empty queue when a sync is due. False:
    /// all is done.
    fn receive(&mut self) -> bool {
        while self.queue.len() < GROUP {
            let message = if !self.queue.is_empty() || !self.closing.is_empty() {
                self.inbox.try_recv().ok()
            } else if let Some(since) = self.unsynced {
                match self.inbox.recv_timeout(SYNC_WITHIN.saturating_sub(since.elapsed())) {
                    Err(RecvTimeoutError::Timeout) => return true,
                    message => message.ok(),
                }
            } else {
                self.inbox.recv().ok()
            };
            match message {
                Some(Message::Apply(command)) => self.queue.push_back(command),
                Some(Message::Close(closed)) => self.closing.push(closed),
                None => break,
            }
        }
        !self.queue.is_empty()
    }

    /// Applies commands from the queue in one transaction, commits, and settles them. With an empty queue: syncs what
    /// was committed before.
    fn commit(&mut self) -> Result<(), Error> {
        let overdue = self.unsynced.is_some_and(|since| since.elapsed() >= SYNC_WITHIN);
        let awaited = self.queue.iter().any(|command| command.urgency == Urgency::Durable);
        let sync = self.queue.is_empty() || overdue || awaited;

        let mut settles = Vec::with_capacity(self.queue.len());
        let kept = match self.begin(sync) {
            Ok(()) => self.apply(&mut settles).and_then(|()| self.end(sync)),
            Err(error) => {
                let refuse = |Command { apply, place, .. }| (apply(Err(error.clone())).1, place);
                settles.extend(self.queue.drain(..).map(refuse));
                Err(error)
            }
        };
        if let Err(error) = &kept {
            self.suspect |= matches!(error, Error::Disk { .. });
            // Tried again after the usual time, and not at once for ever.
            self.unsynced = self.unsynced.map(|_| Instant::now());
            if !self.file.connection.is_autocommit()
                && let Err(error) = self.file.connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "a failed commit of the journal could not be undone");
            }
        }
        for (settle, _place) in settles {
            settle(kept.clone());
        }
        kept
    }

    fn begin(&mut self, sync: bool) -> Result<(), Error> {
        let sql = &self.file.connection;
        if self.suspect {
            move_log(sql)?;
            self.suspect = false;
        }
        let level = if sync { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        sql.execute_batch(level)?;
        sql.execute_batch("BEGIN IMMEDIATE")?;
        Ok(())
    }

    /// Applies what is in the queue, as long as the group may last. An error means that the transaction is lost.
    fn apply(&mut self, settles: &mut Vec<(Settle, OwnedSemaphorePermit)>) -> Result<(), Error> {
        let until = Instant::now() + self.sync_took.clamp(GROUP_FOR, SLOW_SYNC);
        while let Some(Command { apply, place, .. }) = self.queue.pop_front() {
            let (settle, going_on) = apply_in_savepoint(&self.file.connection, apply);
            settles.push((settle, place));
            going_on?;
            if Instant::now() >= until {
                break;
            }
        }
        Ok(())
    }

    fn end(&mut self, sync: bool) -> Result<(), Error> {
        let sql = &self.file.connection;
        if sync && self.unsynced.is_some() {
            // A commit that changes nothing would not sync, and there is something before it that needs to be.
            sql.prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'syncs'")?.execute([])?;
        }
        let began = Instant::now();
        sql.execute_batch("COMMIT")?;
        if sync {
            self.sync_took = began.elapsed();
            self.unsynced = None;
        } else {
            self.unsynced = self.unsynced.or(Some(began));
        }
        Ok(())
    }
}

/// Applies one command so that its failure undoes its own changes only. The second value is an error if the transaction
/// as a whole cannot go on, as when the disk is full: SQLite has undone it then.
fn apply_in_savepoint(sql: &Connection, apply: Apply) -> (Settle, Result<(), Error>) {
    let run = |statement: &str| -> Result<(), Error> {
        sql.prepare_cached(statement)?.execute([])?;
        Ok(())
    };
    if let Err(error) = run("SAVEPOINT command") {
        return (apply(Err(error.clone())).1, Err(error));
    }
    let (outcome, settle) = apply(Ok(&Txn::new(sql)));
    let going_on = match outcome {
        Ok(()) => run("RELEASE command"),
        Err(error) if sql.is_autocommit() => Err(error),
        Err(_) => run("ROLLBACK TO command").and_then(|()| run("RELEASE command")),
    };
    (settle, going_on)
}

/// Moves all that the log holds into the database and syncs it there. After a failed sync of the log the kernel may take
/// its pages for written although they are not; a later sync would not write them again.
fn move_log(sql: &Connection) -> Result<(), Error> {
    match move_pages(sql)? {
        Moved::UpTo { moved, length } if moved == length => return Ok(()),
        Moved::UpTo { .. } | Moved::Busy => {}
    }
    Err(Error::Disk { detail: "its log could not be synced, and not be moved either while it is being read".into() })
}
