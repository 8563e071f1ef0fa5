//! Whether a CRM is well: a breaker that stops asking one that does not answer, and asks it again now and then.
//!
//! The decisions are pure ([`Breaker`]); [`Health`] is the one that the lanes of a plugin share.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hookswitch_runtime::{CallError, contract::Failure};
use tokio::sync::watch;

use crate::clock::Clock;

/// So many failures one after the other, without a success between them, and the CRM is left alone for a while.
const FAILURES: u32 = 5;
/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);
/// The first pause while the CRM refuses the credentials: there is less hurry.
const UNAUTHORISED: Duration = Duration::from_secs(5);

/// What a visit told about the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// It answers.
    Well,
    /// It does not answer, or not in time, or says that it cannot now.
    Unwell,
    /// It refuses the credentials.
    Unauthorised,
    /// Nothing: the plugin broke before it asked, or there was nothing to ask.
    Nothing,
}

impl Sign {
    fn of(error: &CallError) -> Self {
        match error {
            CallError::Failure(Failure::Rejected(_)) => Self::Well,
            CallError::Failure(Failure::Temporary(_) | Failure::InDoubt(_)) | CallError::Deadline { .. } => {
                Self::Unwell
            }
            CallError::Failure(Failure::Unauthorised(_)) => Self::Unauthorised,
            _ => Self::Nothing,
        }
    }
}

/// Why a CRM is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ill {
    Unwell,
    Unauthorised,
    SignedOut,
}

impl fmt::Display for Ill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unwell => "the CRM failed several times in a row",
            Self::Unauthorised => "the CRM refuses the credentials",
            Self::SignedOut => "nobody is signed in at the CRM (`hookswitch auth login`)",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All may ask; so many failures since the last success.
    Closed { failures: u32 },
    /// Nobody asks before `until`, then one does.
    Open { why: Ill, until: Duration, pause: Duration, probing: bool },
}

/// The pure decision. Times are durations since any fixed moment; the clock says how long a pause really is.
#[derive(Debug)]
struct Breaker {
    state: State,
    clock: Clock,
}

impl Breaker {
    fn new(clock: Clock) -> Self {
        Self { state: State::Closed { failures: 0 }, clock }
    }

    /// Whether somebody may ask at `now`: freely (false), as the one who tries (true), or not before a moment.
    fn admit(&mut self, now: Duration) -> Result<bool, (Ill, Duration)> {
        match &mut self.state {
            State::Closed { .. } => Ok(false),
            State::Open { until, probing, .. } if *until <= now && !*probing => {
                *probing = true;
                Ok(true)
            }
            // The one who tries will be back by then.
            State::Open { why, until, pause, .. } => Err((*why, (*until).max(now + self.clock.wait(*pause / 2)))),
        }
    }

    /// Takes a sign in; true if the breaker opened or closed because of it.
    fn note(&mut self, sign: Sign, now: Duration, random: &mut fastrand::Rng) -> bool {
        let mut jittered = |pause: Duration| self.clock.wait(pause.mul_f64(0.75 + random.f64() / 2.0));
        let mut open = |why, pause| State::Open { why, until: now + jittered(pause), pause, probing: false };
        let before = self.state;
        self.state = match (before, sign) {
            (_, Sign::Well) => State::Closed { failures: 0 },
            (state, Sign::Nothing) => state,
            (State::Open { why: Ill::Unauthorised, probing: false, .. }, _) => before,
            (State::Open { why: Ill::Unauthorised, pause, .. }, Sign::Unauthorised) => {
                open(Ill::Unauthorised, (pause * 2).min(LONGEST))
            }
            (_, Sign::Unauthorised) => open(Ill::Unauthorised, UNAUTHORISED),
            (State::Closed { failures }, Sign::Unwell) if failures + 1 < FAILURES => {
                State::Closed { failures: failures + 1 }
            }
            (State::Closed { .. }, Sign::Unwell) => open(Ill::Unwell, FIRST),
            (State::Open { pause, probing: true, .. }, Sign::Unwell) => open(Ill::Unwell, (pause * 2).min(LONGEST)),
            // A visit that began before the breaker opened.
            (State::Open { .. }, Sign::Unwell) => before,
        };
        let kind = |state: &State| match state {
            State::Closed { .. } => None,
            State::Open { why, .. } => Some(*why),
        };
        kind(&before) != kind(&self.state)
    }

    /// The one who was to try did not ask at all.
    fn gave_back(&mut self) {
        if let State::Open { probing, .. } = &mut self.state {
            *probing = false;
        }
    }
}

