//! Connections that wait for the next request to their origin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::connect::Connection;
use crate::origin::Origin;

/// Idle connections kept for one origin. More requests at once than that is rare: a plugin's concurrency is limited.
const MAX_IDLE: usize = 8;

/// How long a connection that was in use a moment ago may take to be ready again.
const READY: Duration = Duration::from_millis(100);

/// The idle connections of one gate. They are never shared with another gate.
pub(crate) struct Pool {
    idle: Mutex<HashMap<Origin, Vec<Idle>>>,
    keep: Duration,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(keep: Duration) -> Arc<Pool> {
        Arc::new(Pool { idle: Mutex::default(), keep })
    }

    /// Takes the connection that was used last, if one is still open as far as this side knows.
    pub(crate) async fn take(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let idle = self.lock().get_mut(origin)?.pop()?;
            if idle.since.elapsed() > self.keep {
                continue;
            }
            let mut connection = idle.connection;
            if let Ok(Ok(())) = timeout(READY, connection.sender.ready()).await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(crate) fn keep(self: &Arc<Pool>, origin: Origin, connection: Connection) {
        if self.keep.is_zero() || connection.sender.is_closed() {
            return;
        }
        let mut idle = self.lock();
        let waiting = idle.entry(origin).or_default();
        if waiting.len() < MAX_IDLE {
            waiting.push(Idle { connection, since: Instant::now() });
            let (pool, keep) = (Arc::downgrade(self), self.keep);
            tokio::spawn(async move {
                sleep(keep).await;
                if let Some(pool) = pool.upgrade() {
                    pool.close_old();
                }
            });
        }
    }

    fn close_old(&self) {
        self.lock().retain(|_, waiting| {
            waiting.retain(|idle| idle.since.elapsed() < self.keep);
            !waiting.is_empty()
        });
    }

    /// A panic while the lock was held leaves at worst a connection too few.
    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
