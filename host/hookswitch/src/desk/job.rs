//! Tries of durable work, jobs and batches of events: begun, resumed where the program died, brought to their end.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use hookswitch_call::Millis;
use hookswitch_journal::{
    CallRef, Error, JobId, RunId, Txn, View,
    feed::{BatchEnd, Span},
    runs,
};
use hookswitch_runtime::{CallError, Grace, Outcome, Usage};

use super::{
    Desk,
    visit::{Identity, LIMIT, OK, PATIENT, TRAP, ended, job, problem, seed_of, word},
};
use crate::{
    session::{Session, Tape, record_all},
    task::{Product, Task},
};

/// A run that the program has died in so often is not resumed again: it may be what the program dies of.
const RESUMPTIONS: u32 = 10;

/// What is tried until it is done.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// A job of one call.
    Job {
        id: JobId,
        call: CallRef,
        /// When it was accepted.
        created: Millis,
    },
    /// Events of the plugin's feed.
    Batch(Span),
}

impl Work {
    fn job(&self) -> Option<JobId> {
        match self {
            Self::Job { id, .. } => Some(*id),
            Self::Batch(_) => None,
        }
    }

    fn call(&self) -> Option<&CallRef> {
        match self {
            Self::Job { call, .. } => Some(call),
            Self::Batch(_) => None,
        }
    }

    /// What keys and random numbers come from.
    fn seed(&self) -> blake3::Hash {
        match self {
            Self::Job { id, created, .. } => seed_of(*id, *created),
            Self::Batch(Span { plugin, first, .. }) => blake3::hash(format!("feed {plugin} {first}").as_bytes()),
        }
    }

    /// The runs of earlier tries, oldest first.
    fn runs(&self, view: &View<'_>) -> Result<Vec<runs::Run>, Error> {
        match self {
            Self::Job { id, .. } => view.runs_of_job(*id),
            Self::Batch(span) => view.runs_of_span(span),
        }
    }

    fn start(&self, txn: &Txn<'_>, run: &runs::Begun, component: &str) -> Result<(), Error> {
        match self {
            Self::Job { id, .. } => {
                txn.start_job(*id, run.attempt, component)?;
                txn.begin_run(run)
            }
            Self::Batch(span) => {
                txn.begin_run(run)?;
                txn.start_batch(span, run.id, run.attempt)
            }
        }
    }
}

