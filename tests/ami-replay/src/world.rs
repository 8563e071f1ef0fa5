//! Everything the server knows, behind one lock: an event changes the switchboard and is queued for the clients in one
//! step, so a listing and the events after it never contradict each other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::fresh::Fresh;
use crate::login::{User, View};
use crate::message::Message;
use crate::switchboard::Switchboard;

/// What a connection's writer is asked to do.
#[derive(Debug)]
pub(crate) enum Out {
    /// Write these bytes in one go.
    Bytes(Vec<u8>),
    /// Write no more than this many bytes from here on, then vanish.
    CloseAfter(usize),
    /// Close when everything before is written.
    Close,
    /// Tell that everything before is written.
    Reached(#[expect(dead_code, reason = "being dropped is the message")] mpsc::Sender<()>),
}

/// A request that a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Number of the connection, counted from 1 since the server started.
    pub connection: usize,
    /// The whole request, as sent.
    pub request: Message,
}

impl Action {
    /// The name of the action, for example `Login`.
    pub fn name(&self) -> &str {
        self.request.value("Action")
    }
}

pub(crate) struct Client {
    pub(crate) connection: usize,
    pub(crate) outbox: mpsc::UnboundedSender<Out>,
    pub(crate) task: AbortHandle,
    /// None before login.
    pub(crate) view: Option<View>,
    pub(crate) challenge: Option<String>,
    /// The next event is to end in its middle, and the connection with it.
    pub(crate) break_next: bool,
}

impl Client {
    pub(crate) fn send(&self, text: impl Into<Vec<u8>>) {
        // A connection that is closing has no reader any more; what it is sent is lost, as on a real wire.
        let _ = self.outbox.send(Out::Bytes(text.into()));
    }
}

pub(crate) struct World {
    pub(crate) user: User,
    pub(crate) board: Switchboard,
    pub(crate) clients: Vec<Client>,
    pub(crate) actions: Vec<Action>,
    pub(crate) fresh: Fresh,
    pub(crate) silent: bool,
    pub(crate) connections: usize,
    pub(crate) logins: usize,
    pub(crate) started: Instant,
}

impl World {
    pub(crate) fn new(user: User) -> Self {
        Self {
            user,
            board: Switchboard::default(),
            clients: Vec::new(),
            actions: Vec::new(),
            fresh: Fresh::default(),
            silent: false,
            connections: 0,
            logins: 0,
            started: Instant::now(),
        }
    }

    pub(crate) fn client(&mut self, connection: usize) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.connection == connection)
    }
}

/// The world and a bell that rings when clients come, go or ask something.
pub(crate) struct Shared {
    world: Mutex<World>,
    bell: watch::Sender<()>,
    /// Nothing happens at the PBX while it is.
    held: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Mutex::new(world), bell: watch::Sender::new(()), held: watch::Sender::new(false) }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ring(&self) {
        self.bell.send_replace(());
    }

    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Waits as long as the PBX is held.
    pub(crate) async fn not_held(&self) {
        // The sender lives in `self`.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
    }

    /// Waits until `ready` gives a value; after `deadline` it fails, saying what was waited for and what was seen.
    pub(crate) async fn wait_for<T>(
        &self,
        what: &str,
        deadline: Duration,
        ready: impl Fn(&World) -> Option<T>,
    ) -> Result<T> {
        let mut bell = self.bell.subscribe();
        let waiting = async {
            loop {
                if let Some(found) = ready(&self.world()) {
                    return found;
                }
                // The sender lives in `self`, so the bell cannot be gone.
                let _ = bell.changed().await;
            }
        };
        if let Ok(found) = tokio::time::timeout(deadline, waiting).await {
            return Ok(found);
        }
        let world = self.world();
        let asked: Vec<_> = world.actions.iter().rev().take(10).rev().map(Action::name).collect();
        bail!(
            "no {what} within {deadline:?}; {} connections so far, {} open, {} logins, last requests: {asked:?}",
            world.connections,
            world.clients.len(),
            world.logins
        )
    }
}
