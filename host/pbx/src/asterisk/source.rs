//! The source: keeps a connection to one Asterisk and reports what happens to its calls.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use hookswitch_call::{Millis, Signal, signal::Report};
use hookswitch_web::Handler;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Archive, Config, Error, Roster, Switchboard, agi,
    check::check,
    control::Operator,
    features::FEATURES,
    link::Link,
    login::log_in,
    orders::{Order, Orders},
    request::Request,
    resync::{Outcome, resync},
    routing::Desk,
};
use crate::{Begin, Checked, Closed, Features, Outlet, Recordings, Refused, Source, Started, backoff::Backoff};

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// A connection to one Asterisk that mends itself.
pub struct Asterisk {
    config: Config,
    switchboard: Switchboard,
    roster: Roster,
    random: fastrand::Rng,
    recordings: Option<Arc<dyn Recordings>>,
}

#[async_trait]
impl Source for Asterisk {
    fn features(&self) -> Features {
        FEATURES
    }

    async fn check(&self) -> Result<Checked, String> {
        check(&self.config).await.map_err(|error| error.to_string())
    }

    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        self.recordings.clone()
    }

    fn start(self: Box<Self>, Begin { outlet, router, stop, .. }: Begin) -> Started {
        let (operator, orders) = Operator::new(&self.config);
        let desk = Arc::new(Desk::new(&self.config.routing, router));
        let asked = agi::serve(self.config.routing.agi.clone(), desk.clone(), stop.clone());
        let posts = self.config.routing.secret.is_some().then_some(desk as Arc<dyn Handler>);
        let work = async move {
            futures::join!(self.run(outlet, stop, orders), asked);
        };
        Started { work: Box::pin(work), posts, control: Some(Arc::new(operator)), phonebook: None }
    }
}

impl Asterisk {
    /// A source for the PBX that `config` describes.
    pub fn new(config: Config) -> Self {
        Self::with_random(config, fastrand::Rng::new())
    }

    /// The same with a given source of jitter.
    pub fn with_random(config: Config, random: fastrand::Rng) -> Self {
        let (switchboard, roster) = (Switchboard::new(config.site.clone()), Roster::new(config.site.clone()));
        Self { switchboard, roster, config, random, recordings: None }
    }

    /// The same, and its recordings are had there.
    ///
    /// # Errors
    ///
    /// What cannot be used of it, for the admin.
    pub fn with_archive(self, archive: &Archive) -> Result<Self, String> {
        let recordings = Some(archive.open(&self.config.site.recordings)?);
        Ok(Self { recordings, ..self })
    }

