//! One play of a scenario: the program as it runs in production, with a story in place of the phone system.
//!
//! A play may have several lives: where the host is to die, everything in memory is dropped, and the next life finds what
//! is on disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hookswitch_call::{
    Millis, PbxName, Tracker,
    signal::{Report, Signal},
};
use hookswitch_gate::Limits;
use hookswitch_journal::{
    CallRef, Journal,
    feed::Feed,
    jobs::{Job, JobFilter},
    runs::{Request, Run},
    storage,
};
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{
    Kit,
    beat::{self, Beat},
    crm::{Crm, Seen},
    judge,
    log::Log,
    scenario::Scenario,
    scene::Scene,
    single,
    trouble::Trouble,
    wiring::{PBX, PLUGIN},
};
use crate::{
    clock::Clock,
    config::Loaded,
    desk::{self, Desk, Premises},
    dispatch::Dispatch,
    dossier::Dossier,
    intake::Intake,
    keeper,
    keys::Keys,
    line,
    recordings::Recordings,
    resume,
    sites::Sites,
    station::Station,
};

/// When every story begins: 2026-03-02 09:00:00 UTC, in Unix milliseconds.
const BEGIN: u64 = 1_772_442_000_000;
/// What a play may take, of the world's time.
const PATIENCE: Duration = Duration::from_secs(30);
/// So often what has to come before the first call is tried.
const PREPARATIONS: usize = 3;
/// The wait between such tries, as the program waits.
const AGAIN: Duration = Duration::from_secs(30);
/// Tasks that are ready to go on have done so after so many turns.
const TURNS: usize = 64;

/// What a play came to.
#[derive(Debug, Default)]
pub(crate) struct Play {
    /// What was asked of the CRM.
    pub(crate) seen: Vec<Seen>,
    /// How often each exchange was asked.
    pub(crate) asked: Vec<u32>,
    /// The jobs of the calls, in order.
    pub(crate) jobs: Vec<Job>,
    /// Everything that the plugin did, in order.
    pub(crate) runs: Vec<(Run, Vec<Request>)>,
    /// How the plugin's feed stands at the end, if it has one.
    pub(crate) feed: Option<Feed>,
    /// What the CRM knows of the last call.
    pub(crate) dossier: Dossier,
    /// Where the card of a call was when everything had settled, by the number of beats that had been told.
    pub(crate) cards: BTreeMap<usize, Cards>,
    /// The users on whose screens the card of a call may be at the end, as far as the host knows.
    pub(crate) left: BTreeSet<String>,
    /// Whether all calls are over at the end.
    pub(crate) over: bool,
    /// What the plugin stored, of what the scenario asks for.
    pub(crate) stored: Vec<(String, Option<Value>)>,
    /// The log's lines.
    pub(crate) log: Vec<String>,
    /// What single functions came to.
    pub(crate) singles: Vec<single::Came>,
    /// Why the CRM is not asked any more before somebody does something, if it is so.
    pub(crate) held: Option<&'static str>,
    /// Why the play broke off.
    pub(crate) broken: Option<String>,
    /// How long it took, of the world's time.
    pub(crate) took: Duration,
}

/// Where the card of a call is at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Cards {
    /// The event before that moment.
    pub(crate) after: String,
    /// The CRM users who see it, as far as the scenario says.
    pub(crate) users: BTreeSet<String>,
}

impl Kit {
    /// Plays a scenario, with one trouble or none.
    pub(crate) fn play(&self, scenario: &Scenario, trouble: Option<Trouble>) -> Play {
        let began = Instant::now();
        let log = Log::default();
        let subscriber = tracing_subscriber::registry().with(
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_target(false)
                .without_time()
                .with_writer(log.clone()),
        );
        let mut play = tracing::subscriber::with_default(subscriber, || self.stage(scenario, trouble))
            .unwrap_or_else(|broken| Play { broken: Some(broken), ..Play::default() });
        play.log = log.lines();
        play.took = began.elapsed();
        play
    }

