//! Connections that wait for the next request to their origin, and the turns of requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::connect::Connection;
use crate::limits::Limits;
use crate::origin::Origin;

/// Idle connections of one gate, of all origins together: many more than requests are under way by default. A plugin
/// that may call any host below a domain could otherwise hold a descriptor for each.
const MAX_IDLE: usize = 64;

/// How long a connection that was in use a moment ago may take to be ready again.
const READY: Duration = Duration::from_millis(100);

/// The idle connections of one gate. They are never shared with another gate.
pub(crate) struct Pool {
    idle: Mutex<Idle>,
    keep: Duration,
    turns: Semaphore,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last stands last.
    waiting: Vec<Waiting>,
    /// Whether a task is there that closes the old ones.
    swept: bool,
}

struct Waiting {
    origin: Origin,
    connection: Connection,
    until: Instant,
}

impl Pool {
    pub(crate) fn new(limits: &Limits) -> Arc<Pool> {
        let turns = Semaphore::new(limits.requests_at_once.into());
        Arc::new(Pool { idle: Mutex::default(), keep: limits.idle, turns })
    }

    /// Waits until one request more may be under way; `None` if the deadline comes first.
    pub(crate) async fn turn(&self, deadline: Instant) -> Option<SemaphorePermit<'_>> {
        timeout_at(deadline, self.turns.acquire()).await.ok()?.ok()
    }

    /// Takes the connection that was used last, if one is still open as far as this side knows.
    pub(crate) async fn take(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let Waiting { mut connection, until, .. } = {
                let waiting = &mut self.lock().waiting;
                let newest = waiting.iter().rposition(|waiting| waiting.origin == *origin)?;
                waiting.remove(newest)
            };
            if Instant::now() < until
                && let Ok(Ok(())) = timeout(READY, connection.sender.ready()).await
            {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose last answer was read to its end. `offered` is how long the other side said that it
    /// would keep it.
    pub(crate) fn keep(self: &Arc<Pool>, origin: Origin, connection: Connection, offered: Option<Duration>) {
        // What is handed over just when the other side closes may be in doubt; better to be a second early.
        let offered = offered.map_or(Duration::MAX, |offered| offered.saturating_sub(Duration::from_secs(1)));
        let keep = self.keep.min(offered);
        if keep.is_zero() || connection.sender.is_closed() {
            return;
        }
        let mut idle = self.lock();
        if idle.waiting.len() >= MAX_IDLE {
            idle.waiting.remove(0);
        }
        idle.waiting.push(Waiting { origin, connection, until: Instant::now() + keep });
        if !std::mem::replace(&mut idle.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.keep));
        }
    }

    /// Closes what has waited long enough. Says whether anything is left.
    fn close_old(&self) -> bool {
        let mut idle = self.lock();
        let now = Instant::now();
        idle.waiting.retain(|waiting| now < waiting.until && !waiting.connection.sender.is_closed());
        idle.swept = !idle.waiting.is_empty();
        idle.swept
    }

    /// A panic while the lock was held leaves at worst a connection too few.
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes idle connections until none is left, or no pool. One that is over waits for half its time more at most.
async fn sweep(pool: Weak<Pool>, keep: Duration) {
    loop {
        sleep_until(Instant::now() + keep / 2).await;
        if !pool.upgrade().is_some_and(|pool| pool.close_old()) {
            return;
        }
    }
}
