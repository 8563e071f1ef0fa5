//! From reports to accepted events: track, plan, make durable, hand over.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use hookswitch_call::{
    Call, Chain, Event, Millis, PbxName, Signal, Tracker,
    signal::{Fact, Report},
};
use hookswitch_journal::{
    CallRef, Error, Journal,
    calls::{Accepted, Receipt},
    dials::{DialId, Step},
    feed::Told,
    jobs::{Job, NewJob, State},
};
use hookswitch_pbx::Batch;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock, config::Config, dials::Ledger, dispatch::Dispatch, feed, line, metrics, news::News, plan,
    recordings::Recordings,
};

/// Ended calls are remembered this long, so that late signals are recognised as late.
const REMEMBER: u64 = 3600 * 1000;
/// Times of a PBX that are further off than this come from a clock that is wrong; the time of arrival is better.
const SKEW: u64 = 60 * 1000;
/// The journal is tried again after this while it cannot take events.
const JOURNAL_WAIT: Duration = Duration::from_secs(1);
/// How often calls without news are looked at, at the least.
const ROUND: Duration = Duration::from_secs(60);

/// The calls of one phone system on their way into the journal.
pub(crate) struct Intake {
    pbx: PbxName,
    config: Arc<Config>,
    tracker: Tracker,
    /// When there was news of a call, on a clock that never jumps.
    heard: HashMap<Chain, Instant>,
    journal: Journal,
    dispatch: Arc<Dispatch>,
    clock: Clock,
    /// How the phone system is.
    line: Arc<line::State>,
    /// Calls that were asked for.
    ledger: Arc<Ledger>,
    /// Who fetches recordings.
    recordings: Option<Arc<Recordings>>,
}

/// A call before and after a group of reports.
struct Change {
    before: Option<Call>,
    events: Vec<Event>,
    /// It is the call that was asked for.
    dial: Option<DialId>,
}

impl Intake {
    /// Goes on with the calls of `tracker`, as they were when the program stopped; `line` is told how the phone system is.
    pub(crate) fn new(
        pbx: PbxName,
        config: Arc<Config>,
        journal: Journal,
        dispatch: Arc<Dispatch>,
        tracker: Tracker,
        line: Arc<line::State>,
        clock: Clock,
    ) -> Self {
        let (wall, now) = (clock.now(), Instant::now());
        let heard = |call: &Call| now.checked_sub(Duration::from_millis(wall.since(call.changed))).unwrap_or(now);
        let open = tracker.open();
        let heard = open.iter().filter_map(|chain| Some((chain.clone(), heard(tracker.call(chain)?)))).collect();
        Self { pbx, config, tracker, heard, journal, dispatch, line, clock, ledger: Arc::default(), recordings: None }
    }

    /// Ties calls to the orders that asked for them.
    pub(crate) fn tying(self, ledger: Arc<Ledger>) -> Self {
        Self { ledger, ..self }
    }

    /// Has recordings fetched.
    pub(crate) fn recording(self, recordings: Arc<Recordings>) -> Self {
        Self { recordings: Some(recordings), ..self }
    }

    /// Takes reports until the source ends.
    pub(crate) async fn run(mut self, mut batches: mpsc::Receiver<Batch>, stop: CancellationToken) {
        let mut round =
            tokio::time::interval(ROUND.min(self.config.server.call_limit.0 / 4).max(Duration::from_millis(250)));
        loop {
            let batch = tokio::select! {
                batch = batches.recv() => batch,
                _ = round.tick() => Some(Batch { reports: Vec::new(), kept: None }),
            };
            let Some(Batch { mut reports, kept }) = batch else { return };
            let mut waiting: Vec<_> = kept.into_iter().collect();
            while let Ok(more) = batches.try_recv() {
                reports.extend(more.reports);
                waiting.extend(more.kept);
            }
            if stop.run_until_cancelled(self.take_in(reports)).await.is_none() {
                return;
            }
            for kept in waiting {
                // Whoever hung up meanwhile will say it again.
                let _ = kept.send(());
            }
        }
    }

