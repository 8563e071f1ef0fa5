//! A phone system in the running service: its source, its way into the journal, and how it is.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hookswitch_call::{Call, Millis, PbxName, Site, Tracker, site::News};
use hookswitch_journal::{Journal, calls::Filter};
use hookswitch_pbx::{Ability, Begin, Control, Feature, Features, Outlet, Source};
use hookswitch_web::Handler;
use jiff::{Timestamp, tz::TimeZone};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::{
    clock::{self, Clock},
    config::{Loaded, Watch},
    dispatch::Dispatch,
    imprint::Imprint,
    intake::Intake,
    resume,
    route::Table,
    status,
};

/// Batches of reports that may wait between a source and the journal.
const REPORTS: usize = 256;
/// How often it is looked whether a phone system is silent.
const LOOK: Duration = Duration::from_secs(30);

/// A phone system in the running service.
pub(crate) struct Line {
    pub(crate) imprint: Imprint,
    kind: &'static str,
    features: Features,
    state: Arc<State>,
    posts: Option<Arc<dyn Handler>>,
    control: Option<Arc<dyn Control>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What all lines work with.
pub(crate) struct Exchange<'a> {
    pub(crate) journal: &'a Journal,
    pub(crate) dispatch: &'a Arc<Dispatch>,
    /// Ends the lines.
    pub(crate) stop: &'a CancellationToken,
    /// Ends their waiting for a journal that takes nothing.
    pub(crate) give_up: &'a CancellationToken,
}

impl Line {
    /// Goes on with the calls of the last run, and begins to listen.
    ///
    /// # Errors
    ///
    /// Those of the journal.
    pub(crate) async fn open(
        name: &str,
        imprint: Imprint,
        source: Box<dyn Source>,
        loaded: &Loaded,
        exchange: &Exchange<'_>,
    ) -> Result<Self, hookswitch_journal::Error> {
        let Exchange { journal, dispatch, stop, give_up } = exchange;
        let pbx = PbxName::from(name);
        let calls = resume::calls(&pbx, loaded, journal, dispatch, clock::now()).await?;
        let open = calls.iter().filter(|call| call.is_open()).map(|call: &Call| call.chain.clone()).collect();
        let newest = newest(&pbx, journal).await?;
        let (outlet, taken) = Outlet::new(REPORTS);
        let (stop, tasks) = (stop.child_token(), TaskTracker::new());
        let span = tracing::info_span!("source", pbx = %name);
        let features = source.features();
        let router = Arc::new(Table::of(name, loaded));
        let recent = calls.clone();
        let started = source.start(Begin { open, recent, newest, outlet, router, stop: stop.clone() });
        tasks.spawn(started.work.instrument(span.clone()));
        let state = Arc::new(State::default());
        let tracker = Tracker::new(pbx.clone(), calls);
        let told = features.of(Feature::RingStopped) == Ability::Yes;
        let tracker = if told { tracker.told_ring_ends() } else { tracker };
        let (config, journal, dispatch) = (loaded.config.clone(), (*journal).clone(), (*dispatch).clone());
        let intake = Intake::new(pbx, config, journal, dispatch, tracker, state.clone(), Clock::World);
        tasks.spawn(intake.run(taken, (*give_up).clone()));
        let configured = loaded.config.pbx.get(name);
        if let Some(watch) = configured.and_then(|pbx| pbx.common.watch.clone()) {
            let zone = loaded.config.server.zone();
            tasks
                .spawn(stop.clone().run_until_cancelled_owned(watch_over(state.clone(), watch, zone).instrument(span)));
        }
        tasks.close();
        let kind = configured.map_or("", |pbx| pbx.kind);
        Ok(Self { imprint, kind, features, state, posts: started.posts, control: started.control, stop, tasks })
    }

    /// Stops, after everything that was heard has been written down.
    pub(crate) async fn end(self) {
        let Self { posts, control, stop, tasks, .. } = self;
        stop.cancel();
        // They hold ways to report.
        drop((posts, control));
        tasks.wait().await;
    }

    /// Answers what the phone system posts.
    pub(crate) fn posts(&self) -> Option<Arc<dyn Handler>> {
        self.posts.clone()
    }