/// The health of one plugin's CRM.
pub(crate) struct Health {
    plugin: String,
    since: Instant,
    breaker: Mutex<Breaker>,
    /// It cannot be asked at all until somebody has signed in.
    signed_out: AtomicBool,
    /// Counts how often the CRM got well again.
    recovered: watch::Sender<u64>,
}

/// Leave to ask the CRM. Dropped without a sign from it, it lets somebody else try.
pub(crate) struct Leave {
    /// Set for the one who tries whether the CRM is well again.
    probe: Option<Arc<Health>>,
}

/// Not now.
#[derive(Debug)]
pub(crate) struct Paused {
    why: Ill,
    /// When to ask again.
    pub(crate) wait: Duration,
}

impl fmt::Display for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Ill::SignedOut => self.why.fmt(f),
            why => write!(f, "{why}; it is asked again in {:.1} s", self.wait.as_secs_f64()),
        }
    }
}

impl Health {
    pub(crate) fn new(plugin: String, clock: Clock) -> Arc<Self> {
        let breaker = Mutex::new(Breaker::new(clock));
        let signed_out = AtomicBool::new(false);
        Arc::new(Self { plugin, since: Instant::now(), breaker, signed_out, recovered: watch::Sender::new(0) })
    }

    /// Asks for leave to ask the CRM.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Leave, Paused> {
        if self.signed_out.load(Ordering::Relaxed) {
            return Err(Paused { why: Ill::SignedOut, wait: self.lock().clock.wait(LONGEST) });
        }
        let now = self.since.elapsed();
        match self.lock().admit(now) {
            Ok(probe) => Ok(Leave { probe: probe.then(|| self.clone()) }),
            Err((why, until)) => Err(Paused { why, wait: until.saturating_sub(now) }),
        }
    }

    /// Takes in how a visit ended in which the CRM was asked. What a plugin does by itself says nothing about its CRM.
    pub(crate) fn note(&self, result: Result<(), &CallError>) {
        let sign = result.err().map_or(Sign::Well, Sign::of);
        let changed = {
            let mut breaker = self.lock();
            let changed = breaker.note(sign, self.since.elapsed(), &mut fastrand::Rng::new());
            changed.then_some(breaker.state)
        };
        match changed {
            Some(State::Open { why: Ill::Unauthorised, .. }) => tracing::error!(
                plugin = %self.plugin,
                "the CRM refuses the credentials: renew them; until then all its work is kept waiting, and nothing is lost"
            ),
            Some(State::Open { .. }) => tracing::warn!(
                plugin = %self.plugin,
                "the CRM failed several times in a row: it is left alone for a while; nothing is lost"
            ),
            Some(State::Closed { .. }) => {
                tracing::info!(plugin = %self.plugin, "the CRM is well again");
                self.recovered.send_modify(|times| *times += 1);
            }
            None => {}
        }
    }

    /// Takes in whether somebody is signed in: if not, all work is kept waiting; a sign-in starts it again at once.
    pub(crate) fn set_signed_out(&self, signed_out: bool) {
        if self.signed_out.swap(signed_out, Ordering::Relaxed) == signed_out {
            return;
        }
        if signed_out {
            tracing::error!(
                plugin = %self.plugin,
                "nobody is signed in at the CRM: `hookswitch auth login {}`; until then all its work is kept waiting, and \
                 nothing is lost",
                self.plugin
            );
        } else {
            self.lock().state = State::Closed { failures: 0 };
            tracing::info!(plugin = %self.plugin, "signed in at the CRM");
            self.recovered.send_modify(|times| *times += 1);
        }
    }

    /// Its state in one word: `well`, `unwell`, `unauthorised`, `signed-out`.
    pub(crate) fn word(&self) -> &'static str {
        if self.signed_out.load(Ordering::Relaxed) {
            return "signed-out";
        }
        match self.lock().state {
            State::Closed { .. } => "well",
            State::Open { why: Ill::Unauthorised, .. } => "unauthorised",
            State::Open { .. } => "unwell",
        }
    }

    /// Whether the CRM cannot be asked before somebody does something: signs in, or renews credentials that were refused
    /// also when they were tried again after a pause.
    pub(crate) fn needs_somebody(&self) -> bool {
        let refused_again =
            |state| matches!(state, State::Open { why: Ill::Unauthorised, pause, .. } if pause > UNAUTHORISED);
        self.signed_out.load(Ordering::Relaxed) || refused_again(self.lock().state)
    }

    /// Changes whenever the CRM has got well again.
    pub(crate) fn recovered(&self) -> watch::Receiver<u64> {
        self.recovered.subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(health) = self.probe.take() {
            health.lock().gave_back();
        }
    }
}

#[cfg(test)]
mod tests;
