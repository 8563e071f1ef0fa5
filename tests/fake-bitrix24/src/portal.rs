//! The portal as a test holds it.

use std::{fmt, net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    door::Shared,
    events,
    fault::Fault,
    moment::{Moment, Then},
    network::{Gatekeeper, Network},
    options::Options,
    tls::Identity,
    world::World,
};

/// How long changes are gathered before a waiter looks again.
const BURST: Duration = Duration::from_millis(2);

/// A running portal. Dropping it stops it at once; [`Portal::shutdown`] also waits.
pub struct Portal {
    shared: Shared,
    address: SocketAddr,
    ca_pem: Option<String>,
    wanted: watch::Sender<Network>,
    present: watch::Receiver<Network>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Portal {
    /// Starts a portal on its own tasks of the present runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on or the seed is wrong.
    pub async fn start(options: Options) -> Result<Self> {
        let identity = if options.tls { Some(Identity::generate()?) } else { None };
        let listen = options.listen;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let scheme = if options.tls { "https" } else { "http" };
        let origin = format!("{scheme}://localhost:{}", address.port());
        let secret = options.secret.clone().unwrap_or_else(|| format!("{:016x}", fastrand::u64(..)));
        let (seed, keep_alive) = (options.seed.clone(), options.keep_alive);
        let mut world = World::new(options, secret, origin);
        world.plant(&seed)?;

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let shared = Shared::new(world);
        let ca_pem = identity.as_ref().map(|identity| identity.ca_pem.clone());
        let (wanted, wish) = watch::channel(Network::Sound);
        let (state, present) = watch::channel(Network::Sound);
        let gatekeeper = Gatekeeper {
            address,
            identity,
            keep_alive,
            shared: shared.clone(),
            wanted: wish,
            present: state,
            stop: stop.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(gatekeeper.run(listener));
        Ok(Self { shared, address, ca_pem, wanted, present, stop, tasks })
    }

    /// Where the portal listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The inbound webhook's address, `https://localhost:PORT/rest/7/SECRET/`. It is a secret, as in life.
    pub fn base_url(&self) -> String {
        let world = self.shared.read();
        format!("{}/rest/{}/{}/", world.origin, world.options.user_id, world.secret)
    }

    /// The certificate authority to trust, as PEM; `None` over plain HTTP.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Everything the portal knows, as JSON. Times are milliseconds since the epoch on the portal's clock.
    ///
    /// - `users`: `ID`, `NAME`, `UF_PHONE_INNER`, …, and `cards`, the ids of calls whose card is on the screen now.
    /// - `contacts`, `companies`, `leads`, `deals`: as `crm.*.get` shows them (string ids), and `made_by`: `seed` or the
    ///   method that made the record.
    /// - `calls`: `CALL_ID`, `registered_by`, `registrations` (repetitions counted), `phone`, `type`, `direction`,
    ///   `line`, `external_call_id`, `crm_entity`, `crm_created`, `visible` (users who see the card now), `history`
    ///   (each show and hide with `at`, `action`, `method`, `users` named, `changed`), `finished` (`user`, `duration`,
    ///   `status_code`, `activity`, …), `record` and `transcript` (the ones that count), `records` and `transcripts` (every
    ///   one that was attached, in order, with `sha256` and `bytes` of the file).
    /// - `activities`, `comments` (with `files`), `lines`.
    /// - `journal`: every request with `method` (lower case), `via`, `params`, `status` (null: closed unanswered),
    ///   `answer`, `fault`, and `notes` on what the real portal would swallow, such as ignored parameters.
    /// - `happenings`: what a person would have noticed, in order.
    pub fn state(&self) -> Value {
        self.shared.read().snapshot()
    }

    /// The content of a file that was handed in, if it is not too large to be kept whole.
    pub fn file(&self, id: u64) -> Option<Bytes> {
        let world = self.shared.read();
        let recorded = world.calls.iter().flat_map(|call| &call.records).map(|record| &record.file);
        let commented = world.comments.iter().flat_map(|comment| &comment.files);
        recorded.chain(commented).find(|file| file.id == id)?.content()
    }

    /// A user clicks a number: the call is registered, its card is on the user's screen, and this is the event that the
    /// portal posts, as a form (sheet §4.1).
    pub fn click(&self, user: u64, phone: &str) -> String {
        self.shared.change(|world| events::click(world, user, phone))
    }

    /// A visitor leaves a number in a web form; the event that the portal posts. Nothing is registered.
    pub fn ask_for_call_back(&self, phone: &str, text: &str) -> String {
        self.shared.change(|world| events::call_back(world, phone, text))
    }

    /// Puts a fault in force.
    pub fn inject(&self, fault: Fault) {
        self.shared.change(|world| world.faults.add(fault));
    }

    /// Lifts all faults.
    pub fn clear_faults(&self) {
        self.shared.change(|world| world.faults.clear());
    }

    /// Changes how clients find the portal. On return the change is in force and old connections are being cut.
    pub async fn network(&self, network: Network) {
        self.wanted.send_replace(network);
        // The gatekeeper lives as long as the portal, so it cannot have gone without answering.
        let _ = self.present.clone().wait_for(|present| *present == network).await;
    }

    /// From now on calls `watch` at every [`Moment`] of every connection and request, and waits for its verdict. Requests
    /// and connections are counted anew. It takes the place of an earlier watch; requests under way stay with theirs.
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

    /// Adds users, records and lines:
    ///
    /// ```json
    /// {"users": [{"ID": 12, "NAME": "Alice", "LAST_NAME": "Moreau", "UF_PHONE_INNER": "101"}],
    ///  "contacts": [{"ID": 88, "NAME": "Ana", "ASSIGNED_BY_ID": 12, "PHONE": ["+15550100"]}],
    ///  "companies": [], "leads": [], "deals": [],
    ///  "lines": [{"NUMBER": "+15550199", "NAME": "Main", "CRM_AUTO_CREATE": true}]}
    /// ```
    ///
    /// # Errors
    /// When a name or value is not known; nothing is changed then.
    pub fn seed(&self, seed: &Value) -> Result<()> {
        self.shared.change(|world| world.plant(seed))
    }

    /// Lets the webhook expire.
    pub fn expire_webhook(&self) {
        self.shared.change(|world| world.webhook_expired = true);
    }

    /// Moves the portal's clock on: windows and limits pass without waiting.
    pub fn advance(&self, by: Duration) {
        self.shared.change(|world| world.advance(by));
    }

    /// Back to the state at the start. The address, and so the webhook's secret, stays.
    ///
    /// # Errors
    /// When the seed of the options is wrong, which `start` would have refused.
    pub fn reset(&self) -> Result<()> {
        self.shared.change(World::reset)
    }

    /// Waits until a state is as wanted and gives it back. The state is looked at after every change; changes within
    /// two milliseconds are looked at together, since a look takes the longer the more has happened.
    ///
    /// # Errors
    /// After `deadline`, with the last state seen.
    pub async fn wait_until(&self, wanted: impl Fn(&Value) -> bool, deadline: Duration) -> Result<Value, Timeout> {
        let mut changes = self.shared.changes();
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

    /// Stops listening, cuts the connections and waits until that is done.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn tasks(&self) -> (&CancellationToken, &TaskTracker) {
        (&self.stop, &self.tasks)
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The state did not become as wanted. The message holds what a reader needs first; `state` the rest.
pub struct Timeout {
    deadline: Duration,
    /// The last state seen.
    pub state: Value,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |name: &str| self.state[name].as_array().map_or(0, Vec::len);
        write!(
            f,
            "the portal did not come to the wanted state within {:?}; it has {} calls and had {} requests",
            self.deadline,
            count("calls"),
            count("journal")
        )?;
        let journal = self.state["journal"].as_array().map_or(&[][..], Vec::as_slice);
        for request in &journal[journal.len().saturating_sub(20)..] {
            write!(f, "\n  {} -> {} {}", request["method"], request["status"], request["answer"]["error_description"])?;
        }
        Ok(())
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}\n{:#}", self.state["calls"])
    }
}

impl std::error::Error for Timeout {}
