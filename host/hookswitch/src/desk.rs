//! One enabled plugin: its component, what it may reach, and the lanes on which it works.

mod open;

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    future::Future,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use hookswitch_gate::Gate;
use hookswitch_journal::{
    CallRef, Journal,
    jobs::{Finish, Job},
    runs,
};
use hookswitch_runtime::{
    CallError, Component, Outcome,
    contract::{self, Failure},
};
use jiff::tz::TimeZone;
use tokio::sync::{Notify, Semaphore};

pub(crate) use self::open::{not_asked_for, open};
use crate::{
    clock,
    config::{self, Config},
    conversation::News,
    dossier::Dossier,
    manifest::{Manifest, Served},
    session::Session,
    users::Users,
    view,
};

/// Found or created contacts are remembered this long: a CRM's search lags behind its writes
/// (sheet `oauth2-and-http.md`, section 2.5).
const CONTACT_MEMORY: Duration = Duration::from_secs(600);
/// And this many of them.
const CONTACTS: u64 = 10_000;

/// One enabled plugin.
pub(crate) struct Desk {
    /// The `NAME` of `[plugin.NAME]`.
    pub(crate) name: String,
    /// `[plugin.NAME]`.
    pub(crate) config: Arc<config::Plugin>,
    /// The whole configuration.
    pub(crate) host: Arc<Config>,
    /// What the plugin says about itself.
    pub(crate) manifest: Manifest,
    /// What it serves.
    pub(crate) served: Served,
    /// The time zone of texts.
    pub(crate) zone: TimeZone,
    /// Its settings, with the manifest's defaults.
    pub(crate) settings: BTreeMap<String, String>,
    /// Its way out.
    pub(crate) gate: Gate,
    pub(crate) journal: Journal,
    component: Component,
    users: RwLock<Arc<Users>>,
    /// Extensions without a CRM user that were named in the log.
    unmapped: Mutex<HashSet<String>>,
    user_missed: Notify,
    screen: Semaphore,
    record: Semaphore,
    /// Contacts by number; holding an entry's initialiser is holding the number's lock.
    contacts: moka::future::Cache<String, contract::Contact>,
}

/// Which work waits for which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Somebody's phone is ringing. Never waits behind [`Lane::Record`].
    Screen,
    /// Everything that nobody waits for.
    Record,
}

/// One visit to the plugin: one call of one function in a fresh instance.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    /// The function, as the contract names it.
    pub(crate) function: &'static str,
    pub(crate) lane: Lane,
    /// Wall-clock limit.
    pub(crate) wall: Duration,
    /// The call that it is about.
    pub(crate) call: Option<&'a CallRef>,
    /// The durable job that it is part of.
    pub(crate) job: Option<&'a Job>,
}

impl Desk {
    /// Who sits at which extension.
    pub(crate) fn users(&self) -> Arc<Users> {
        self.users.read().map(|users| users.clone()).unwrap_or_default()
    }

    /// A call as the plugin sees it. An extension that has no CRM user is named in the log, once.
    pub(crate) fn view(&self, news: &News) -> contract::Call {
        let users = self.users();
        for agent in &news.call.agents {
            let extension = agent.extension.as_str();
            if users.by_extension(extension).is_none()
                && self.unmapped.lock().is_ok_and(|mut known| known.insert(extension.to_owned()))
            {
                tracing::warn!(
                    plugin = %self.name,
                    extension,
                    "extension has no CRM user: give the user this inner number in the CRM, or add it to `users`"
                );
                self.user_missed.notify_one();
            }
        }
        view::call(news, &users, clock::now())
    }

    /// Waits until an extension turns up that has no CRM user.
    pub(crate) async fn users_missed(&self) {
        self.user_missed.notified().await;
    }

    /// Replaces the map of users.
    pub(crate) fn set_users(&self, users: Users) {
        if let Ok(mut current) = self.users.write() {
            *current = Arc::new(users);
        }
    }

    /// The hash of the component's bytes.
    pub(crate) fn component_hash(&self) -> String {
        self.component.hash().to_string()
    }

