//! Moments in the life of a request at which a test may step in. The portal waits until the test has done what it wants,
//! so that "right before the portal carried it out" is no matter of luck.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::BoxFuture;

/// A request, and how far it has come.
#[derive(Clone, Debug)]
pub struct Moment {
    pub phase: Phase,
    /// Counts requests from 1 since the watch began; at [`Phase::Connected`] it counts connections.
    pub nth: usize,
    /// As the request writes it; empty at [`Phase::Connected`].
    pub method: String,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A connection was accepted. Nothing has been read from it.
    Connected,
    /// The first bytes of the request are here. It has not been carried out.
    Arrived,
    /// It was carried out. Nothing of the answer has been sent.
    CarriedOut,
    /// The whole answer was handed to the operating system.
    Answered,
}

/// What becomes of the request. After [`Phase::Answered`] there is nothing left to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It goes its way.
    GoOn,
    /// It ends here, and its connection with it.
    Cut,
}

type Watch = dyn Fn(Moment) -> BoxFuture<'static, Then> + Send + Sync;

/// Who watches, if anybody does.
#[derive(Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<Option<Arc<Watcher>>>>);

pub(crate) struct Watcher {
    watch: Box<Watch>,
    connections: AtomicUsize,
    requests: AtomicUsize,
}

/// A request that is watched.
#[derive(Clone)]
pub(crate) struct Watched {
    watcher: Arc<Watcher>,
    nth: usize,
    method: String,
}

impl Watchers {
    pub(crate) fn set(&self, watch: Option<Box<Watch>>) {
        let watcher = watch.map(|watch| {
            Arc::new(Watcher { watch, connections: AtomicUsize::default(), requests: AtomicUsize::default() })
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = watcher;
    }

    fn current(&self) -> Option<Arc<Watcher>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn connected(&self) -> Then {
        let Some(watcher) = self.current() else { return Then::GoOn };
        let nth = watcher.connections.fetch_add(1, Ordering::Relaxed) + 1;
        Watched { watcher, nth, method: String::new() }.reached(Phase::Connected).await
    }

    /// Gives the request its number.
    pub(crate) fn request(&self, method: &str) -> Option<Watched> {
        let watcher = self.current()?;
        let nth = watcher.requests.fetch_add(1, Ordering::Relaxed) + 1;
        Some(Watched { watcher, nth, method: method.to_owned() })
    }
}

impl Watched {
    pub(crate) async fn reached(&self, phase: Phase) -> Then {
        let moment = Moment { phase, nth: self.nth, method: self.method.clone() };
        // On its own task: a client that hangs up meanwhile does not stop what the test has begun.
        tokio::spawn((self.watcher.watch)(moment)).await.unwrap_or(Then::Cut)
    }
}