/// Work that is about to be tried.
#[derive(Clone, Debug)]
pub(crate) struct Try {
    pub(crate) work: Work,
    /// Which try it is, from 1.
    pub(crate) attempt: u32,
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfinished {
    /// The plugin, or the sandbox around it, says so.
    #[error("{0}")]
    Call(#[from] CallError),
    /// The plugin did something else when its run was resumed.
    #[error("{0}")]
    Diverged(String),
    /// It was decided upon meanwhile, or the journal fails.
    #[error("the work cannot be started: {0}")]
    NotStarted(Error),
}

/// A run of an earlier try, with its host calls.
pub(crate) type PastRun = (runs::Run, Vec<runs::Request>);

/// What there is of earlier tries.
pub(crate) enum Earlier {
    /// A run that goes on.
    CutOff(Box<Start>),
    /// Runs that are over, oldest first.
    Tries(Vec<PastRun>),
}

/// How a try went.
pub(crate) struct Worked {
    pub(crate) result: Result<Product, Unfinished>,
    /// Which try it was.
    pub(crate) attempt: u32,
    /// If the plugin crashed: in how many tries, this one included.
    pub(crate) crashes: Option<u32>,
    /// What is to be written down of it, together with what becomes of the job: until then the run can be resumed.
    pub(crate) trace: Trace,
}

/// The rest of a run's record.
pub(crate) struct Trace {
    run: RunId,
    pending: Vec<runs::Request>,
    ended: runs::Ended,
}

impl Trace {
    /// Writes it down.
    pub(super) fn record(&self, txn: &Txn<'_>) -> Result<(), Error> {
        record_all(txn, &self.pending)?;
        txn.finish_run(self.run, &self.ended)
    }
}

/// A run as it is about to begin or to go on.
pub(crate) struct Start {
    run: RunId,
    started: Millis,
    task: Task,
    tape: Tape,
    attempt: u32,
    /// Earlier tries in which the plugin crashed.
    crashes: u32,
}

impl Desk {
    /// What there is of earlier tries: the run in which the program died, if it can go on.
    pub(crate) async fn earlier(&self, of: &Try) -> Result<Earlier, Unfinished> {
        // An event may have been tried in another batch before.
        if of.attempt <= 1 && of.work.job().is_some() {
            return Ok(Earlier::Tries(Vec::new()));
        }
        let work = of.work.clone();
        let found = self.journal.read(move |view| {
            let mut tries = Vec::new();
            for run in work.runs(view)? {
                let requests = view.requests_of(run.begun.id)?;
                tries.push((run, requests));
            }
            Ok(tries)
        });
        let mut tries = found.await.map_err(Unfinished::NotStarted)?;
        let resumable = |run: &runs::Run| {
            run.ended.is_none() && run.resumed < RESUMPTIONS && run.begun.build.as_ref() == Some(&self.build)
        };
        let Some((run, recorded)) = tries.pop_if(|(run, _)| resumable(run)) else { return Ok(Earlier::Tries(tries)) };
        let Some(task) = run.begun.input.clone().and_then(|input| serde_json::from_value(input).ok()) else {
            tries.push((run, recorded));
            return Ok(Earlier::Tries(tries));
        };
        let (id, crashes) = (run.begun.id, crashes(&tries));
        let resumed = self.journal.apply(move |txn| txn.resume_run(id)).await.map_err(Unfinished::NotStarted)?;
        let (call, job) = (of.work.call().map(|call| call.chain.as_str()), of.work.job().map(tracing::field::display));
        tracing::info!(plugin = %self.name, call, job, resumed, "going on where the program was stopped");
        Ok(Earlier::CutOff(Box::new(Start {
            run: id,
            started: run.begun.started,
            attempt: run.begun.attempt,
            task,
            tape: Tape::resumed(recorded, tries),
            crashes,
        })))
    }

    /// Begins a new run.
    pub(crate) async fn begin(
        &self,
        of: &Try,
        task: Task,
        mut earlier: Vec<PastRun>,
    ) -> Result<Box<Start>, Unfinished> {
        let (run, started, attempt) = (self.journal.next_run(), self.clock.now(), of.attempt);
        let begun = runs::Begun {
            id: run,
            job: of.work.job(),
            call: of.work.call().cloned(),
            plugin: self.name.clone(),
            function: task.function().to_owned(),
            attempt,
            input: serde_json::to_value(&task).ok(),
            build: Some(self.build.clone()),
            started,
        };
        let (work, component) = (of.work.clone(), self.component.hash().to_string());
        // Whoever asks how far something is wants no answer of an hour ago, and may ask for a day.
        let asked_before = of.work.job().filter(|_| matches!(task, Task::Ask { .. }));
        if asked_before.is_some() {
            earlier.retain(|(run, _)| run.ended.as_ref().is_none_or(|ended| ended.outcome != OK));
        }
        let cut_off = earlier.last().filter(|(run, _)| run.ended.is_none()).map(|(run, _)| run.begun.id);
        let began = self.journal.apply(move |txn| {
            if let Some(run) = cut_off {
                txn.finish_run(run, &ended(&Usage::default(), Some((CUT_OFF, "the program was stopped".to_owned()))))?;
            }
            if let Some(job) = asked_before {
                txn.forget_tries(job, OK)?;
            }
            work.start(txn, &begun, &component)
        });
        began.await.map_err(Unfinished::NotStarted)?;
        let crashes = crashes(&earlier);
        Ok(Box::new(Start { run, started, task, tape: Tape::retried(earlier), attempt, crashes }))
    }

    /// Runs a task to its end.
    pub(crate) async fn perform(self: &Arc<Self>, of: &Try, start: Box<Start>) -> Worked {
        let Start { run, started, task, tape, attempt, crashes } = *start;
        let _place = self.place(task.lane()).await;
        let tape = Arc::new(Mutex::new(tape));
        let seed = of.work.seed();
        let asked = Arc::new(AtomicBool::new(false));
        let session = Session {
            desk: self.clone(),
            call: of.work.call().cloned(),
            run,
            lane: task.lane(),
            started,
            tape: Some(tape.clone()),
            host_calls: 0,
            guesses: 0,
            patience: PATIENT,
            grace: Grace::default(),
            asked: asked.clone(),
            reads_only: false,
        };
        let made = job(session, task.wall(), &Identity { attempt, seed });
        let Outcome { result, usage } = task.perform(&self.component, made).await;
        if asked.load(Ordering::Relaxed) {
            self.health.note(result.as_ref().map(drop));
        }
        let returned = matches!(result, Ok(_) | Err(CallError::Failure(_)));
        let (pending, diverged) = tape.lock().unwrap_or_else(PoisonError::into_inner).ended(returned);
        let result = match diverged {
            Some(text) => Err(Unfinished::Diverged(text)),
            None => result.map_err(Unfinished::Call),
        };
        let fault = match &result {
            Ok(_) => None,
            // Time that it did not spend waiting for others it spent by itself.
            Err(Unfinished::Call(error @ CallError::Deadline { wall })) if usage.host_time < *wall / 2 => {
                Some((LIMIT, problem(error)))
            }
            Err(Unfinished::Call(error)) => Some((word(error), problem(error))),
            Err(other) => Some((DIVERGED, other.to_string())),
        };
        let crashes = fault.as_ref().filter(|(word, _)| is_crash(word)).map(|_| crashes + 1);
        Worked { result, attempt, crashes, trace: Trace { run, pending, ended: ended(&usage, fault) } }
    }

    /// Notes what became of a batch of events at a try, together with the rest of its run; durable when it returns.
    pub(crate) async fn finish_batch(&self, span: &Span, end: BatchEnd, trace: Option<Trace>) -> Result<(), Error> {
        let span = span.clone();
        let finished = self.journal.write(move |txn| {
            trace.iter().try_for_each(|trace| trace.record(txn))?;
            txn.finish_batch(&span, &end)
        });
        finished.await
    }
}

/// How a run is said to have ended that was resumed, and did something else.
const DIVERGED: &str = "diverged";
/// And one in which the program died, and that is not resumed.
const CUT_OFF: &str = "cut-off";

/// How many of the runs ended because the plugin broke.
fn crashes(runs: &[PastRun]) -> u32 {
    let crashed = runs.iter().filter(|(run, _)| run.ended.as_ref().is_some_and(|ended| is_crash(&ended.outcome)));
    u32::try_from(crashed.count()).unwrap_or(u32::MAX)
}

fn is_crash(word: &str) -> bool {
    matches!(word, TRAP | LIMIT)
}
