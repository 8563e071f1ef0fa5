//! A phone system in the running service: its source, its way into the journal, and how it is.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hookswitch_call::{Call, Event, Extension, Millis, PbxName, Site, Tracker, site::News};
use hookswitch_journal::Journal;
use hookswitch_pbx::{Ability, Begin, Control, Feature, Features, Outlet, Source};
use hookswitch_web::Handler;
use jiff::{Timestamp, tz::TimeZone};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::{
    clock::{self, Clock},
    config::{Loaded, Watch},
    dials::Ledger,
    dispatch::Dispatch,
    floor::{Floor, Unavailable},
    imprint::Imprint,
    intake::Intake,
    phonebook::push::Push,
    recordings::Recordings,
    resume,
    route::Routes,
    sites::Sites,
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
    recordings: Option<Arc<dyn hookswitch_pbx::Recordings>>,
    routes: Arc<Routes>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What all lines work with.
pub(crate) struct Exchange<'a> {
    pub(crate) journal: &'a Journal,
    pub(crate) dispatch: &'a Arc<Dispatch>,
    pub(crate) sites: &'a Sites,
    /// Calls that were asked for.
    pub(crate) ledger: &'a Arc<Ledger>,
    /// What they have recorded.
    pub(crate) recordings: &'a Arc<Recordings>,
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
        let Exchange { journal, dispatch, sites, ledger, recordings: records, stop, give_up } = exchange;
        let pbx = PbxName::from(name);
        let calls = resume::calls(&pbx, loaded, journal, dispatch, clock::now()).await?;
        let open = calls.iter().filter(|call| call.is_open()).map(|call: &Call| call.chain.clone()).collect();
        let newest = newest(&pbx, journal).await?;
        let (outlet, taken) = Outlet::new(REPORTS);
        let (stop, tasks) = (stop.child_token(), TaskTracker::new());
        let span = tracing::info_span!("source", pbx = %name);
        let features = source.features();
        let recordings = source.recordings();
        let state = Arc::new(State::new(&pbx, sites));
        calls.iter().for_each(|call| state.happened(call, &[]));
        let router = Arc::new(Routes::of(name, loaded, (*dispatch).clone(), state.clone()));
        let recent = calls.clone();
        let asked = router.clone();
        let started = source.start(Begin { open, recent, newest, outlet, router: asked, stop: stop.clone() });
        tasks.spawn(started.work.instrument(span.clone()));
        let tracker = Tracker::new(pbx.clone(), calls);
        let told = features.of(Feature::RingStopped) == Ability::Yes;
        let tracker = if told { tracker.told_ring_ends() } else { tracker };
        let configured = loaded.config.pbx.get(name);
        let book = configured.and_then(|pbx| pbx.common.phonebook.clone());
        if let Some((config, phonebook)) = book.zip(started.phonebook) {
            let push = Push { config, phonebook, journal: (*journal).clone(), dispatch: (*dispatch).clone() };
            tasks.spawn(stop.clone().run_until_cancelled_owned(push.run().instrument(span.clone())));
        }
        let (config, journal, dispatch) = (loaded.config.clone(), (*journal).clone(), (*dispatch).clone());
        let intake = Intake::new(pbx, config, journal, dispatch, tracker, state.clone(), Clock::World);
        let intake = intake.tying((*ledger).clone()).recording((*records).clone());
        tasks.spawn(intake.run(taken, (*give_up).clone()));
        if let Some(watch) = configured.and_then(|pbx| pbx.common.watch.clone()) {
            let zone = loaded.config.server.zone();
            tasks
                .spawn(stop.clone().run_until_cancelled_owned(watch_over(state.clone(), watch, zone).instrument(span)));
        }
        tasks.close();
        let kind = configured.map_or("", |pbx| pbx.kind);
        let (posts, control) = (started.posts, started.control);
        Ok(Self { imprint, kind, features, state, posts, control, recordings, routes: router, stop, tasks })
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

    /// Fetches its recordings, if it gives any out.
    pub(crate) fn recordings(&self) -> Option<Arc<dyn hookswitch_pbx::Recordings>> {
        self.recordings.clone()
    }

    /// Says where its callers go.
    pub(crate) fn routes(&self) -> Arc<Routes> {
        self.routes.clone()
    }

    /// Whether the connection to it was lost.
    pub(crate) fn is_cut_off(&self) -> bool {
        matches!(self.state.now().connection, Connection::Lost(..))
    }

    /// Whether it says that it has this extension.
    pub(crate) fn knows(&self, extension: &str) -> bool {
        self.state.now().site.stations().any(|(known, _)| known.as_str() == extension)
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
    let pbx = pbx.clone();
    journal.read(move |view| view.newest_call(pbx.as_str())).await
}

/// How a phone system is, as its source tells.
pub(crate) struct State {
    pbx: PbxName,
    sites: Sites,
    now: Mutex<Now>,
}

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
    floor: Floor,
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
    /// Nothing is known yet; whom the phone system knows is told to `sites`.
    pub(crate) fn new(pbx: &PbxName, sites: &Sites) -> Self {
        Self { pbx: pbx.clone(), sites: sites.clone(), now: Mutex::default() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Something happened to a call.
    pub(crate) fn happened(&self, call: &Call, events: &[Event]) {
        self.now().floor.hear(call, events);
    }

    /// Why `extension` can take no call at `at`, if it is so.
    pub(crate) fn why_not(&self, extension: &Extension, at: Millis, rest: Duration) -> Option<Unavailable> {
        let now = self.now();
        now.floor.why_not(extension, &now.site, at, millis(rest))
    }

    /// Of `extensions` those that can take a call, who has been idle longest first.
    pub(crate) fn longest_idle(&self, extensions: &[Extension], at: Millis, rest: Duration) -> Vec<Extension> {
        let now = self.now();
        now.floor.longest_idle(extensions, &now.site, at, millis(rest))
    }

    /// Something was said of the phone system itself; whether it changes anything.
    pub(crate) fn told(&self, at: Millis, news: &News) -> bool {
        let mut now = self.now();
        (now.heard, now.silent) = (Some(at), false);
        self.sites.hear(self.pbx.as_str(), news);
        now.site.apply(news)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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
