//! What goes on whichever way events come: they are told, calls whose end is due end, and where it is doubtful which
//! calls go on the PBX is asked.

mod survey;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hookswitch_call::{Millis, signal::Report};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Config, Events,
    client::{Client, Error},
    event::Event,
    exchange::{Asked, Exchange, Gap},
};
use crate::{Closed, Outlet, Question, Router};

/// A call that waits to be taken waits ten seconds: the router has this time, and the rest is for telling the PBX.
const DECIDE: Duration = Duration::from_secs(6);
/// The whole of it, less a fifth.
const ANSWER: Duration = Duration::from_secs(8);
/// The target of a route that means: do not take the call.
const REJECT: &str = "reject";
/// Between two attempts to ask the PBX which calls go on.
const PAUSE: Duration = Duration::from_secs(2);

/// A PBX at work.
pub(super) struct Work {
    pub(super) config: Config,
    pub(super) client: Arc<Client>,
    pub(super) outlet: Outlet,
    pub(super) tasks: TaskTracker,
    stop: CancellationToken,
    exchange: Mutex<Exchange>,
    router: Arc<dyn Router>,
    /// Held while something is told, so that it is told in the order in which it was concluded.
    order: tokio::sync::Mutex<()>,
    /// Something may be due earlier than before.
    sooner: Notify,
    /// The lists of extensions and queues have changed.
    directory: Notify,
}

/// How something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// And not waited for: the PBX is asked again if it gets lost.
    Give,
    /// And waited for until it is durable.
    Keep,
}

impl Work {
    pub(super) fn new(
        config: Config,
        client: Arc<Client>,
        exchange: Exchange,
        outlet: Outlet,
        router: Arc<dyn Router>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            config,
            client,
            outlet,
            tasks: TaskTracker::new(),
            stop,
            exchange: Mutex::new(exchange),
            router,
            order: tokio::sync::Mutex::default(),
            sooner: Notify::new(),
            directory: Notify::new(),
        }
    }

    pub(super) fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event in and tells what follows.
    pub(super) async fn hear(self: &Arc<Self>, event: Event, telling: Telling) -> Result<(), Closed> {
        let heard_at = Instant::now();
        let mut asked = None;
        let told = self.tell(telling, |exchange| {
            let heard = exchange.apply(event, now());
            asked = heard.asked;
            if heard.directory {
                self.directory.notify_one();
            }
            heard.reports
        });
        told.await?;
        if let Some(asked) = asked.filter(|_| self.config.confirm) {
            let stop = self.stop.clone();
            self.tasks.spawn(stop.run_until_cancelled_owned(self.clone().decide(asked, heard_at)));
        }
        Ok(())
    }

    /// Tells what follows from `change`.
    pub(super) async fn tell(
        &self,
        telling: Telling,
        change: impl FnOnce(&mut Exchange) -> Vec<Report>,
    ) -> Result<(), Closed> {
        let _order = self.order.lock().await;
        let reports = change(&mut self.exchange());
        self.sooner.notify_one();
        match telling {
            _ if reports.is_empty() => Ok(()),
            Telling::Give => self.outlet.give(reports).await,
            Telling::Keep => self.outlet.keep(reports).await,
        }
    }

    /// Has a call taken or refused (30016) that waits since `heard_at`.
    async fn decide(self: Arc<Self>, asked: Asked, heard_at: Instant) {
        let Asked { call, channel, external, line } = asked;
        let within = DECIDE.saturating_sub(heard_at.elapsed());
        let question = Question { call: Some(call.clone()), external, line, within };
        let decided = async {
            let route = timeout(within, self.router.route(question)).await.unwrap_or_default();
            let refuse = route.target.as_deref() == Some(REJECT);
            let what = if refuse { "call/refuse_inbound" } else { "call/accept_inbound" };
            let answer = self.client.post(what, &serde_json::json!({ "channel_id": channel })).await;
            answer.map(|_| refuse)
        };
        match timeout_at(heard_at + ANSWER, decided).await {
            Ok(Ok(refused)) => {
                let took_ms = heard_at.elapsed().as_millis();
                tracing::info!(%call, refused, took_ms, "an incoming call was decided on");
                if refused {
                    self.exchange().refused(&call, now());
                    self.sooner.notify_one();
                }
            }
            Ok(Err(error)) => tracing::warn!(%call, %error, "an incoming call cannot be decided on; the PBX takes it"),
            Err(_) => tracing::warn!(%call, "an incoming call was not decided on in time; the PBX takes it"),
        }
    }

    /// Does what is due, until `stop`. `gaps` says when the PBX can be asked after a time when nobody listened, and the
    /// Unix second in which that began.
    pub(super) async fn keep(
        &self,
        mut gaps: mpsc::Receiver<Option<u64>>,
        stop: &CancellationToken,
    ) -> Result<(), Closed> {
        let mut asked = Asking::default();
        loop {
            let due = self.exchange().due().map(|due| Duration::from_millis(due.since(now())));
            let due = due.map_or(self.config.patience.resync, |due| due.min(self.config.patience.resync));
            let wake = (Instant::now() + due).max(asked.not_before).min(asked.by(self.config.patience.resync));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.sooner.notified() => {}
                () = sleep_until(wake) => {}
                () = self.directory.notified() => asked.lists = true,
                Some(gap) = gaps.recv() => asked.listen(gap),
            }
            self.tell(Telling::Give, |exchange| exchange.tick(now())).await?;
            if Instant::now() >= asked.not_before {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    done = self.ask(&mut asked) => done?,
                }
            }
        }
    }

    /// Asks the PBX what there is to be asked.
    async fn ask(&self, asked: &mut Asking) -> Result<(), Closed> {
        if asked.lists {
            asked.lists = false;
            match self.look_up().await {
                Ok(directory) => self.tell(Telling::Give, |exchange| exchange.look_up(directory)).await?,
                Err(error) => tracing::warn!(%error, "the extensions are not known; allow the API to read them"),
            }
        }
        let (doubts, busy) = {
            let exchange = self.exchange();
            (exchange.doubts(now()), exchange.is_busy())
        };
        let every = self.config.patience.resync;
        let old = asked.last.elapsed() >= every;
        if old && matches!(self.config.events, Events::Webhook { .. }) {
            asked.suspect(every);
        }
        if !(doubts || (busy && old) || asked.gap.is_some()) {
            return Ok(());
        }
        match self.survey(asked.gap).await? {
            Ok(()) => asked.done(),
            Err(error) => {
                asked.not_before = Instant::now() + PAUSE;
                tracing::warn!(%error, "the PBX does not say which calls go on");
            }
        }
        Ok(())
    }
}

