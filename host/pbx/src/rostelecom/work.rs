//! What is done without being asked by a post: the records of calls that are over, who there is, and what was missed.

mod gaps;
mod people;
mod records;

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use hookswitch_call::{Chain, Millis};
use tokio::sync::{Notify, watch};

use super::{History, Ledger, Patience, client::Client};
use crate::{Closed, Outlet};

/// Calls whose hash ends alike take turns.
const TURNS: usize = 64;

/// What posts, orders and work have in common.
pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    turns: Vec<tokio::sync::Mutex<()>>,
    /// There may be something new to do.
    stirred: Notify,
    /// Whether the PBX has posted anything.
    heard: AtomicBool,
    first_heard: Notify,
    /// Whether it was asked who there is, with or without an answer.
    looked: watch::Sender<bool>,
    /// The order of history that was completed last.
    completed: watch::Sender<String>,
}

impl Shared {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self {
            ledger: Mutex::new(ledger),
            turns: std::iter::repeat_with(Default::default).take(TURNS).collect(),
            stirred: Notify::new(),
            heard: AtomicBool::new(false),
            first_heard: Notify::new(),
            looked: watch::Sender::default(),
            completed: watch::Sender::default(),
        }
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held nobody else reports anything of the call.
    pub(super) async fn turn(&self, call: &Chain) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        call.hash(&mut hasher);
        let turn = usize::try_from(hasher.finish() % TURNS as u64).ok().and_then(|at| self.turns.get(at))?;
        Some(turn.lock().await)
    }

    /// Something may have become due.
    pub(super) fn stir(&self) {
        self.stirred.notify_one();
    }

    /// The PBX has posted something that is proven.
    pub(super) fn believed(&self) {
        if !self.heard.swap(true, Ordering::Relaxed) {
            self.first_heard.notify_one();
        }
    }

    /// The PBX says that an order is completed.
    pub(super) fn completed(&self, order: String) {
        self.completed.send_replace(order);
    }
}

/// The work of a source.
pub(super) struct Work {
    pub(super) client: Client,
    pub(super) shared: std::sync::Arc<Shared>,
    pub(super) outlet: Outlet,
    pub(super) patience: Patience,
    pub(super) history: History,
    /// When the newest call began that the host knows of.
    pub(super) newest: Option<Millis>,
}

impl Work {
    /// Works until it is dropped, or until nobody takes reports any more.
    pub(super) async fn run(self) {
        tokio::select! {
            _ = self.people() => {}
            _ = self.calls() => {}
        }
    }

    async fn calls(&self) -> Result<(), Closed> {
        // Records call people by their names.
        let _ = self.shared.looked.subscribe().wait_for(|looked| *looked).await;
        tokio::select! {
            ended = self.records() => ended,
            ended = self.gaps() => ended,
        }
    }
}

/// The present.
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
