//! Who writes to the journal at this moment: the service that runs on it, else this command.

use std::path::Path;

use hookswitch_journal::{Journal, retention::Erased};
use tokio::runtime::Runtime;

use crate::{
    clock,
    control::{Client, Decided, Decision, Feeding},
    recordings::{Archive, Done, Order},
};

/// The one that changes the journal.
pub(super) enum Holder {
    /// The service; it is asked to.
    Service(Client),
    /// This command: no service runs.
    Command { journal: Journal, runtime: Runtime, archive: Archive },
}

impl Holder {
    /// Finds out who holds the journal in the data directory `data`, and takes it if nobody does.
    pub(super) fn of(data: &Path) -> miette::Result<Self> {
        if let Some(client) = Client::connect(data).map_err(|error| miette::miette!("{error}"))? {
            return Ok(Self::Service(client));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| miette::miette!("cannot start threads: {error}"))?;
        let journal = Journal::open(data).map_err(|error| match error {
            // The service was not there a moment ago, or does not listen any more.
            error @ hookswitch_journal::OpenError::InUse { .. } => {
                miette::miette!(help = "if it is starting or stopping, try again in a moment", "{error}")
            }
            error => miette::miette!("{error}"),
        })?;
        Ok(Self::Command { journal, runtime, archive: Archive::at(data) })
    }

    /// Has a decision about jobs written down. Returns the jobs that it was taken about.
    pub(super) fn decide(&mut self, decision: Decision) -> miette::Result<Vec<Decided>> {
        match self {
            Self::Service(client) => client.decide(decision).map_err(|error| miette::miette!("{error}")),
            Self::Command { journal, runtime, .. } => {
                let now = clock::now();
                let decided = runtime.block_on(journal.write(move |txn| decision.apply(txn, now)));
                let jobs = decided.map_err(|error| miette::miette!("{error}"))?;
                Ok(jobs.map_err(|refusal| miette::miette!("{refusal}"))?.iter().map(Decided::from).collect())
            }
        }
    }

    /// Has a decision about a feed written down. Returns how many events it was taken about.
    pub(super) fn feed(&mut self, decision: Feeding) -> miette::Result<u64> {
        match self {
            Self::Service(client) => client.feed(decision).map_err(|error| miette::miette!("{error}")),
            Self::Command { journal, runtime, .. } => {
                let decided = runtime.block_on(journal.write(move |txn| decision.apply(txn)));
                decided.map_err(|error| miette::miette!("{error}"))?.map_err(|refusal| miette::miette!("{refusal}"))
            }
        }
    }

    /// Has the finished calls of a number forgotten, spelled as the journal's `erase` wants it.
    pub(super) fn erase(&mut self, number: &str) -> miette::Result<Erased> {
        match self {
            Self::Service(client) => client.erase(number.to_owned()).map_err(|error| miette::miette!("{error}")),
            Self::Command { journal, runtime, archive } => {
                let erased = runtime.block_on(async {
                    let (erased, files) = journal.erase(number).await?;
                    Ok((erased, archive.release(journal, files).await?))
                });
                let (erased, freed) = erased.map_err(|error: hookswitch_journal::Error| miette::miette!("{error}"))?;
                freed.all_gone().map_err(|stuck| miette::miette!("{stuck}"))?;
                Ok(erased)
            }
        }
    }

    /// Has something done about recordings.
    pub(super) fn recordings(&mut self, order: Order) -> miette::Result<Done> {
        match self {
            Self::Service(client) => client.recordings(order).map_err(|error| miette::miette!("{error}")),
            Self::Command { journal, runtime, archive } => {
                let done = runtime.block_on(order.carry_out(archive, journal, clock::now()));
                done.map_err(|error| miette::miette!("{error}"))
            }
        }
    }

    /// When what was decided takes effect, for a person.
    pub(super) fn when(&self) -> &'static str {
        match self {
            Self::Service(_) => "as soon as the plugin can take it",
            Self::Command { .. } => "when the service is started",
        }
    }

    /// Closes the journal, if it was this command that held it.
    pub(super) fn release(self) {
        if let Self::Command { journal, runtime, .. } = self {
            runtime.block_on(journal.close());
        }
    }
}
