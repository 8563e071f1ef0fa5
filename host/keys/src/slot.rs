//! One credential's tokens: in memory, on disk, and who may renew them. It outlives changes of the configuration, so that
//! two configurations of one credential never renew the same token.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookswitch_gate::{NoToken, Token};
use jiff::Timestamp;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::disk::{Disk, Place};
use crate::error::StoreError;
use crate::pause::Pause;
use crate::session::{Age, Over, Plan, Session, Times};
use crate::sign_in::Pending;
use crate::status::Status;

/// Tokens of the past that are remembered, since answers may still echo them.
const PAST: usize = 16;
/// How often a session that could not be written is written again.
const SAVE_AGAIN: Duration = Duration::from_secs(10);

pub(crate) struct Slot {
    pub(crate) plugin: String,
    pub(crate) handle: String,
    disk: Arc<Disk>,
    place: Place,
    /// Held by whoever renews; what it guards is how long to wait after failures.
    pub(crate) flight: Arc<tokio::sync::Mutex<Pause>>,
    /// Sign-ins that were begun.
    pub(crate) pending: Mutex<Pending>,
    /// Held while a session is written, so that the disk sees them in order.
    writing: Mutex<()>,
    now: Mutex<Now>,
    status: watch::Sender<Status>,
}

#[derive(Default)]
struct Now {
    /// The highest number that was ever given.
    generation: u64,
    session: Option<Arc<Session>>,
    times: Option<(Plan, Times)>,
    past: VecDeque<SecretString>,
    trouble: Option<String>,
    /// Why the provider refuses to give a token at all, in this process.
    blocked: Option<Over>,
    unsaved: Option<Instant>,
}

/// How a credential stands at one moment.
pub(crate) enum View {
    SignedOut,
    /// Only a new sign-in helps.
    Over(Over),
    Token {
        token: Token,
        age: Age,
    },
}

impl Slot {
    /// Reads what is kept.
    pub(crate) fn open(disk: Arc<Disk>, plugin: &str, handle: &str, place: Place) -> Result<Slot, StoreError> {
        let session = match disk.read(&place)? {
            None => None,
            Some(content) => {
                let session: Session = serde_json::from_slice(&content).map_err(|_| disk.damaged(&place))?;
                Some(Arc::new(session))
            }
        };
        let now =
            Now { generation: session.as_ref().map_or(0, |session| session.generation), session, ..Now::default() };
        Ok(Slot {
            plugin: plugin.to_owned(),
            handle: handle.to_owned(),
            disk,
            place,
            flight: Arc::default(),
            pending: Mutex::default(),
            writing: Mutex::default(),
            status: watch::Sender::new(now.status()),
            now: Mutex::new(now),
        })
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        self.now().session.clone()
    }

    /// How it stands now. `plan` says when tokens are renewed; it may have changed since the last question.
    pub(crate) fn view(&self, plan: Plan) -> View {
        let mut now = self.now();
        let Some(session) = now.session.clone() else { return View::SignedOut };
        if let Some(over) = &session.over {
            return View::Over(over.clone());
        }
        let times = match now.times {
            Some((of, times)) if of == plan => times,
            _ => times(&session, plan),
        };
        now.times = Some((plan, times));
        View::Token { token: token(&session), age: times.age(Instant::now()) }
    }