    /// Takes in a group of reports; what follows from them is durable and handed over when it returns.
    pub(crate) async fn take_in(&mut self, group: Vec<Report>) {
        let now = self.clock.now();
        let mut changes = BTreeMap::new();
        for report in group {
            if let Report::Call(signal) | Report::Past(signal) = &report {
                self.recall(&signal.chain).await;
            }
            self.take(report, now, &mut changes);
        }
        self.give_up_silent(now, &mut changes);
        let heard = !changes.is_empty();
        self.accept(changes, now).await;
        if heard {
            self.line.heard(now, self.open_calls());
        }
        self.tracker.forget_ended(Millis(now.0.saturating_sub(REMEMBER)));
    }

    /// How many calls go on.
    pub(crate) fn open_calls(&self) -> usize {
        self.tracker.open().len()
    }

    /// Late news of a call that the tracker has forgotten, but the journal has not, belong to that call.
    async fn recall(&mut self, chain: &Chain) {
        if self.tracker.call(chain).is_some() {
            return;
        }
        let wanted = CallRef { pbx: self.pbx.clone(), chain: chain.clone() };
        match self.journal.read(move |view| view.call(&wanted)).await {
            Ok(Some(entry)) => self.tracker.remember(entry.call),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(pbx = %self.pbx, call = %chain, %error, "the journal cannot be asked for a call")
            }
        }
    }

    fn take(&mut self, report: Report, now: Millis, changes: &mut BTreeMap<Chain, Change>) {
        match report {
            Report::Call(mut signal) => {
                if signal.at.0.abs_diff(now.0) > SKEW {
                    signal.at = now;
                }
                self.track(signal, changes);
            }
            Report::Past(signal) => self.track(signal, changes),
            Report::Site(news) => {
                if self.line.told(now, &news) {
                    tracing::debug!(pbx = %self.pbx, ?news, "news of the phone system");
                }
            }
            Report::Resynced { alive, at } => {
                tracing::info!(pbx = %self.pbx, alive = alive.len(), "resynchronised");
                self.note(self.tracker.open(), changes, |tracker| tracker.reconcile(&alive, at));
            }
            Report::Connected => {
                self.line.connected(now);
                tracing::info!(pbx = %self.pbx, "connected");
            }
            // The source warns of every attempt.
            Report::Disconnected { reason } => {
                self.line.disconnected(now, &reason);
                tracing::debug!(pbx = %self.pbx, reason, "connection lost");
            }
        }
    }

    fn track(&mut self, mut signal: Signal, changes: &mut BTreeMap<Chain, Change>) {
        self.ledger.judge(&mut signal.fact);
        let other = match &signal.fact {
            Fact::Merged { into } => Some(into.clone()),
            _ => None,
        };
        let touched = [Some(signal.chain.clone()), other].into_iter().flatten().collect();
        self.note(touched, changes, |tracker| tracker.apply(signal));
    }

    /// Closes calls that have had no news for too long.
    fn give_up_silent(&mut self, now: Millis, changes: &mut BTreeMap<Chain, Change>) {
        let limit = self.config.server.call_limit.0;
        self.heard.retain(|chain, _| self.tracker.call(chain).is_some_and(Call::is_open));
        let silent: Vec<_> =
            self.heard.iter().filter(|(_, heard)| heard.elapsed() > limit).map(|(chain, _)| chain.clone()).collect();
        for chain in silent {
            tracing::warn!(pbx = %self.pbx, call = %chain, "no news for too long; closed as lost");
            self.note(vec![chain.clone()], changes, |tracker| tracker.close(&chain, now));
        }
    }

    /// Lets the tracker work on the calls `touched` and notes what came of it.
    fn note(
        &mut self,
        touched: Vec<Chain>,
        changes: &mut BTreeMap<Chain, Change>,
        work: impl FnOnce(&mut Tracker) -> Vec<Event>,
    ) {
        let before: Vec<_> = touched.into_iter().map(|chain| (self.tracker.call(&chain).cloned(), chain)).collect();
        let events = work(&mut self.tracker);
        for (before, chain) in before {
            let mut own: Vec<_> = events.iter().filter(|event| event.chain == chain).cloned().collect();
            if !own.is_empty() {
                let claim = self.tracker.call(&chain).and_then(|call| self.ledger.claim(call));
                let dial = claim.map(|claim| {
                    let at = own.last().map(|event| event.at).unwrap_or_default();
                    let tell = |fact| self.tracker.apply(Signal { chain: chain.clone(), at, fact });
                    own.extend(claim.facts.into_iter().flat_map(tell));
                    claim.id
                });
                self.heard.insert(chain.clone(), Instant::now());
                let change = changes.entry(chain).or_insert_with(|| Change { before, events: Vec::new(), dial: None });
                change.events.extend(own);
                change.dial = change.dial.or(dial);
            }
        }
    }

    /// Makes a group of changes durable together with the jobs that follow, then hands them over. Tries until the
    /// journal takes it: until then nothing more is read from the phone system.
    async fn accept(&self, changes: BTreeMap<Chain, Change>, now: Millis) {
        let tied = changes.iter().filter_map(|(chain, change)| Some((change.dial?, chain.clone()))).collect();
        let group: Vec<(Accepted, News, Vec<Told>)> =
            changes.into_iter().filter_map(|(chain, change)| self.prepare(&chain, change, now)).collect();
        if group.is_empty() {
            return;
        }
        let jobs =
            self.keep(group.iter().map(|(accepted, _, told)| (accepted.clone(), told.clone())).collect(), tied).await;
        for ((accepted, news, _), jobs) in group.into_iter().zip(jobs) {
            let call = CallRef::from(&accepted.call);
            metrics::events(self.pbx.as_str(), accepted.events.len());
            self.line.happened(&accepted.call, &accepted.events);
            for event in &accepted.events {
                tracing::info!(pbx = %self.pbx, call = %call.chain, event = event.what.name(), leg = event.leg, "event");
            }
            self.dispatch.hand_over(&call, &news, jobs);
        }
        self.dispatch.feed();
        if let Some(recordings) = &self.recordings {
            recordings.nudge();
        }
    }

    /// Commits, with the orders that are calls now; the jobs of each acceptance, in order.
    async fn keep(&self, accepted: Vec<(Accepted, Vec<Told>)>, tied: Vec<(DialId, Chain)>) -> Vec<Vec<Job>> {
        loop {
            let (group, tied, now) = (accepted.clone(), tied.clone(), self.clock.now());
            let kept = self.journal.write(move |txn| {
                for (dial, call) in tied {
                    txn.move_dial(dial, &Step::Became(call), now)?;
                }
                let receipts = txn.accept(group.iter().map(|(accepted, _)| accepted.clone()).collect())?;
                group
                    .iter()
                    .zip(receipts)
                    .map(|((accepted, told), receipt)| match receipt {
                        Receipt::Kept(ids) => {
                            feed::keep(txn, &CallRef::from(&accepted.call), told)?;
                            ids.into_iter().map(|id| txn.job(id)).filter_map(Result::transpose).collect()
                        }
                        Receipt::Repeated => {
                            let call = CallRef::from(&accepted.call);
                            let jobs = txn.jobs_of(&call)?;
                            Ok(jobs.into_iter().filter(|job| job.state == State::Waiting && job.attempt == 0).collect())
                        }
                    })
                    .collect()
            });
            match kept.await {
                Ok(jobs) => return jobs,
                Err(error @ (Error::Contradiction { .. } | Error::Misplaced { .. })) => {
                    // Trying again would not help, and would keep every other call waiting.
                    tracing::error!(pbx = %self.pbx, %error, "events contradict the journal and are left out");
                    return Vec::new();
                }
                Err(error) => {
                    tracing::error!(pbx = %self.pbx, %error, "events cannot be kept; trying again");
                    tokio::time::sleep(JOURNAL_WAIT).await;
                }
            }
        }
    }

    fn prepare(&self, chain: &Chain, change: Change, now: Millis) -> Option<(Accepted, News, Vec<Told>)> {
        let call = self.tracker.call(chain)?.clone();
        let news = News::of(&self.config, call.clone());
        let before = change.before.map(|before| News::of(&self.config, before));
        let (mut jobs, mut told) = (Vec::new(), Vec::new());
        for desk in self.dispatch.desks_of(self.pbx.as_str()) {
            told.extend(feed::told(&desk, before.as_ref(), &news, &change.events));
            let kinds = desk.with_policy(|policy| plan::jobs(before.as_ref(), &news, policy));
            jobs.extend(kinds.into_iter().map(|kind| NewJob {
                plugin: desk.name.clone(),
                kind: kind.name().to_owned(),
                recording: None,
                due: now,
            }));
        }
        let e164 = news.external.as_ref().and_then(|number| number.e164.clone());
        Some((Accepted { call, number: e164, events: change.events, jobs }, news, told))
    }
}
