//! Moments in the life of a request at which a test may step in. The account waits until the test has done what it wants.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::BoxFuture;

/// A request, and how far it has come.
#[derive(Clone, Debug)]
pub struct Moment {
    pub phase: Phase,
    /// Counts requests from 1 since the watch began.
    pub nth: usize,
    /// The method and the path with `#` for ids: "PUT tickets/#".
    pub operation: String,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is here. It has not been carried out.
    Arrived,
    /// It was carried out. Nothing of the answer has been sent.
    CarriedOut,
    /// The whole answer was handed to the operating system.
    Answered,
}

/// What becomes of the request. After [`Phase::Answered`] there is nothing left to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    GoOn,
    /// It ends here, and its connection with it.
    Cut,
}

type Watch = dyn Fn(Moment) -> BoxFuture<'static, Then> + Send + Sync;

struct Watcher {
    watch: Box<Watch>,
    requests: AtomicUsize,
}

/// Who watches, if anybody does.
#[derive(Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<Option<Arc<Watcher>>>>);

/// A request, which may be watched.
pub(crate) struct Watched(Option<(Arc<Watcher>, usize, String)>);

impl Watchers {
    pub(crate) fn set(&self, watch: Option<Box<Watch>>) {
        let watcher = watch.map(|watch| Arc::new(Watcher { watch, requests: AtomicUsize::default() }));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = watcher;
    }

    /// Gives the request its number.
    pub(crate) fn request(&self, operation: &str) -> Watched {
        let watcher = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Watched(watcher.map(|watcher| {
            let nth = watcher.requests.fetch_add(1, Ordering::Relaxed) + 1;
            (watcher, nth, operation.to_owned())
        }))
    }
}

impl Watched {
    pub(crate) async fn reached(&self, phase: Phase) -> Then {
        let Some((watcher, nth, operation)) = &self.0 else { return Then::GoOn };
        let moment = Moment { phase, nth: *nth, operation: operation.clone() };
        // On its own task: a client that hangs up meanwhile does not stop what the test has begun.
        tokio::spawn((watcher.watch)(moment)).await.unwrap_or(Then::Cut)
    }
}
