//! The handle that the service holds.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{
    Error, OpenError, Reader, RunId, Txn, View,
    error::unpanicked,
    file,
    runs::{Effect, Intent},
    writer::{Command, Message, Urgency, Writer},
};

/// Most closures that wait to be applied; whoever comes then waits for a place.
const QUEUE: usize = 4096;

/// Most questions asked at the same time.
const READERS: usize = 4;

/// The journal of the running service. Clones are handles to the same one.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    inbox: mpsc::Sender<Message>,
    places: Arc<Semaphore>,
    reader: Arc<Reader>,
    readers: Arc<Semaphore>,
    last_run: AtomicI64,
}

impl Journal {
    /// Opens the journal in the data directory `dir`, which is made (mode 0700, files 0600) if it is missing. An older
    /// format is converted. What an earlier process left behind is durable when this returns. Blocks for some
    /// milliseconds, after a crash or with a large file up to about a second.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] if another process holds the directory, [`OpenError::Newer`], [`OpenError::Foreign`] or
    /// [`OpenError::Damaged`] for a file that must not be touched; see there for the others.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let owned = file::own(dir)?;
        let failed = |source| OpenError::Journal { path: file::path(dir), source };
        let last_run = View { sql: &owned.connection }.last_run().map_err(failed)?;
        let (inbox, received) = mpsc::channel();
        let writer = Writer::start(owned, dir, received).map_err(failed)?;
        let reader = Reader::open(dir)?;
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| OpenError::Path { path: file::path(dir), action: "given a thread", source })?;
        let shared = Shared {
            inbox,
            places: Arc::new(Semaphore::new(QUEUE)),
            reader: Arc::new(reader),
            readers: Arc::new(Semaphore::new(READERS)),
            last_run: AtomicI64::new(last_run),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Applies `changes`, all or nothing, and returns when they and everything queued before them would survive a power
    /// cut. Many that wait at the same time share one sync. The closure runs on the writer's thread: it must not block.
    ///
    /// Once queued it is applied even if the future is dropped.
    ///
    /// # Errors
    ///
    /// Those of `changes`, which are undone then; and [`Error::Full`] and the like, if the commit failed. In either case
    /// nothing of it is kept.
    pub async fn write<T: Send + 'static>(
        &self,
        changes: impl FnOnce(&Txn<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.ask(Urgency::Durable, changes).await
    }

    /// Applies `changes`, all or nothing, and returns when they and everything queued before them are seen by readers and
    /// would survive the death of the process. They survive a power cut as those of [`later`](Self::later) do. Otherwise
    /// as [`write`](Self::write).
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub async fn apply<T: Send + 'static>(
        &self,
        changes: impl FnOnce(&Txn<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.ask(Urgency::Later, changes).await
    }

    /// Queues `changes` and returns at once, or when there is a place in the queue. They are applied in order, all or
    /// nothing, and seen by readers a moment later. They survive the death of the process from then on, and a power cut
    /// with the next [`write`](Self::write), at the latest after 100 ms. A failure is logged as `what`.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub async fn later(
        &self,
        what: &'static str,
        changes: impl FnOnce(&Txn<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let place = self.place().await?;
        self.send(Command::new(Urgency::Later, place, changes, move |result| {
            if let Err(error) = result {
                tracing::warn!(%error, what, "the journal lost a record that nobody waits for");
            }
        }))
    }

    /// Answers questions from one consistent, committed state, on a thread for blocking work.
    ///
    /// # Errors
    ///
    /// Those of `questions`, and of the file.
    pub async fn read<T: Send + 'static>(
        &self,
        questions: impl FnOnce(&View<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.shared.readers).acquire_owned().await.map_err(|_| Error::Closed)?;
        let reader = Arc::clone(&self.shared.reader);
        let answer = tokio::task::spawn_blocking(move || {
            let answer = unpanicked(|| reader.read(questions));
            drop(place);
            answer
        });
        answer.await.map_err(|_| Error::Closed)?
    }

    /// A new id for an invocation of a plugin, never given before.
    pub fn next_run(&self) -> RunId {
        RunId(self.shared.last_run.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Notes that a request is about to be made. When this returns, the intent of an idempotent or once request is
    /// durable, and so is everything queued before it: its bytes may leave. That of a read is queued only.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write): the request must not be made then.
    pub async fn intend(&self, intent: Intent) -> Result<(), Error> {
        match intent.effect {
            Effect::Read => self.later("request", move |txn| txn.record_intent(&intent)).await,
            Effect::Idempotent | Effect::Once => self.write(move |txn| txn.record_intent(&intent)).await,
        }
    }

    /// Applies what is queued, makes it durable and closes the file; another process can open it when this returns. Every
    /// handle is closed by it.
    pub async fn close(self) {
        self.shared.places.close();
        let (closed, done) = oneshot::channel();
        self.shared.reader.rest();
        if self.shared.inbox.send(Message::Close(closed)).is_ok() {
            // An error means that the writer is gone already.
            let _ = done.await;
        }
    }

    /// Moves all that the log holds into the database, and makes the log empty: what was forgotten before is gone from the
    /// files when this returns.
    ///
    /// # Errors
    ///
    /// Those of the file; [`Error::LogInUse`] if somebody reads an old state for too long.
    pub async fn empty_log(&self) -> Result<(), Error> {
        let reader = Arc::clone(&self.shared.reader);
        tokio::task::spawn_blocking(move || file::empty_log(reader.dir())).await.map_err(|_| Error::Closed)?
    }

    async fn ask<T: Send + 'static>(
        &self,
        urgency: Urgency,
        changes: impl FnOnce(&Txn<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let place = self.place().await?;
        self.send(Command::new(urgency, place, changes, move |result| {
            // The one who asked may have gone.
            let _ = reply.send(result);
        }))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.shared.places).acquire_owned().await.map_err(|_| Error::Closed)
    }

    fn send(&self, command: Command) -> Result<(), Error> {
        self.shared.inbox.send(Message::Apply(command)).map_err(|_| Error::Closed)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("reader", &self.shared.reader).finish_non_exhaustive()
    }
}
