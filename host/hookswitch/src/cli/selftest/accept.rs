//! The process that is killed: it accepts invented calls as the service accepts real ones, and says on its standard
//! output what is durable.

use std::{io::Write, path::PathBuf, process::ExitCode, time::Instant};

use clap::Args;
use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, JobId, Journal,
    calls::Receipt,
    jobs::{Finish, Job, State},
};

use super::load::{NAME, Step};

/// Where, and how far earlier processes came.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The folder of the journal.
    #[arg(long)]
    folder: PathBuf,
    /// How many events of each producer the journal holds.
    #[arg(long, value_delimiter = ',')]
    held: Vec<u64>,
}

/// An event that is durable: what one line of the output says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) step: Step,
    /// Microseconds from handing it to the journal until it was durable.
    pub(super) took_us: u32,
}

impl Acknowledged {
    fn write(self) -> String {
        format!("{} {} {}\n", self.step.producer, self.step.number, self.took_us)
    }

    /// Reads a line of the output.
    pub(super) fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let step = Step { producer: words.next()?.parse().ok()?, number: words.next()?.parse().ok()? };
        Some(Self { step, took_us: words.next()?.parse().ok()? })
    }
}

pub(super) fn run(options: &Options) -> miette::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .map_err(|error| miette::miette!("cannot start threads: {error}"))?;
    let journal = Journal::open(&options.folder).map_err(|error| miette::miette!("{error}"))?;
    runtime.block_on(async {
        let mut producers = tokio::task::JoinSet::new();
        for (producer, &number) in options.held.iter().enumerate() {
            producers.spawn(produce(journal.clone(), Step { producer, number }));
        }
        // They go on until the end of the process: one that returns has failed.
        match producers.join_next().await {
            Some(Ok(Err(error))) => Err(miette::miette!("{error}")),
            _ => Err(miette::miette!("a producer ended")),
        }
    })
}

/// Accepts events after `held` without end, each together with the end of the job of the event before it.
async fn produce(journal: Journal, held: Step) -> Result<(), Error> {
    let mut open = open_job(&journal, held).await?;
    let mut step = held;
    loop {
        step = step.next();
        let began = Instant::now();
        let receipts = journal.write(move |txn| {
            if let Some(job) = open {
                txn.start_job(job, 1, NAME)?;
                let result = (step.number - 1).into();
                txn.finish_job(job, Finish::Done { result }, Millis(step.number))?;
            }
            txn.accept(vec![step.accepted()])
        });
        open = match receipts.await?.pop() {
            Some(Receipt::Kept(jobs)) => jobs.first().copied(),
            // It was not in the journal when this process started, and nobody else writes there.
            Some(Receipt::Repeated) | None => {
                return Err(Error::Contradiction { call: step.call(), seq: step.seq() });
            }
        };
        let took_us = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
        let line = Acknowledged { step, took_us }.write();
        if std::io::stdout().lock().write_all(line.as_bytes()).is_err() {
            // Nobody listens any more: the test was broken off.
            std::process::exit(0);
        }
    }
}

/// The job of the last event that an earlier process accepted; it is not done yet.
async fn open_job(journal: &Journal, held: Step) -> Result<Option<JobId>, Error> {
    let jobs = journal.read(move |view| view.jobs_of(&held.call())).await?;
    let open = |job: &&Job| job.state == State::Waiting && job.kind == held.job_kind();
    Ok(jobs.iter().find(open).map(|job| job.id))
}
