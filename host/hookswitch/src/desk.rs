//! One enabled plugin: its component, what it may reach, and the lanes on which it works.

mod caller;
mod job;
mod open;
mod visit;
mod words;

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use hookswitch_gate::Gate;
use hookswitch_journal::{CallRef, JobId, Journal, RecordingId, jobs::Finish};
use hookswitch_runtime::{CallError, Component, contract};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio::sync::{Notify, Semaphore};

pub(crate) use self::{
    job::{Earlier, Trace, Try, Unfinished, Work, Worked},
    open::{ANYWHERE, Premises, Reach, differences, imprint, open},
    visit::{Visit, seed_of, word},
};
use crate::{
    clock::Clock,
    config::{self, Config},
    dossier::Dossier,
    health::Health,
    imprint::Imprint,
    keys::SignIn,
    manifest::{Manifest, Served},
    metrics,
    news::News,
    plan::Policy,
    rate::Bucket,
    recordings::{Heard, Recordings},
    sites::Sites,
    users::Users,
    view,
};

/// One enabled plugin. It never changes; a changed configuration is another desk.
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
    /// Its time.
    pub(crate) clock: Clock,
    /// The time zone of texts.
    pub(crate) zone: TimeZone,
    /// Its settings, with the manifest's defaults.
    pub(crate) settings: BTreeMap<String, String>,
    /// Its way out.
    pub(crate) gate: Gate,
    sign_ins: Vec<Arc<SignIn>>,
    /// Its secrets that do not change, by handle.
    values: BTreeMap<String, SecretString>,
    /// Where it may go, and what it asks for beyond.
    reach: Reach,
    /// Why another build than the one on disk is in force, if it is so.
    pub(crate) update: Option<String>,
    pub(crate) journal: Journal,
    /// Whether its CRM is well.
    pub(crate) health: Arc<Health>,
    /// How often its CRM may be asked.
    pub(crate) bucket: Bucket,
    /// How many of its functions may run at once on each lane.
    pub(crate) slots: usize,
    /// All that went into it from outside.
    pub(crate) imprint: Imprint,
    /// Which component with which settings: what must be the same for a run to be resumed.
    build: String,
    component: Component,
    /// Whom the phone systems know.
    pub(crate) sites: Sites,
    users: RwLock<Arc<Users>>,
    /// Extensions without a CRM user that were named in the log, with their phone systems.
    unmapped: Mutex<HashSet<(String, String)>>,
    user_missed: Notify,
    screen: Semaphore,
    record: Semaphore,
    upload: Semaphore,
    /// The files that plugins may send.
    pub(crate) recordings: Arc<Recordings>,
}

/// `plugin.check` may take this long (contract, `plugin.check`).
const TEST: Duration = Duration::from_secs(30);

/// Which work waits for which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Somebody's phone is ringing. Never waits behind [`Lane::Record`].
    Screen,
    /// Everything that nobody waits for.
    Record,
    /// What takes minutes, as whole files are sent: nothing else waits behind it.
    Upload,
}

impl Desk {
    /// Who sits at which extension.
    pub(crate) fn users(&self) -> Arc<Users> {
        self.users.read().map(|users| users.clone()).unwrap_or_default()
    }