/// What the PBX is to be asked.
struct Asking {
    /// The lists of extensions and queues.
    lists: bool,
    /// Which calls go on, after a gap.
    gap: Option<Gap>,
    not_before: Instant,
    last: Instant,
    /// The Unix second in which all this began.
    began: u64,
}

impl Default for Asking {
    fn default() -> Self {
        Self { lists: false, gap: None, not_before: Instant::now(), last: Instant::now(), began: now().0 / 1000 }
    }
}

impl Asking {
    /// Somebody listens again; `since` is when that ended before.
    fn listen(&mut self, since: Option<u64>) {
        self.lists = true;
        // A gap that was not asked about yet began earlier.
        let earlier = self.gap.and_then(|gap| gap.since);
        self.gap = Some(Gap { since: since.into_iter().chain(earlier).min(), sure: true });
        self.not_before = Instant::now();
    }

    /// Posts that do not arrive are given up after some attempts, and nobody says later that there were any. So there may
    /// have been a gap since the time before the last, when records of calls that had just ended may not have been there.
    fn suspect(&mut self, every: Duration) {
        let since = (now().0 / 1000).saturating_sub(every.as_secs().saturating_mul(2)).max(self.began);
        self.gap.get_or_insert(Gap { since: Some(since), sure: false });
    }

    fn done(&mut self) {
        self.gap = None;
        self.last = Instant::now();
        // A call that the PBX cannot be sure of must not have it asked without a pause.
        self.not_before = Instant::now() + Duration::from_millis(200);
    }

    /// The latest time at which there is something to ask, as far as it is known here.
    fn by(&self, resync: Duration) -> Instant {
        if self.gap.is_some() || self.lists { self.not_before } else { self.last.max(self.not_before) + resync }
    }
}

/// The present.
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A `Result` within a `Result`: the outer error ends the work, the inner one is tried again.
pub(super) type Attempt<T> = Result<Result<T, Error>, Closed>;
