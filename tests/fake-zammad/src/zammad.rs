//! The stand-in as a test holds it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::{
    call::Call,
    cti::Cti,
    door,
    fault::{Fault, Faults, Phase, Trap, Traps},
};

/// The log behind its lock, with a bell that rings at every change.
#[derive(Clone)]
pub(crate) struct Shared {
    cti: Arc<Mutex<Cti>>,
    changes: watch::Sender<u64>,
    pub(crate) traps: Traps,
}

impl Shared {
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Cti) -> T) -> T {
        let result = change(&mut self.cti.lock().expect("no holder panics"));
        self.changes.send_modify(|count| *count += 1);
        result
    }

    fn read<T>(&self, read: impl FnOnce(&Cti) -> T) -> T {
        read(&self.cti.lock().expect("no holder panics"))
    }
}

/// A running Zammad. Dropping it stops it.
pub struct Zammad {
    /// Its address, without a path.
    pub url: String,
    /// Whom a client must trust, as PEM.
    pub authority: String,
    shared: Shared,
    _listener: JoinSet<()>,
}

impl Zammad {
    /// Starts one whose CTI has this token.
    ///
    /// # Errors
    ///
    /// No port, no certificate.
    pub async fn start(token: &str) -> Result<Self> {
        let (config, authority) = authority::identity("Fake Zammad authority")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://{}", listener.local_addr()?);
        let cti = Arc::new(Mutex::new(Cti::new(token)));
        let shared = Shared { cti, changes: watch::Sender::new(0), traps: Traps::default() };
        let (acceptor, of_task) = (TlsAcceptor::from(config), shared.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // A broken connection is the client's affair, or one that a fault asked for.
                let serving = door::serve(stream, acceptor.clone(), of_task.clone());
                connections.spawn(async move { serving.await.map_or((), drop) });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { url, authority, shared, _listener: tasks })
    }

    /// What goes wrong, one after the other, at the requests behind the next `after` ones.
    pub fn trouble(&self, after: usize, faults: impl IntoIterator<Item = Fault>) {
        let well = std::iter::repeat_n(None, after);
        self.shared.change(|cti| cti.faults.next = well.chain(faults.into_iter().map(Some)).collect());
    }

    /// What goes wrong at every request.
    pub fn always(&self, fault: Fault) {
        self.shared.change(|cti| cti.faults.always = Some(fault));
    }

    /// Nothing goes wrong any more.
    pub fn no_more_trouble(&self) {
        self.shared.change(|cti| cti.faults = Faults::default());
    }

    /// Switches the integration on or off.
    pub fn enable(&self, enabled: bool) {
        self.shared.change(|cti| cti.enabled = enabled);
    }

    /// Wants calls of this number to be refused.
    pub fn block(&self, number: &str) {
        self.shared.change(|cti| cti.blocked = Some(number.to_owned()));
    }

    /// Empties the caller log.
    pub fn forget(&self) {
        self.shared.change(|cti| cti.log.clear());
    }

    /// Lets the `nth` request from now on stand still where it has come so far.
    pub fn trap(&self, phase: Phase, nth: usize) -> Trap {
        self.shared.traps.set(phase, nth)
    }

    /// The caller log, in the order in which calls came.
    pub fn log(&self) -> Vec<Call> {
        self.shared.read(|cti| cti.log.clone())
    }

    /// How often something came that it had.
    pub fn repeated(&self) -> usize {
        self.shared.read(|cti| cti.repeated)
    }

    /// How many posts came with a wrong token.
    pub fn strangers(&self) -> usize {
        self.shared.read(|cti| cti.strangers)
    }

    /// What it has failed at because it was wrong.
    pub fn refused(&self) -> Vec<String> {
        self.shared.read(|cti| cti.refused.clone())
    }

    /// Waits until the caller log is as wanted.
    ///
    /// # Errors
    ///
    /// It was not within `patience`.
    pub async fn until(&self, patience: Duration, wanted: impl Fn(&[Call]) -> bool) -> Result<Vec<Call>> {
        let mut changes = self.shared.changes.subscribe();
        let end = tokio::time::Instant::now() + patience;
        loop {
            changes.mark_unchanged();
            let log = self.log();
            if wanted(&log) {
                return Ok(log);
            }
            if !matches!(tokio::time::timeout_at(end, changes.changed()).await, Ok(Ok(()))) {
                bail!("the caller log did not become as wanted: {log:#?}");
            }
        }
    }

    /// Whether everything that came was as it must be.
    ///
    /// # Errors
    ///
    /// What was not.
    pub fn verdict(&self) -> Result<()> {
        let complaints = self.shared.read(|cti| cti.complaints.clone());
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        Ok(())
    }
}
