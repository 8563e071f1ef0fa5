//! The source: keeps a connection to one Asterisk and reports what happens to its calls.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use hookswitch_call::{Millis, Signal, signal::Report};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    Config, Error, Switchboard,
    check::check,
    features::FEATURES,
    link::Link,
    login::log_in,
    request::Request,
    resync::{Outcome, resync},
};
use crate::{Begin, Checked, Closed, Features, Outlet, Source, Started, backoff::Backoff};

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// A connection to one Asterisk that mends itself.
#[derive(Debug)]
pub struct Asterisk {
    config: Config,
    switchboard: Switchboard,
    random: fastrand::Rng,
}

#[async_trait]
impl Source for Asterisk {
    fn features(&self) -> Features {
        FEATURES
    }

    async fn check(&self) -> Result<Checked, String> {
        check(&self.config).await.map_err(|error| error.to_string())
    }

    fn start(self: Box<Self>, Begin { outlet, stop, .. }: Begin) -> Started {
        Started { work: Box::pin(self.run(outlet, stop)), posts: None, control: None }
    }
}

impl Asterisk {
    /// A source for the PBX that `config` describes.
    pub fn new(config: Config) -> Self {
        Self::with_random(config, fastrand::Rng::new())
    }

    /// The same with a given source of jitter.
    pub fn with_random(config: Config, random: fastrand::Rng) -> Self {
        Self { switchboard: Switchboard::new(config.site.clone()), config, random }
    }

    /// Connects, reports, and connects again, until `stop` is cancelled or nobody takes reports any more.
    ///
    /// Each batch holds what one read of the connection said, in order. While the receiver is slow the connection is
    /// not read.
    async fn run(mut self, outlet: Outlet, stop: CancellationToken) {
        let patience = self.config.patience;
        let mut backoff = Backoff::new(patience.retry_first, patience.retry_longest);
        let mut last_reason = String::new();
        loop {
            let mut stood = false;
            let Err(error) = self.session(&outlet, &stop, &mut stood).await else { return };
            if stood {
                backoff.reset();
            }
            let random = self.random.f64();
            let wait = if error.needs_mending() { backoff.wait_longest(random) } else { backoff.wait(random) };
            let reason = error.to_string();
            tracing::warn!(%error, retry_ms = wait.as_millis(), "no connection to the PBX");
            // The same reason again and again is no news.
            if (stood || reason != last_reason)
                && outlet.give(vec![Report::Disconnected { reason: reason.clone() }]).await.is_err()
            {
                return;
            }
            last_reason = reason;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One connection, from its first to its last byte. `Ok` if it ended because nobody wants it any more.
    async fn session(&mut self, outlet: &Outlet, stop: &CancellationToken, stood: &mut bool) -> Result<(), Error> {
        let established = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            established = self.establish(outlet, stood) => established?,
        };
        match established {
            Some(mut link) => self.listen(&mut link, outlet, stop).await,
            None => Ok(()),
        }
    }

    /// Connects, logs in, and finds out which calls live; none if nobody takes reports any more.
    async fn establish(&mut self, outlet: &Outlet, stood: &mut bool) -> Result<Option<Link>, Error> {
        let Self { config, switchboard, .. } = self;
        let mut link = Link::open(config).await?;
        switchboard.begin_roll_call();
        let admission = log_in(&mut link, config, |message| {
            switchboard.apply(message, now());
        });
        let admission = admission.await?;
        *stood = true;
        tracing::info!(greeting = admission.greeting, challenged = admission.challenged, "logged in to the PBX");
        if outlet.give(vec![Report::Connected]).await.is_err() {
            return Ok(None);
        }
        let calls = |signals: Vec<Signal>| signals.into_iter().map(Report::Call);
        let batch = match resync(&mut link, switchboard, now).await? {
            Outcome::Known(roll) => {
                let resynced = Report::Resynced { alive: roll.alive, at: now() };
                calls(roll.signals).chain([resynced]).chain(calls(roll.since)).collect()
            }
            Outcome::Forbidden(since) => {
                tracing::error!(
                    "this manager user may list no calls: those that end in a gap of the connection stay open"
                );
                calls(since).collect()
            }
        };
        Ok(outlet.give(batch).await.is_ok().then_some(link))
    }

    /// Reads until the end, and asks for a sign of life when the PBX is silent.
    async fn listen(&mut self, link: &mut Link, outlet: &Outlet, stop: &CancellationToken) -> Result<(), Error> {
        let (heartbeat, answer) = (self.config.patience.heartbeat, self.config.patience.answer);
        let mut asked = false;
        loop {
            let mut batch = Vec::new();
            let at = now();
            link.drain(|message| batch.extend(self.switchboard.apply(message, at).into_iter().map(Report::Call)));
            if !batch.is_empty() && outlet.give(batch).await == Err(Closed) {
                return Ok(());
            }
            let patience = if asked { answer } else { heartbeat };
            tokio::select! {
                () = stop.cancelled() => {
                    let farewell = link.send(Request::new("Logoff"));
                    // The connection ends in any case.
                    let _ = timeout(FAREWELL, farewell).await;
                    return Ok(());
                }
                read = timeout(patience, link.fill()) => match read {
                    Ok(read) => {
                        read?;
                        asked = false;
                    }
                    Err(_) if asked => return Err(Error::Silent { to: "Ping", after: answer }),
                    Err(_) => {
                        link.send(Request::new("Ping")).await?;
                        asked = true;
                    }
                },
            }
        }
    }
}

/// The present, as the arrival of a message that carries no time of its own.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