    /// What is to be done for a call, as `ask` makes it of the plugin's policy.
    pub(crate) fn with_policy<T>(&self, ask: impl FnOnce(&Policy<'_>) -> T) -> T {
        ask(&Policy { serves: self.served, plugin: &self.name, wants: &self.config, users: &self.users() })
    }

    /// Whether a call is its business.
    pub(crate) fn is_concerned(&self, news: &News) -> bool {
        self.config.serves_pbx(news.call.pbx.as_str()) && self.with_policy(|policy| policy.concerns(news))
    }

    /// A call as the plugin sees it. An extension that has no CRM user is named in the log, once.
    pub(crate) fn view(&self, news: &News) -> contract::Call {
        let users = self.users();
        for agent in &news.call.agents {
            let (pbx, extension) = (news.call.pbx.as_str(), agent.extension.as_str());
            if users.at(pbx, extension).is_none()
                && !users.is_nobodys(pbx, extension)
                && self.unmapped.lock().is_ok_and(|mut known| known.insert((pbx.to_owned(), extension.to_owned())))
            {
                tracing::warn!(
                    plugin = %self.name,
                    pbx,
                    extension,
                    "extension has no CRM user: give the user this inner number in the CRM, or add it to `users` \
                     (`hookswitch users` shows all)"
                );
                self.user_missed.notify_one();
            }
        }
        view::call(news, &self.name, &users, self.clock.now())
    }

    /// Has the plugin ask its CRM whether all is well; what it found, line by line.
    ///
    /// # Errors
    ///
    /// Those of the plugin.
    pub(crate) async fn test(self: &Arc<Self>) -> Result<Vec<String>, CallError> {
        let visit =
            Visit { function: "plugin.check", lane: Lane::Record, wall: TEST, call: None, leave: None, seed: None };
        self.visit(visit, async |plugin, job| plugin.check(job).await).await
    }

    /// The sign-ins that it needs.
    pub(crate) fn sign_ins(&self) -> impl Iterator<Item = &Arc<SignIn>> {
        self.sign_ins.iter()
    }

    /// Whether it uses tokens that the host fetches and renews.
    pub(crate) fn has_tokens(&self) -> bool {
        self.config.credentials.values().any(config::Credential::is_live)
    }

    /// Whether somebody must sign in before its CRM can be asked.
    pub(crate) fn is_signed_out(&self) -> bool {
        self.sign_ins().any(|sign_in| !sign_in.is_signed_in())
    }

    /// One of them.
    pub(crate) fn sign_in(&self, handle: &str) -> Option<&Arc<SignIn>> {
        self.sign_ins().find(|sign_in| sign_in.handle() == handle)
    }

    /// The value of a credential, for the proof of a hook.
    pub(crate) fn secret(&self, handle: &str) -> Option<SecretString> {
        self.values.get(handle).cloned()
    }

    /// Has the map of users fetched anew.
    pub(crate) fn refresh_users(&self) {
        self.user_missed.notify_one();
    }

    /// Waits until an extension turns up that has no CRM user.
    pub(crate) async fn users_missed(&self) {
        self.user_missed.notified().await;
    }

    /// Replaces the map of users by one made of the present one.
    pub(crate) fn renew_users(&self, make: impl FnOnce(&Users) -> Users) {
        if let Ok(mut current) = self.users.write() {
            *current = Arc::new(make(&current));
        }
    }

    /// Writes down what the CRM knows of a call; whoever reads it from then on, after a crash too, finds it.
    pub(crate) async fn write_dossier(&self, call: &CallRef, dossier: &Dossier) {
        let Ok(value) = serde_json::to_value(dossier) else { return };
        let (call, plugin) = (call.clone(), self.name.clone());
        let kept = self.journal.apply(move |txn| txn.put_dossier(&call, &plugin, &value)).await;
        self.tell("dossier", kept);
    }

    /// Notes what became of a job at a try, together with the rest of its run, with what the CRM knows of the call now, and
    /// with what was heard in a recording; durable when it returns.
    pub(crate) async fn finish_job(
        &self,
        call: &CallRef,
        (job, attempt): (JobId, u32),
        finish: Finish,
        trace: Option<Trace>,
        dossier: &Dossier,
        heard: Option<(RecordingId, Heard)>,
    ) {
        let (call, plugin) = (call.clone(), self.name.clone());
        let value = serde_json::to_value(dossier).ok();
        let component = self.component.hash().to_string();
        metrics::job(&self.name, fate(&finish));
        let now = self.clock.now();
        let kept = self.journal.write(move |txn| {
            match (&trace, &finish) {
                (Some(trace), _) => trace.record(txn)?,
                // Done without asking the plugin.
                (None, Finish::Done { .. }) => txn.start_job(job, attempt, &component)?,
                (None, _) => {}
            }
            if let Some(value) = &value {
                txn.put_dossier(&call, &plugin, value)?;
            }
            if let Some((recording, heard)) = heard {
                heard.enter(txn, recording, now)?;
            }
            txn.finish_job(job, finish, now)
        });
        self.tell("job finished", kept.await);
    }

    /// A record that cannot be kept is an error of the disk; work goes on from what is in memory.
    pub(crate) fn tell(&self, what: &str, kept: Result<(), hookswitch_journal::Error>) {
        if let Err(error) = kept {
            tracing::error!(plugin = %self.name, what, %error, "the journal did not take a record");
        }
    }
}

/// What became of a job at a try, in a word.
fn fate(finish: &Finish) -> &'static str {
    match finish {
        Finish::Done { .. } => "done",
        Finish::Retry { .. } => "retry",
        Finish::Parked { .. } => "parked",
        Finish::Skipped { .. } => "skipped",
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}", self.name)
    }
}