    /// Connects, reports, and connects again, until `stop` is cancelled or nobody takes reports any more. Orders are
    /// carried out while the connection stands, and refused while it does not.
    ///
    /// Each batch holds what one read of the connection said, in order. While the receiver is slow the connection is
    /// not read.
    async fn run(mut self, outlet: Outlet, stop: CancellationToken, mut orders: mpsc::Receiver<Order>) {
        let patience = self.config.patience;
        let mut backoff = Backoff::new(patience.retry_first, patience.retry_longest);
        let mut last_reason = String::new();
        loop {
            let mut stood = false;
            let Err(error) = self.session(&outlet, &stop, &mut orders, &mut stood).await else { return };
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
                never = refuse_all(&mut orders, &last_reason) => match never {},
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One connection, from its first to its last byte. `Ok` if it ended because nobody wants it any more.
    async fn session(
        &mut self,
        outlet: &Outlet,
        stop: &CancellationToken,
        orders: &mut mpsc::Receiver<Order>,
        stood: &mut bool,
    ) -> Result<(), Error> {
        let established = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            never = refuse_all(orders, "the connection is being made; try again in a moment") => match never {},
            established = self.establish(outlet, stood) => established?,
        };
        let Some(mut link) = established else { return Ok(()) };
        let mut under_way = Orders::new(self.config.patience.answer);
        let listened = self.listen(&mut link, outlet, stop, orders, &mut under_way).await;
        under_way.abandon(&listened.as_ref().err().map_or_else(|| "the host stops".to_owned(), ToString::to_string));
        listened
    }

    /// Connects, logs in, and finds out which calls live; none if nobody takes reports any more.
    async fn establish(&mut self, outlet: &Outlet, stood: &mut bool) -> Result<Option<Link>, Error> {
        let Self { config, switchboard, roster, .. } = self;
        let mut link = Link::open(config).await?;
        switchboard.begin_roll_call();
        let mut news = Vec::new();
        let admission = log_in(&mut link, config, |message| {
            switchboard.apply(message, now());
            news.extend(roster.apply(message));
        });
        let admission = admission.await?;
        *stood = true;
        tracing::info!(greeting = admission.greeting, challenged = admission.challenged, "logged in to the PBX");
        if outlet.give(vec![Report::Connected]).await.is_err() {
            return Ok(None);
        }
        let calls = |signals: Vec<Signal>| signals.into_iter().map(Report::Call);
        let outcome = resync(&mut link, switchboard, roster, &mut news, now).await?;
        let news = news.into_iter().map(Report::Site);
        let batch = match outcome {
            Outcome::Known(roll) => {
                let resynced = Report::Resynced { alive: roll.alive, at: now() };
                news.chain(calls(roll.signals)).chain([resynced]).chain(calls(roll.since)).collect()
            }
            Outcome::Forbidden(since) => {
                tracing::error!(
                    "this manager user may list no calls: those that end in a gap of the connection stay open"
                );
                news.chain(calls(since)).collect()
            }
        };
        Ok(outlet.give(batch).await.is_ok().then_some(link))
    }

    /// Reads until the end, carries out orders, and asks for a sign of life when the PBX is silent.
    async fn listen(
        &mut self,
        link: &mut Link,
        outlet: &Outlet,
        stop: &CancellationToken,
        orders: &mut mpsc::Receiver<Order>,
        under_way: &mut Orders,
    ) -> Result<(), Error> {
        let (heartbeat, answer) = (self.config.patience.heartbeat, self.config.patience.answer);
        let (mut asked, mut quiet_since) = (false, Instant::now());
        loop {
            let mut batch = Vec::new();
            let at = now();
            link.drain(|message| {
                under_way.hear(message, Instant::now());
                batch.extend(self.switchboard.apply(message, at).into_iter().map(Report::Call));
                batch.extend(self.roster.apply(message).into_iter().map(Report::Site));
            });
            if !batch.is_empty() && outlet.give(batch).await == Err(Closed) {
                return Ok(());
            }
            let patience = quiet_since + if asked { answer } else { heartbeat };
            let due = under_way.due();
            // Reading can be given up at any time without losing anything, so orders need no connection of their own.
            tokio::select! {
                () = stop.cancelled() => {
                    let farewell = link.send(Request::new("Logoff"));
                    // The connection ends in any case.
                    let _ = timeout(FAREWELL, farewell).await;
                    return Ok(());
                }
                Some(order) = orders.recv() => self.carry_out(order, link, under_way).await?,
                () = sleep_until(due.unwrap_or(patience)), if due.is_some() => under_way.expire(Instant::now()),
                read = timeout_at(patience, link.fill()) => match read {
                    Ok(read) => {
                        read?;
                        (asked, quiet_since) = (false, Instant::now());
                    }
                    Err(_) if asked => return Err(Error::Silent { to: "Ping", after: answer }),
                    Err(_) => {
                        link.send(Request::new("Ping")).await?;
                        (asked, quiet_since) = (true, Instant::now());
                    }
                },
            }
        }
    }

    /// Sends what an order asks for; what became of it is heard among everything else.
    async fn carry_out(&self, order: Order, link: &mut Link, under_way: &mut Orders) -> Result<(), Error> {
        if order.is_given_up() {
            return Ok(());
        }
        if under_way.is_full() {
            order.refuse(Refused::Other("too many orders at one time".into()));
            return Ok(());
        }
        match order {
            Order::Dial { request, channel_id, answer } => match link.send(request).await {
                Ok(action_id) => under_way.dialling(action_id, channel_id, answer, Instant::now()),
                Err(error) => {
                    // A part of it may have left.
                    let _ = answer.send(Err(Refused::InDoubt(error.to_string())));
                    return Err(error);
                }
            },
            Order::HangUp { call, answer } => {
                let channels = self.switchboard.channels(&call);
                if channels.is_empty() {
                    let _ = answer.send(Err(Refused::NoSuchCall));
                    return Ok(());
                }
                let mut action_ids = Vec::new();
                for channel in &channels {
                    // Cause 16: normal clearing.
                    match link.send(Request::new("Hangup").with("Channel", channel).with("Cause", "16")).await {
                        Ok(action_id) => action_ids.push(action_id),
                        Err(error) => {
                            let _ = answer.send(Err(Refused::InDoubt(error.to_string())));
                            return Err(error);
                        }
                    }
                }
                under_way.hanging_up(action_ids, answer, Instant::now());
            }
        }
        Ok(())
    }
}

/// Refuses orders as long as there is no connection.
async fn refuse_all(orders: &mut mpsc::Receiver<Order>, why: &str) -> Infallible {
    while let Some(order) = orders.recv().await {
        order.refuse(Refused::Offline(why.to_owned()));
    }
    std::future::pending().await
}

/// The present, as the arrival of a message that carries no time of its own.
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
