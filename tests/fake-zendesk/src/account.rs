//! The account as a test holds it.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    control, door,
    fault::Fault,
    moment::{Moment, Then, Watchers},
    options::Options,
    tls::Identity,
    world::World,
};

/// How long changes are gathered before a waiter looks again.
const BURST: Duration = Duration::from_millis(2);

/// The world behind its lock, with a bell that rings at every change, and those who watch requests come and go.
#[derive(Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    changes: watch::Sender<u64>,
    watchers: Watchers,
}

impl Shared {
    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    pub(crate) fn read(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("the stand-in has a bug: it panicked in the middle of a request")
    }

    /// Changes the world, then tells everybody who waits for it.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.read());
        self.changes.send_modify(|count| *count += 1);
        result
    }
}

/// A running account. Dropping it stops it.
pub struct Account {
    shared: Shared,
    address: SocketAddr,
    ca_pem: String,
    /// Listeners, which end with it.
    tasks: JoinSet<()>,
}

impl Account {
    /// Starts an account on its own tasks of the present runtime.
    ///
    /// # Errors
    /// When no port is free or the seed is wrong.
    pub async fn start(options: Options) -> Result<Self> {
        let identity = Identity::of(&format!("{}.zendesk.com", options.subdomain))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port is free")?;
        let address = listener.local_addr()?;
        let world = Arc::new(Mutex::new(World::new(options)?));
        let shared = Shared { world, changes: watch::Sender::new(0), watchers: Watchers::default() };
        let (of_task, server) = (shared.clone(), identity.server);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // A broken connection is the client's affair, or one that a fault asked for.
                let serving = door::serve(stream, server.clone(), of_task.clone());
                connections.spawn(async move { serving.await.map_or((), drop) });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { shared, address, ca_pem: identity.ca_pem, tasks })
    }

    /// Opens a control port on loopback for other processes: `GET /state`, `POST /fault` (a [`Fault`]), `DELETE /fault`,
    /// `POST /seed`, `POST /reset`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn control(&mut self) -> Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port is free")?;
        let address = listener.local_addr()?;
        self.tasks.spawn(control::serve(listener, self.shared.clone()));
        Ok(address)
    }

    /// The proxy through which `https://acme.zendesk.com` is reached.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The certificate authority to trust, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Everything the account knows, as JSON.
    ///
    /// - `users`: as Zendesk shows them, with `made_by` (`seed` or `api`).
    /// - `tickets`: as Zendesk shows them, with `comments` and `deleted`.
    /// - `uploads`: every file, with `filename`, `content_type`, `bytes`, `sha256`, and the `ticket` in which it hangs.
    /// - `displays`: `{agent, user}` or `{agent, ticket}`, in order.
    /// - `journal`: every request, with `operation`, `target`, `body`, `status` (null: not answered) and `fault`.
    /// - `complaints`: what a real account would have swallowed; a test wants none.
    pub fn state(&self) -> Value {
        self.shared.read().snapshot()
    }

    /// The content of an uploaded file, if it is not too large to be kept whole.
    pub fn file(&self, id: u64) -> Option<Vec<u8>> {
        self.shared.read().uploads.iter().find(|upload| upload.id == id)?.content.clone()
    }

    /// Puts a fault in force.
    pub fn inject(&self, fault: Fault) {
        self.shared.change(|world| world.faults.add(fault));
    }

    /// Lifts all faults.
    pub fn clear_faults(&self) {
        self.shared.change(|world| world.faults.clear());
    }

    /// Adds people, groups and tickets:
    ///
    /// ```json
    /// {"users": [{"id": 901, "name": "Ana Lima", "phone": "+15555550100", "more_phones": []},
    ///            {"id": 77, "name": "Alice", "role": "agent", "phone": "201", "browser": true}],
    ///  "groups": [{"id": 5, "name": "Support"}], "organizations": [360],
    ///  "tickets": [{"id": 5501, "subject": "Old", "requester_id": 901, "status": "closed"}]}
    /// ```
    ///
    /// # Errors
    /// When a name or value is not known; nothing is changed then.
    pub fn seed(&self, seed: &Value) -> Result<()> {
        self.shared.change(|world| world.plant(seed))
    }

    /// An agent does something to a ticket: `status` "solved" or "closed", or "deleted".
    pub fn by_hand(&self, ticket: u64, status: &str) {
        self.shared.change(|world| world.by_hand(ticket, status));
    }

    /// Moves the account's clock on: windows and limits pass without waiting.
    pub fn advance(&self, by: Duration) {
        self.shared.change(|world| world.ahead += by);
    }

    /// Back to the state at the start.
    ///
    /// # Errors
    /// When the seed of the options is wrong, which `start` would have refused.
    pub fn reset(&self) -> Result<()> {
        self.shared.change(|world| World::new(world.options.clone()).map(|fresh| *world = fresh))
    }

    /// From now on calls `watch` at every [`Moment`] of every request, and waits for its verdict. Requests are counted
    /// anew.
    pub fn watch<F>(&self, watch: impl Fn(Moment) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Then> + Send + 'static,
    {
        self.shared.watchers().set(Some(Box::new(move |moment| Box::pin(watch(moment)))));
    }

    /// Ends the watch.
    pub fn watch_no_more(&self) {
        self.shared.watchers().set(None);
    }

    /// Waits until a state is as wanted and gives it back.
    ///
    /// # Errors
    /// After `deadline`, with the last state seen.
    pub async fn wait_until(&self, wanted: impl Fn(&Value) -> bool, deadline: Duration) -> Result<Value, Timeout> {
        let mut changes = self.shared.changes.subscribe();
        let end = tokio::time::Instant::now() + deadline;
        loop {
            changes.mark_unchanged();
            let state = self.state();
            if wanted(&state) {
                return Ok(state);
            }
            match tokio::time::timeout_at(end, changes.changed()).await {
                Ok(Ok(())) => tokio::time::sleep(BURST).await,
                _ => return Err(Timeout { deadline, state }),
            }
        }
    }
}

/// The state did not become as wanted.
pub struct Timeout {
    deadline: Duration,
    /// The last state seen.
    pub state: Value,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the account did not come to the wanted state within {:?}", self.deadline)
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}\n{:#}", self.state)
    }
}

impl std::error::Error for Timeout {}
