//! Trouble to order: what goes wrong, and where a request stands still until a test has done what it wants.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{oneshot, watch};

/// What goes wrong at one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The web server answers this status with a page of HTML, for Zammad does not run; nothing is done.
    Down(u16),
    /// Zammad fails before it has done anything, as with its database away.
    Error,
    /// The same, after it has done it.
    ErrorAfter,
    /// The connection ends without an answer; nothing is done.
    Close,
    /// It is done, and the connection ends without an answer.
    CloseAfter,
    /// It is done at once, and answered so much later.
    Late(Duration),
}

/// The faults in force.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) next: VecDeque<Option<Fault>>,
    pub(crate) always: Option<Fault>,
}

impl Faults {
    pub(crate) fn strike(&mut self) -> Option<Fault> {
        self.next.pop_front().flatten().or(self.always)
    }
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is here. Nothing was done.
    Arrived,
    /// It was done. Nothing of the answer has been sent.
    Done,
    /// The whole answer was handed to the operating system.
    Answered,
}

/// A place where one request stands still. When this is dropped, the request's connection ends there.
pub struct Trap {
    sprung: oneshot::Receiver<()>,
    _hold: watch::Sender<()>,
}

impl Trap {
    /// Returns when the request is there.
    pub async fn sprung(&mut self) {
        if (&mut self.sprung).await.is_err() {
            // No request will come.
            std::future::pending::<()>().await;
        }
    }
}

struct Spring {
    phase: Phase,
    left: usize,
    sprung: Option<oneshot::Sender<()>>,
    released: watch::Receiver<()>,
}

/// The trap that is set, if one is.
#[derive(Clone, Default)]
pub(crate) struct Traps(Arc<Mutex<Option<Spring>>>);

impl Traps {
    /// Sets a trap for the `nth` request, counted from 1 and from now on.
    pub(crate) fn set(&self, phase: Phase, nth: usize) -> Trap {
        let (spring, sprung) = oneshot::channel();
        let (hold, released) = watch::channel(());
        let spring = Spring { phase, left: nth, sprung: Some(spring), released };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(spring);
        Trap { sprung, _hold: hold }
    }

    /// A request comes to this phase; whether it ends here, which it does after a trap has held it.
    pub(crate) async fn reached(&self, phase: Phase) -> bool {
        let mut released = {
            let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(spring) = set.as_mut().filter(|spring| spring.phase == phase) else { return false };
            spring.left = spring.left.saturating_sub(1);
            if spring.left > 0 {
                return false;
            }
            let Some(sprung) = spring.sprung.take() else { return false };
            let _ = sprung.send(());
            spring.released.clone()
        };
        // Until its other end is dropped.
        while released.changed().await.is_ok() {}
        true
    }
}