    fn stage(&self, scenario: &Scenario, trouble: Option<Trouble>) -> Result<Play, String> {
        let Scene { crm, loaded, .. } = &self.scene(scenario, trouble)?;
        let beats = beat::of(scenario)?;
        let at = Arc::new(AtomicU64::new(BEGIN));
        let mut telling = Telling { beats: &beats, told: 0, at: at.clone(), crm: crm.clone(), cards: BTreeMap::new() };
        let mut died = false;
        let mut singles = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let came = runtime.block_on(async {
                let life = Life::begin(self, loaded, Clock::Story(at.clone()), deadline, true);
                let live = async {
                    let mut life = life.await?;
                    life.live(&mut telling, deadline).await?;
                    if telling.told == beats.len() && singles.is_empty() {
                        singles = single::all(&life.desk, &scenario.runs).await;
                    }
                    life.end(scenario, crm).await
                };
                tokio::select! {
                    biased;
                    // Once: what comes afterwards is another life.
                    () = crm.death().cancelled(), if !died => None,
                    play = live => Some(play),
                }
            });
            // Whatever was under way ends here, in the midst of it.
            drop(runtime);
            match came {
                None => died = true,
                Some(play) => {
                    let mut play = play?;
                    play.singles = singles;
                    play.cards = telling.cards;
                    return Ok(play);
                }
            }
        }
    }
}

/// How far a story has been told, in all lives.
struct Telling<'a> {
    beats: &'a [Beat],
    told: usize,
    /// The story's time.
    at: Arc<AtomicU64>,
    crm: Arc<Crm>,
    cards: BTreeMap<usize, Cards>,
}

impl Telling<'_> {
    /// Goes on to the next beat.
    fn next(&self) -> Option<Vec<Report>> {
        let beat = self.beats.get(self.told)?;
        let at = Millis(self.at.fetch_add(beat.after, Ordering::Relaxed) + beat.after);
        let signals = beat.signals.iter().cloned();
        Some(signals.map(|(chain, fact)| Report::Call(Signal { chain, at, fact })).collect())
    }

    /// Notes where the cards are.
    fn look_at_cards(&mut self) {
        let before = self.told.checked_sub(1).and_then(|before| self.beats.get(before));
        let after = before.map_or_else(|| "the start".to_owned(), |beat| beat.name.clone());
        self.cards.insert(self.told, Cards { after, users: self.crm.cards() });
    }
}

/// The host from one start to its end.
pub(super) struct Life {
    pub(super) journal: Journal,
    pub(super) desk: Arc<Desk>,
    station: Arc<Station>,
    intake: Intake,
    stop: CancellationToken,
}