    /// Replaces the session that has the generation `of` (`None`: whichever) by one of the next generation, durably.
    /// Returns false, and changes nothing, if that session is no longer there.
    ///
    /// `keep` says that the new session counts also if it cannot be written: a renewed token is the only good one.
    pub(crate) fn put(&self, of: Option<u64>, mut session: Session, keep: bool) -> Result<bool, StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (present, generation) = {
            let now = self.now();
            (now.session.as_ref().map(|session| session.generation), now.generation)
        };
        if of.is_some() && of != present {
            return Ok(false);
        }
        session.generation = generation + 1;
        let written = self.write(&session);
        if let (Err(error), false) = (&written, keep) {
            warn!(plugin = self.plugin, handle = self.handle, %error, "a sign-in could not be saved");
            return written.map(|()| true);
        }
        let mut now = self.now();
        now.unsaved = None;
        now.trouble = None;
        now.blocked = None;
        if let Err(error) = written {
            error!(plugin = self.plugin, handle = self.handle, %error, "a token could not be saved and would be lost by a restart");
            now.unsaved = Some(Instant::now() + SAVE_AGAIN);
            now.trouble = Some(format!("the token cannot be saved: {error}"));
        }
        now.replace(Some(Arc::new(session)));
        self.tell(&now);
        Ok(true)
    }

    /// Changes what is noted of the present session, which keeps its generation and tokens.
    pub(crate) fn note(&self, of: u64, change: impl FnOnce(&mut Session)) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut session) = self.session().filter(|session| session.generation == of).map(Arc::unwrap_or_clone)
        else {
            return;
        };
        change(&mut session);
        if let Err(error) = self.write(&session) {
            // It counts for this process; the next one finds out again.
            error!(plugin = self.plugin, handle = self.handle, %error, "the state of a sign-in could not be saved");
        }
        let mut now = self.now();
        now.session = Some(Arc::new(session));
        self.tell(&now);
    }

    /// Notes that only a new sign-in helps.
    pub(crate) fn end(&self, of: u64, reason: &str, client: bool) {
        warn!(plugin = self.plugin, handle = self.handle, reason, "a new sign-in is needed");
        let over = Over { since: Timestamp::now(), reason: reason.to_owned(), client };
        self.note(of, |session| session.over = Some(over));
    }

    /// Forgets the session, durably.
    pub(crate) fn remove(&self) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.disk.remove(&self.place)?;
        let mut now = self.now();
        now.replace(None);
        now.unsaved = None;
        now.trouble = None;
        self.tell(&now);
        info!(plugin = self.plugin, handle = self.handle, "signed out");
        Ok(())
    }

    /// Notes why a renewal failed that will be tried again.
    pub(crate) fn trouble(&self, reason: &str) {
        warn!(plugin = self.plugin, handle = self.handle, reason, "a token was not renewed; it is tried again");
        let mut now = self.now();
        now.trouble = Some(reason.to_owned());
        self.tell(&now);
    }

    /// Notes that the provider refuses to give a token.
    pub(crate) fn block(&self, reason: &str) {
        warn!(plugin = self.plugin, handle = self.handle, reason, "the provider gives no token");
        let mut now = self.now();
        let since = now.blocked.as_ref().map_or_else(Timestamp::now, |blocked| blocked.since);
        now.blocked = Some(Over { since, reason: reason.to_owned(), client: true });
        self.tell(&now);
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.now().blocked.is_some()
    }

    /// Writes again what could not be written, now and then.
    pub(crate) fn save_again(&self) {
        let due = self.now().unsaved.is_some_and(|due| Instant::now() >= due);
        let Ok(_writing) = self.writing.try_lock() else { return };
        let Some(session) = self.session().filter(|_| due) else { return };
        let written = self.write(&session);
        let mut now = self.now();
        match written {
            Ok(()) => (now.unsaved, now.trouble) = (None, None),
            Err(_) => now.unsaved = Some(Instant::now() + SAVE_AGAIN),
        }
        self.tell(&now);
    }

    /// All tokens that are known, present and past.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let now = self.now();
        let present = now.session.iter().flat_map(|session| tokens(session));
        present.chain(now.past.iter().cloned()).collect()
    }

    pub(crate) fn status(&self) -> Status {
        self.now().status()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// What is said to whoever wants a token and can have none before somebody has signed in.
    pub(crate) fn needs(&self, over: Option<&Over>) -> NoToken {
        let Slot { plugin, handle, .. } = self;
        NoToken::SignIn(match over {
            None => format!("nobody has signed in for `{handle}`; run `hookswitch auth login {plugin}`"),
            Some(Over { since, reason, .. }) => format!(
                "the sign-in for `{handle}` is over since {since:.0}: {reason}; run `hookswitch auth login {plugin}`"
            ),
        })
    }

    fn write(&self, session: &Session) -> Result<(), StoreError> {
        // Nothing in a session cannot be written as JSON; if it could not, the library is not what it was.
        let content = serde_json::to_vec(session).map(Zeroizing::new).map_err(|_| StoreError::Library)?;
        self.disk.write(&self.place, &content)
    }

    fn tell(&self, now: &Now) {
        let status = now.status();
        self.status.send_if_modified(|known| {
            let changed = *known != status;
            *known = status;
            changed
        });
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn replace(&mut self, session: Option<Arc<Session>>) {
        self.generation = session.as_ref().map_or(self.generation, |session| session.generation);
        let old = std::mem::replace(&mut self.session, session);
        self.times = None;
        self.past.extend(old.iter().flat_map(|old| tokens(old)));
        self.past.drain(..self.past.len().saturating_sub(PAST));
    }

    fn status(&self) -> Status {
        let over = self.session.as_ref().and_then(|session| session.over.as_ref()).or(self.blocked.as_ref());
        match (&self.session, over) {
            (_, Some(Over { since, reason, .. })) => Status::NeedsSignIn { since: *since, reason: reason.clone() },
            (None, None) => Status::SignedOut,
            (Some(session), None) => Status::SignedIn {
                since: session.since,
                expires: session.life.and_then(|life| session.issued.checked_add(life).ok()),
                scopes: session.scopes.clone(),
                base: session.base.clone(),
                trouble: self.trouble.clone(),
            },
        }
    }
}

fn tokens(session: &Session) -> impl Iterator<Item = SecretString> + use<> {
    [Some(session.access.clone()), session.refresh.clone(), session.previous.clone()].into_iter().flatten()
}

pub(crate) fn token(session: &Session) -> Token {
    Token { value: session.access.clone(), generation: session.generation, base: session.base.clone() }
}

/// Counts from now how old the token is. A wall clock that was set back tells nothing, and counts as no time.
fn times(session: &Session, plan: Plan) -> Times {
    let elapsed = Duration::try_from(Timestamp::now().duration_since(session.issued)).unwrap_or_default();
    Times::new(plan, session.life, elapsed, Instant::now(), fastrand::f64())
}