    /// Steers the phone system.
    pub(crate) fn control(&self) -> Option<Arc<dyn Control>> {
        self.control.clone()
    }

    /// How it is.
    pub(crate) fn status(&self, name: &str) -> status::Pbx {
        let now = self.state.now();
        let (word, since, reason) = match &now.connection {
            Connection::Never => ("waiting", None, None),
            Connection::Stands(since) if now.silent => ("silent", Some(*since), None),
            Connection::Stands(since) => ("connected", Some(*since), None),
            Connection::Lost(since, why) => ("disconnected", Some(*since), Some(why.clone())),
        };
        status::Pbx {
            name: name.to_owned(),
            kind: self.kind.to_owned(),
            state: word.to_owned(),
            since,
            reason,
            heard: now.heard,
            calls: now.calls,
            features: self
                .features
                .all()
                .map(|(feature, ability)| (feature.name().to_owned(), ability.to_string()))
                .collect(),
            extensions: now.site.clone(),
        }
    }
}

/// When the newest call of `pbx` began that the journal knows.
async fn newest(pbx: &PbxName, journal: &Journal) -> Result<Option<Millis>, hookswitch_journal::Error> {
    let filter = Filter { pbx: Some(pbx.clone()), parts: true, limit: 1, ..Filter::default() };
    let found = journal.read(move |view| view.find_calls(&filter)).await?;
    Ok(found.first().map(|entry| entry.call.started))
}

/// How a phone system is, as its source tells.
#[derive(Default)]
pub(crate) struct State(Mutex<Now>);

#[derive(Default)]
struct Now {
    connection: Connection,
    /// When it last said something.
    heard: Option<Millis>,
    /// Whether it has said nothing for too long.
    silent: bool,
    /// How many calls go on.
    calls: usize,
    site: Site,
}

#[derive(Default)]
enum Connection {
    /// Not yet.
    #[default]
    Never,
    /// Since when.
    Stands(Millis),
    /// Since when, and why.
    Lost(Millis, String),
}

impl State {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection stands.
    pub(crate) fn connected(&self, at: Millis) {
        self.now().connection = Connection::Stands(at);
    }

    /// The connection is gone.
    pub(crate) fn disconnected(&self, at: Millis, why: &str) {
        self.now().connection = Connection::Lost(at, why.to_owned());
    }

    /// Something was said of calls; so many go on.
    pub(crate) fn heard(&self, at: Millis, calls: usize) {
        let mut now = self.now();
        (now.heard, now.calls, now.silent) = (Some(at), calls, false);
    }

    /// Something was said of the phone system itself; whether it changes anything.
    pub(crate) fn told(&self, at: Millis, news: &News) -> bool {
        let mut now = self.now();
        (now.heard, now.silent) = (Some(at), false);
        now.site.apply(news)
    }
}

/// Raises an alarm where the phone system is connected and says nothing in working hours.
async fn watch_over(state: Arc<State>, watch: Watch, zone: TimeZone) {
    loop {
        tokio::time::sleep(LOOK.min(watch.silence.0 / 2).max(Duration::from_millis(50))).await;
        let at = clock::now();
        let mut now = state.now();
        let Connection::Stands(since) = now.connection else { continue };
        let heard = now.heard.map_or(since, |heard| heard.max(since));
        let begun = working_since(&watch, &zone, at);
        let silent = begun.is_some_and(|begun| u128::from(at.since(heard.max(begun))) >= watch.silence.0.as_millis());
        if silent && !now.silent {
            tracing::warn!(
                silent_s = at.since(heard) / 1000,
                "the phone system is connected and says nothing in working hours: are its events sent here, and all trunks \
                 up?"
            );
        }
        now.silent = silent;
    }
}

/// When the present working hours began; none where nobody works now.
fn working_since(watch: &Watch, zone: &TimeZone, at: Millis) -> Option<Millis> {
    let now = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?.to_zoned(zone.clone());
    let works = watch.days.iter().any(|day| day.weekday() == now.weekday());
    if !works || now.time() < watch.from || now.time() >= watch.to {
        return None;
    }
    let begun = now.date().to_datetime(watch.from).to_zoned(zone.clone()).ok()?.timestamp().as_millisecond();
    u64::try_from(begun).ok().map(Millis)
}