impl Life {
    /// `prepare`: as after a start, which asks the CRM for facts and users.
    pub(super) async fn begin(
        kit: &Kit,
        loaded: &Loaded,
        clock: Clock,
        deadline: Instant,
        prepare: bool,
    ) -> Result<Self, String> {
        let data = loaded.resolve(&loaded.config.server.data);
        let journal = open(&data, deadline).await?;
        let keys = Keys::empty(&data).map_err(|error| error.to_string())?;
        let second = Duration::from_secs(1);
        let limits =
            Limits { first_byte: second, silence: second, total: second, longest: second, ..Limits::default() };
        let premises = Premises {
            engine: &kit.engine,
            journal: &journal,
            keys: &keys,
            clock: clock.clone(),
            sites: Sites::default(),
            recordings: Recordings::at(&data, &journal, &keys.mask_key()),
            limits,
            updates: None,
        };
        let desk = desk::open(PLUGIN, loaded, &premises).await.map_err(|error| error.to_string())?;
        keeper::restore_users(&desk).await;
        let dispatch = Arc::new(Dispatch::default());
        let preparations = if prepare { PREPARATIONS } else { 0 };
        for _ in 0..preparations {
            match keeper::prepare(&desk).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%error, "plugin not prepared"),
            }
            tokio::time::sleep(clock.wait(AGAIN)).await;
        }
        for _ in 0..preparations {
            match keeper::refresh(&desk).await {
                Ok(_) => break,
                Err(error) => tracing::warn!(%error, "map of users not refreshed"),
            }
            tokio::time::sleep(clock.wait(AGAIN)).await;
        }
        let stop = CancellationToken::new();
        let station = Station::open(desk.clone(), &TaskTracker::new(), stop.clone()).await.map_err(said)?;
        dispatch.add(PLUGIN, station.clone());
        let pbx = PbxName::from(PBX);
        let calls = resume::calls(&pbx, loaded, &journal, &dispatch, clock.now()).await.map_err(said)?;
        let tracker = Tracker::new(pbx.clone(), calls).told_ring_ends();
        let line = Arc::new(line::State::new(&pbx, &Sites::default()));
        let config = loaded.config.clone();
        let intake = Intake::new(pbx, config, journal.clone(), dispatch, tracker, line, clock);
        Ok(Self { journal, desk, station, intake, stop })
    }

    /// Tells the rest of the story; each beat is told when everything has settled that followed from the one before.
    async fn live(&mut self, telling: &mut Telling<'_>, deadline: Instant) -> Result<(), String> {
        self.settle(deadline).await?;
        telling.look_at_cards();
        while let Some(reports) = telling.next() {
            self.intake.take_in(reports).await;
            telling.told += 1;
            self.settle(deadline).await?;
            telling.look_at_cards();
        }
        Ok(())
    }

    /// Waits until nobody does anything any more.
    async fn settle(&self, deadline: Instant) -> Result<(), String> {
        loop {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            let found = self.journal.read(|view| Ok((view.backlog(PLUGIN)?, view.feed(PLUGIN)?))).await;
            let (jobs, feed) = found.map_err(said)?;
            let feeding = feed.is_some_and(|feed| feed.waiting > 0 && !feed.held);
            let held = self.desk.health.needs_somebody();
            // A call that is over has cases only as long as there is something to do.
            let calls_over = self.intake.open_calls() == 0;
            let working = !self.station.is_idle() || ((!jobs.is_empty() || feeding) && !held);
            if !working && (held || !calls_over || !self.station.has_cases()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "the plugin's work did not come to an end within {} s; {} jobs are left",
                    PATIENCE.as_secs(),
                    jobs.len()
                ));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Looks at what there is at the end.
    async fn end(self, scenario: &Scenario, crm: &Crm) -> Result<Play, String> {
        let keys: Vec<String> = scenario.expect.storage.keys().cloned().collect();
        let now = self.desk.clock.now();
        let call = |number| CallRef { pbx: PbxName::from(PBX), chain: beat::chain(number) };
        let last = call(scenario.calls.len().saturating_sub(1));
        let calls: Vec<CallRef> = (0..scenario.calls.len()).map(call).collect();
        // What nobody waited for, like the end of a run, is seen by readers after this.
        self.journal.apply(|_| Ok(())).await.map_err(said)?;
        let found = self.journal.read(move |view| {
            let filter = JobFilter { limit: 10_000, ..JobFilter::default() };
            let mut jobs = view.list_jobs(&filter)?;
            jobs.reverse();
            let mut runs = Vec::new();
            for run in view.all_runs()? {
                let requests = view.requests_of(run.begun.id)?;
                runs.push((run, requests));
            }
            let mut stored = Vec::new();
            for name in keys {
                let scope = storage::Scope::Plugin;
                let of_plugin = storage::Key { plugin: PLUGIN.to_owned(), scope, name: name.clone() };
                let scope = storage::Scope::Call(last.clone());
                let of_call = storage::Key { plugin: PLUGIN.to_owned(), scope, name: name.clone() };
                let entry = match view.get(&of_plugin, now)? {
                    None => view.get(&of_call, now)?,
                    found => found,
                };
                stored.push((name, entry.map(|entry| judge::stored(entry.value))));
            }
            let dossier = Dossier::read(view.dossier(&last, PLUGIN)?);
            let mut left = BTreeSet::new();
            for call in &calls {
                left.extend(Dossier::read(view.dossier(call, PLUGIN)?).shown);
            }
            Ok((jobs, view.feed(PLUGIN)?, runs, stored, dossier, left))
        });
        let (jobs, feed, runs, stored, dossier, left) = found.await.map_err(said)?;
        let held = Some(self.desk.health.word()).filter(|_| self.desk.health.needs_somebody());
        let over = self.intake.open_calls() == 0;
        self.stop.cancel();
        self.journal.close().await;
        let (seen, asked) = (crm.seen(), crm.asked());
        Ok(Play { seen, asked, jobs, feed, runs, dossier, left, over, stored, held, ..Play::default() })
    }
}

/// Opens the journal, as soon as the life before has let it go.
async fn open(data: &Path, deadline: Instant) -> Result<Journal, String> {
    loop {
        match Journal::open(data) {
            Ok(journal) => return Ok(journal),
            Err(error) if Instant::now() > deadline => return Err(error.to_string()),
            Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