    /// Calls one function of the plugin in a fresh instance and writes down what happened.
    pub(crate) async fn visit<T>(
        self: &Arc<Self>,
        visit: Visit<'_>,
        call: impl AsyncFnOnce(&Component, hookswitch_runtime::Job) -> Outcome<T>,
    ) -> Result<T, CallError> {
        let lane = match visit.lane {
            Lane::Screen => &self.screen,
            Lane::Record => &self.record,
        };
        // The semaphores are never closed.
        let _place = lane.acquire().await;
        let started = clock::now();
        let run = self.journal.next_run();
        let begun = runs::Begun {
            id: run,
            job: visit.job.map(|job| job.id),
            call: visit.call.cloned(),
            plugin: self.name.clone(),
            function: visit.function.to_owned(),
            attempt: visit.job.map_or(1, |job| job.attempt),
            input: None,
            build: None,
            started,
        };
        self.tell("run", self.journal.later("run", move |txn| txn.begin_run(&begun)).await);
        let job = Session::new(self.clone(), &visit, run, started).job(&visit);
        let Outcome { result, usage } = call(&self.component, job).await;
        let ended = runs::Ended {
            wall_us: micros(usage.wall),
            cpu_us: micros(usage.guest_cpu),
            memory_bytes: usage.peak_memory_bytes as u64,
            outcome: result.as_ref().err().map_or("ok", outcome_word).to_owned(),
            problem: result.as_ref().err().map(problem),
        };
        self.tell("run", self.journal.later("run", move |txn| txn.finish_run(run, &ended)).await);
        result
    }

    /// What the CRM knows of a call, as it was written down last.
    pub(crate) async fn read_dossier(&self, call: &CallRef) -> Dossier {
        let (call, plugin) = (call.clone(), self.name.clone());
        let found = self.journal.read(move |view| view.dossier(&call, &plugin)).await;
        let found = found.map_err(|error| error.to_string()).and_then(|found| {
            found.map(|value| serde_json::from_value(value).map_err(|error| error.to_string())).transpose()
        });
        found
            .unwrap_or_else(|error| {
                tracing::error!(plugin = %self.name, error, "what the CRM knows of a call cannot be read");
                None
            })
            .unwrap_or_default()
    }

    /// Writes down what the CRM knows of a call; it is durable with the next commit.
    pub(crate) async fn write_dossier(&self, call: &CallRef, dossier: &Dossier) {
        let Ok(value) = serde_json::to_value(dossier) else { return };
        let (call, plugin) = (call.clone(), self.name.clone());
        let kept = self.journal.later("dossier", move |txn| txn.put_dossier(&call, &plugin, &value)).await;
        self.tell("dossier", kept);
    }

    /// Notes that a job runs.
    pub(crate) async fn start_job(&self, job: &Job) {
        let (id, attempt, component) = (job.id, job.attempt, self.component_hash());
        let kept = self.journal.later("job started", move |txn| txn.start_job(id, attempt, &component)).await;
        self.tell("job started", kept);
    }

    /// Notes what became of a job, together with what the CRM knows of the call now; durable when it returns.
    pub(crate) async fn finish_job(&self, call: &CallRef, job: &Job, finish: Finish, dossier: &Dossier) {
        let (call, plugin, id) = (call.clone(), self.name.clone(), job.id);
        let value = serde_json::to_value(dossier).ok();
        let kept = self.journal.write(move |txn| {
            if let Some(value) = &value {
                txn.put_dossier(&call, &plugin, value)?;
            }
            txn.finish_job(id, finish, clock::now())
        });
        self.tell("job finished", kept.await);
    }

    /// A record that cannot be kept is an error of the disk; work goes on from what is in memory.
    fn tell(&self, what: &str, kept: Result<(), hookswitch_journal::Error>) {
        if let Err(error) = kept {
            tracing::error!(plugin = %self.name, what, %error, "the journal did not take a record");
        }
    }

    /// The contact for `number`: the one made a moment ago, or the one that `create` makes while everybody else who asks
    /// for the same number waits.
    pub(crate) async fn one_contact(
        &self,
        number: &str,
        create: impl Future<Output = Result<contract::Contact, CallError>>,
    ) -> Result<contract::Contact, Arc<CallError>> {
        self.contacts.try_get_with_by_ref(number, create).await
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}", self.name)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What a failed visit came to, in one word.
fn outcome_word(error: &CallError) -> &'static str {
    match error {
        CallError::Failure(failure) => match failure {
            Failure::Temporary(_) => "temporary",
            Failure::Rejected(_) => "rejected",
            Failure::Unauthorised(_) => "unauthorised",
            Failure::NotConfigured(_) => "not-configured",
            Failure::InDoubt(_) => "in-doubt",
            Failure::Other(_) => "failed",
        },
        CallError::NotExported { .. } => "not-exported",
        CallError::Trap { .. } | CallError::Exit { .. } => "trap",
        CallError::Deadline { .. } => "deadline",
        CallError::CpuBudget { .. } | CallError::Memory { .. } | CallError::Quota { .. } => "limit",
        CallError::Host { .. } => "host",
    }
}

/// What went wrong, with the guest's stack where it crashed.
fn problem(error: &CallError) -> String {
    match error {
        CallError::Trap { backtrace, .. } if !backtrace.is_empty() => format!("{error}\n{backtrace}"),
        other => other.to_string(),
    }
}
