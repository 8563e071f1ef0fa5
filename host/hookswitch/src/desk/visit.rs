//! One visit to a plugin: one call of one function in a fresh instance, written down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hookswitch_call::Millis;
use hookswitch_journal::{CallRef, JobId, runs};
use hookswitch_runtime::{
    CallError, Component, Grace, Job, Limits, Outcome, Usage,
    contract::{Delay, Failure},
};

use super::{Desk, Lane};
use crate::{health::Leave, session::Session};

/// So long a request waits for its turn under the rate limit while somebody's phone is ringing.
const URGENT: Duration = Duration::from_secs(5);
/// And so long where nobody waits for it, or a job can wait.
pub(super) const PATIENT: Duration = Duration::from_secs(300);

/// A visit outside jobs: nothing of it is ever resumed.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    /// The function, as the contract names it.
    pub(crate) function: &'static str,
    pub(crate) lane: Lane,
    /// Wall-clock limit.
    pub(crate) wall: Duration,
    /// The call that it is about.
    pub(crate) call: Option<&'a CallRef>,
    /// Leave to ask the CRM, where the caller has it already: a job asks for it once, for all that it does.
    pub(crate) leave: Option<&'a Leave>,
    /// What its keys and random numbers come from; none: they are its own.
    pub(crate) seed: Option<blake3::Hash>,
}

/// What keys and random numbers of a job come from: the same on every try, and wherever it is done again.
pub(crate) fn seed_of(job: JobId, created: Millis) -> blake3::Hash {
    blake3::hash(format!("job {job} {}", created.0).as_bytes())
}

/// What is equal on every try of the same work.
pub(super) struct Identity {
    pub(super) attempt: u32,
    pub(super) seed: blake3::Hash,
}

impl Desk {
    /// Calls one function of the plugin in a fresh instance and writes down what happened.
    ///
    /// # Errors
    ///
    /// Besides those of the plugin: temporary, without a visit, while its CRM is left alone.
    pub(crate) async fn visit<T>(
        self: &Arc<Self>,
        visit: Visit<'_>,
        call: impl AsyncFnOnce(&Component, Job) -> Outcome<T>,
    ) -> Result<T, CallError> {
        let own_leave = match visit.leave {
            Some(_) => None,
            None => Some(self.health.admit().map_err(|paused| {
                let after_ms = Some(u64::try_from(paused.wait.as_millis()).unwrap_or(u64::MAX));
                CallError::Failure(Failure::Temporary(Delay { after_ms, reason: paused.to_string() }))
            })?),
        };
        let _place = self.place(visit.lane).await;
        let (run, started) = (self.journal.next_run(), self.clock.now());
        let begun = runs::Begun {
            id: run,
            job: None,
            call: visit.call.cloned(),
            plugin: self.name.clone(),
            function: visit.function.to_owned(),
            attempt: 1,
            input: None,
            build: None,
            started,
        };
        self.tell("run", self.journal.later("run", move |txn| txn.begin_run(&begun)).await);
        let own = || blake3::hash(format!("run {run} {}", started.0).as_bytes());
        let identity = Identity { attempt: 1, seed: visit.seed.unwrap_or_else(own) };
        let waits = visit.leave.is_some() || visit.lane != Lane::Screen;
        let asked = Arc::new(AtomicBool::new(false));
        let session = Session {
            desk: self.clone(),
            call: visit.call.cloned(),
            run,
            lane: visit.lane,
            started,
            tape: None,
            host_calls: 0,
            guesses: 0,
            patience: if waits { PATIENT } else { URGENT },
            grace: Grace::default(),
            asked: asked.clone(),
            reads_only: reads_only(visit.function),
        };
        let Outcome { result, usage } = call(&self.component, job(session, visit.wall, &identity)).await;
        if asked.load(Ordering::Relaxed) {
            self.health.note(result.as_ref().map(drop));
        }
        drop(own_leave);
        let ended = ended(&usage, result.as_ref().err().map(|error| (word(error), problem(error))));
        self.tell("run", self.journal.later("run", move |txn| txn.finish_run(run, &ended)).await);
        result
    }

    pub(super) async fn place(&self, lane: Lane) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let lane = match lane {
            Lane::Screen => &self.screen,
            Lane::Record => &self.record,
            Lane::Upload => &self.upload,
        };
        // The semaphores are never closed.
        lane.acquire().await.ok()
    }
}

/// Whether the contract allows the function no writes.
fn reads_only(function: &str) -> bool {
    function.starts_with("lookup.") || matches!(function, "routing.route" | "tickets.of-contact")
}

/// The visit as the runtime wants it.
pub(super) fn job(session: Session, wall: Duration, identity: &Identity) -> Job {
    let grace = session.grace.clone();
    Job {
        services: Box::new(session),
        limits: Limits { wall, ..Limits::default() },
        attempt: identity.attempt,
        key_base: identity.seed.to_hex().to_string(),
        seed: *identity.seed.as_bytes(),
        grace,
    }
}

pub(super) fn ended(usage: &Usage, fault: Option<(&str, String)>) -> runs::Ended {
    let (outcome, problem) = fault.map_or((OK, None), |(word, problem)| (word, Some(problem)));
    runs::Ended {
        wall_us: micros(usage.wall),
        cpu_us: micros(usage.guest_cpu),
        memory_bytes: usage.peak_memory_bytes as u64,
        outcome: outcome.to_owned(),
        problem,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What a visit that went well came to.
pub(super) const OK: &str = "ok";
pub(super) const TRAP: &str = "trap";
pub(super) const LIMIT: &str = "limit";

/// What a failed visit came to, in one word.
pub(crate) fn word(error: &CallError) -> &'static str {
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
        CallError::Trap { .. } | CallError::Exit { .. } => TRAP,
        CallError::Deadline { .. } => "deadline",
        CallError::CpuBudget { .. } | CallError::Memory { .. } | CallError::Quota { .. } => LIMIT,
        CallError::Host { .. } => "host",
    }
}

/// What went wrong, with the guest's stack where it crashed.
pub(super) fn problem(error: &CallError) -> String {
    match error {
        CallError::Trap { backtrace, .. } if !backtrace.is_empty() => format!("{error}\n{backtrace}"),
        other => other.to_string(),
    }
}
