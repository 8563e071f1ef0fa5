//! `hookswitch run`: everything put together, started, changed and stopped in order.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hookswitch_call::Millis;
use hookswitch_journal::{
    CallRef, Journal, RecordingId,
    calls::Filter,
    dials::Never,
    jobs::{Job, State},
};
use hookswitch_pbx::{Control, Source};
use hookswitch_runtime::Engine;
use hookswitch_web::Handler;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::{self, Clock},
    config::{self, Loaded},
    control::{self, Begun, Dialled},
    desk::{self, Desk},
    dials::{self, Ask, Ledger, Patience, Problem, never},
    dispatch::Dispatch,
    explain::{self, Asked, Explained},
    find::{self, Found},
    imprint::Imprint,
    keeper,
    keys::{Keys, SignIn},
    line::{Exchange, Line},
    metrics, news,
    recordings::{self, Done, Grant, Order, Recordings},
    reload,
    sites::Sites,
    sources,
    station::Station,
    status::{self, Status},
    updates::Updates,
    users::Association,
    web::Ways,
};

/// Most calls that go on at once.
const MOST_OPEN: u32 = 100_000;
/// What is under way at a stop may take this long to end.
const DRAIN: Duration = Duration::from_secs(5);

/// The sandbox for plugins. Untrusted components are compiled in a child process with limits.
pub(crate) fn engine(data: &Path) -> miette::Result<Engine> {
    sandbox(data, None)
}

/// The same for the authors of plugins: where one crashes is told by file and line, from the present folder.
pub(crate) fn authors_engine(data: &Path) -> miette::Result<Engine> {
    sandbox(data, std::env::current_dir().ok())
}

fn sandbox(data: &Path, sources: Option<PathBuf>) -> miette::Result<Engine> {
    let program = std::env::current_exe().map_err(|error| miette::miette!("cannot find this program: {error}"))?;
    let options = hookswitch_runtime::Options {
        data: Some(data.to_owned()),
        compiler: vec![program.into(), "compile-component".into()],
        sources,
        ..hookswitch_runtime::Options::default()
    };
    Engine::new(options).map_err(|error| miette::miette!("cannot start the sandbox: {error}"))
}

/// The running service.
pub(crate) struct Service {
    journal: Journal,
    engine: Engine,
    dispatch: Arc<Dispatch>,
    sites: Sites,
    /// Calls that phone systems were told to make.
    ledger: Arc<Ledger>,
    keys: Arc<Keys>,
    recordings: Arc<Recordings>,
    updates: Updates,
    present: Mutex<Present>,
    /// The listeners.
    ways: Mutex<Ways>,
    started: Millis,
    /// Everything that works for plugins.
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Whoever waits for the journal to take something waits no longer.
    give_up: CancellationToken,
}

/// What is configured now.
struct Present {
    loaded: Loaded,
    lines: BTreeMap<String, Line>,
}

/// What a changed configuration is made of, ready to be taken up.
struct Change {
    loaded: Loaded,
    /// Plugins that are new or changed.
    desks: Vec<Arc<Desk>>,
    /// Phone systems that are new or changed.
    lines: Vec<(String, Imprint, Box<dyn Source>)>,
}

/// Serves until `stop`.
pub(crate) async fn run(loaded: Loaded, stop: CancellationToken) -> miette::Result<()> {
    let data = loaded.resolve(&loaded.config.server.data);
    let journal = Journal::open(&data).map_err(|error| miette::miette!("{error}"))?;
    let engine = engine(&data)?;
    let keys = Keys::open(&data, &loaded).map_err(|error| miette::miette!("{error}"))?;
    let recordings = Recordings::open(&data, &journal, &keys.mask_key());
    let recordings =
        recordings.map_err(|error| miette::miette!("the folder for recordings cannot be made: {error}"))?;
    let empty = Loaded { config: Arc::default(), tables: toml::Table::new(), ..loaded.clone() };
    let service = Arc::new(Service {
        journal: journal.clone(),
        engine,
        dispatch: Arc::default(),
        sites: Sites::default(),
        ledger: Arc::default(),
        keys: Arc::new(keys),
        recordings,
        updates: Updates::new(&data),
        present: Mutex::new(Present { loaded: empty, lines: BTreeMap::new() }),
        ways: Mutex::new(Ways::new(metrics::start())),
        started: clock::now(),
        tasks: TaskTracker::new(),
        stop: stop.clone(),
        give_up: CancellationToken::new(),
    });
    service.sites.restore(&journal).await.map_err(|error| miette::miette!("cannot read the journal: {error}"))?;
    config::exposed(&loaded).iter().for_each(|line| tracing::warn!("{line}"));
    let change = service.prepare(loaded).await.map_err(|error| miette::miette!("{error}"))?;
    let left = dials::recall(&service).await.map_err(|error| miette::miette!("cannot read the journal: {error}"))?;
    service.take_up(change).await.map_err(|error| miette::miette!("cannot read the journal: {error}"))?;
    dials::resume(&service, left);
    service.open_ways().await.map_err(|error| miette::miette!("{error}"))?;
    let door = control::serve(&data, journal.clone(), service.clone(), stop.clone());
    service.tasks.spawn(door.map_err(|error| miette::miette!("{error}"))?);
    service.tasks.spawn(stop.clone().run_until_cancelled_owned(keeper::prune(service.clone())));
    service.tasks.spawn(stop.clone().run_until_cancelled_owned(service.sites.clone().keep(journal.clone())));
    service.tasks.spawn(stop.clone().run_until_cancelled_owned(reload::watch(service.clone())));
    service.tasks.spawn(recordings::run(service.clone(), stop.clone()));
    tracing::info!("serving");
    stop.cancelled().await;
    service.end().await;
    journal.close().await;
    tracing::info!("stopped");
    Ok(())
}

impl Service {
    /// The configuration that is in force.
    pub(crate) async fn loaded(&self) -> Loaded {
        self.present.lock().await.loaded.clone()
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Takes up the configuration as it is on disk now; a line for each thing that changed. If anything is wrong with it
    /// everything runs on as before.
    pub(crate) async fn reload(self: &Arc<Self>) -> Result<Vec<String>, String> {
        let path = self.present.lock().await.loaded.path.clone();
        let read = tokio::task::spawn_blocking(move || config::load(&path)).await;
        let loaded =
            read.map_err(|error| error.to_string())?.map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        let change = self.prepare(loaded).await?;
        let mut told = self.take_up(change).await.map_err(|error| format!("cannot read the journal: {error}"))?;
        told.extend(self.open_ways().await?);
        Ok(told)
    }

    /// Listens where the configuration says.
    async fn open_ways(self: &Arc<Self>) -> Result<Vec<String>, String> {
        let loaded = self.loaded().await;
        let told = self.ways.lock().await.follow(self, &loaded).await?;
        told.iter().for_each(|line| tracing::info!("{line}"));
        Ok(told)
    }

    /// The desk of an enabled plugin.
    pub(crate) fn desk(&self, plugin: &str) -> Option<Arc<Desk>> {
        Some(self.dispatch.station(plugin)?.desk())
    }

    /// The desk of a plugin, or all of them.
    fn desks(&self, plugin: Option<&str>) -> Result<Vec<Arc<Desk>>, String> {
        let all = self.dispatch.stations().into_iter().map(|station| station.desk());
        let desks: Vec<_> = all.filter(|desk| plugin.is_none_or(|name| name == desk.name)).collect();
        match (plugin, desks.as_slice()) {
            (Some(name), []) => Err(format!("the service has no plugin {name}: reload it")),
            _ => Ok(desks),
        }
    }

    /// What steers a phone system: the one that is named, or the only one.
    async fn control(&self, pbx: Option<&str>) -> Result<(String, Arc<dyn Control>), String> {
        let present = self.present.lock().await;
        let known = || present.lines.keys().cloned().collect::<Vec<_>>().join(", ");
        let (name, line) = match pbx {
            Some(pbx) => present.lines.get_key_value(pbx),
            None if present.lines.len() == 1 => present.lines.first_key_value(),
            None => return Err(format!("there are several phone systems; name one with --pbx: {}", known())),
        }
        .ok_or_else(|| format!("there is no such phone system; there are: {}", known()))?;
        let control = line.control().ok_or_else(|| format!("the phone system {name} cannot make calls for us"))?;
        Ok((name.clone(), control))
    }

    /// What steers the phone system, if it takes orders.
    pub(crate) async fn control_of(&self, pbx: &str) -> Option<Arc<dyn Control>> {
        self.present.lock().await.lines.get(pbx)?.control()
    }

    /// Whether the connection to the phone system was lost.
    pub(crate) async fn is_cut_off(&self, pbx: &str) -> bool {
        self.present.lock().await.lines.get(pbx).is_some_and(Line::is_cut_off)
    }

    /// The phone system that makes a call for the phone `from`: `pbx`, or the only one of those that `serves` allows, or the
    /// one that says that it has this phone.
    pub(crate) async fn line_for(
        &self,
        pbx: Option<&str>,
        from: Option<&str>,
        serves: impl Fn(&str) -> bool,
    ) -> Result<String, Never> {
        let present = self.present.lock().await;
        let able: Vec<_> = present
            .lines
            .iter()
            .filter(|(name, line)| line.control().is_some() && pbx.map_or_else(|| serves(name), |pbx| pbx == **name))
            .collect();
        let cannot = |text: String| Err(never(Problem::NoPhoneSystem, text));
        match able.as_slice() {
            [] => cannot("no phone system can make this call for us".to_owned()),
            [(only, _)] => Ok((*only).clone()),
            several => {
                let from = from.unwrap_or_default();
                let own: Vec<_> = several.iter().filter(|(_, line)| line.knows(from)).collect();
                match own.as_slice() {
                    [(only, _)] => Ok((*only).clone()),
                    _ => cannot(format!("which phone system the extension {from} belongs to is not known")),
                }
            }
        }
    }

    /// Ends a call, named by its id or by the CRM's, at one of the phone systems that `serves` allows; the name of the phone
    /// system.
    pub(crate) async fn end_call(&self, serves: &(dyn Fn(&str) -> bool + Sync), call: &str) -> Result<String, String> {
        let named = call.to_owned();
        let open = Filter { open_only: true, limit: MOST_OPEN, ..Filter::default() };
        let found = self.journal.read(move |view| view.find_calls(&open)).await.map_err(|error| error.to_string())?;
        let mut found = found.into_iter().map(|entry| entry.call).filter(|known| {
            serves(known.pbx.as_str())
                && (known.chain.as_str() == named
                    || known.crm_call.as_deref() == Some(named.as_str())
                    || CallRef::from(known).to_string() == named)
        });
        let (Some(found), None) = (found.next(), found.next()) else {
            return Err(format!("there is no such call, or more than one: {call}"));
        };
        let pbx = found.pbx.to_string();
        let control = self.control_of(&pbx).await;
        let control = control.ok_or_else(|| format!("the phone system {pbx} cannot end calls for us"))?;
        control.hang_up(&found.chain).await.map_err(|refused| refused.to_string())?;
        tracing::info!(pbx, call = %found.chain, "a call is ended on demand");
        Ok(pbx)
    }

    /// Calls that phone systems were told to make.
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What phone systems have recorded.
    pub(crate) fn recordings(&self) -> &Arc<Recordings> {
        &self.recordings
    }

    /// What fetches the recordings of a phone system: none if it gives none out, or is not there.
    pub(crate) async fn recordings_at(&self, pbx: &str) -> Option<Option<Arc<dyn hookswitch_pbx::Recordings>>> {
        self.present.lock().await.lines.get(pbx).map(Line::recordings)
    }

    /// The plugins.
    pub(crate) fn dispatch(&self) -> &Arc<Dispatch> {
        &self.dispatch
    }

    /// Cancelled when the service stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Does work that the stop waits for.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Opens what is new or changed, and changes nothing yet.
    async fn prepare(&self, loaded: Loaded) -> Result<Change, String> {
        let present = self.present.lock().await;
        let data = |loaded: &Loaded| loaded.resolve(&loaded.config.server.data);
        if !present.lines.is_empty() && data(&present.loaded) != data(&loaded) {
            return Err("[server] data: another folder needs a restart".to_owned());
        }
        let mut faults = Vec::new();
        let mut desks = Vec::new();
        for name in loaded.config.plugin.keys() {
            let known = self.dispatch.station(name);
            // A file that waited is looked at again once it is accepted, although nothing else has changed.
            let accepted = |desk: &Desk| desk.update.is_some() && self.updates.has_accepted(name);
            if known
                .map(|station| station.desk())
                .is_some_and(|desk| desk.imprint == desk::imprint(name, &loaded) && !accepted(&desk))
            {
                continue;
            }
            match desk::open(name, &loaded, &self.premises()).await {
                Ok(desk) => desks.push(desk),
                Err(error) => faults.push(error.to_string()),
            }
        }
        let mut lines = Vec::new();
        for name in loaded.config.pbx.keys() {
            let imprint = sources::imprint(name, &loaded);
            if present.lines.get(name).is_some_and(|line| line.imprint == imprint) {
                continue;
            }
            match sources::open(name, &loaded) {
                Ok(source) => lines.push((name.clone(), imprint, source)),
                Err(error) => faults.push(error),
            }
        }
        if faults.is_empty() { Ok(Change { loaded, desks, lines }) } else { Err(faults.join("\n")) }
    }

    fn premises(&self) -> desk::Premises<'_> {
        desk::Premises {
            engine: &self.engine,
            journal: &self.journal,
            keys: &self.keys,
            clock: Clock::World,
            sites: self.sites.clone(),
            recordings: self.recordings.clone(),
            limits: hookswitch_gate::Limits::default(),
            updates: Some(self.updates.clone()),
        }
    }

    /// Makes a change effective.
    async fn take_up(&self, change: Change) -> Result<Vec<String>, hookswitch_journal::Error> {
        let Change { loaded, desks, lines } = change;
        let mut present = self.present.lock().await;
        let mut told = Vec::new();
        for desk in self.dispatch.stations().iter().map(|station| station.desk()) {
            if !loaded.config.plugin.contains_key(&desk.name)
                && let Some(station) = self.dispatch.remove(&desk.name)
            {
                station.close();
                told.push(format!("plugin {} is disabled; its unfinished jobs are kept", desk.name));
            }
        }
        for desk in desks {
            let name = desk.name.clone();
            let of = format!("plugin {name}: {} {}", desk.manifest.title, desk.manifest.version);
            // The map of users of the last run serves until the CRM has answered.
            keeper::restore_users(&desk).await;
            match self.dispatch.station(&name) {
                Some(station) => {
                    station.replace_desk(desk);
                    told.push(format!("{of} is taken up anew"));
                }
                None => {
                    let station = Station::open(desk, &self.tasks, self.stop.child_token()).await?;
                    station.keep();
                    self.dispatch.add(&name, station);
                    told.push(format!("{of} is enabled"));
                }
            }
        }
        let gone: Vec<_> =
            present.lines.keys().filter(|name| !loaded.config.pbx.contains_key(*name)).cloned().collect();
        for name in gone {
            if let Some(line) = present.lines.remove(&name) {
                line.end().await;
                self.sites.forget(&name);
                told.push(format!("pbx {name} is disabled"));
            }
        }
        for (name, imprint, source) in lines {
            let known = present.lines.remove(&name);
            told.push(format!("pbx {name} is {}", if known.is_some() { "taken up anew" } else { "enabled" }));
            if let Some(line) = known {
                line.end().await;
            }
            let line = Line::open(&name, imprint, source, &loaded, &self.exchange()).await?;
            present.lines.insert(name, line);
        }
        present.loaded = loaded;
        // What could not be fetched may be had now.
        self.journal.write(|txn| txn.hurry_recordings(clock::now())).await?;
        self.recordings.nudge();
        told.iter().for_each(|line| tracing::info!("{line}"));
        Ok(told)
    }

    /// A sign-in of a plugin: the one that is named, or the only one.
    fn sign_in(&self, plugin: &str, handle: Option<&str>) -> Result<(Arc<Desk>, Arc<SignIn>), String> {
        let desk = self.desk(plugin).ok_or_else(|| {
            let known = self.dispatch.stations();
            let known: Vec<_> = known.iter().map(|station| station.desk().name.clone()).collect();
            format!("there is no plugin `{plugin}`; enabled are: {}", known.join(", "))
        })?;
        let all: Vec<_> = desk.sign_ins().cloned().collect();
        let handles = || all.iter().map(|sign_in| sign_in.handle()).collect::<Vec<_>>().join(", ");
        let found = match (handle, all.as_slice()) {
            (_, []) => return Err(format!("the plugin {plugin} needs no sign-in")),
            (None, [only]) => only.clone(),
            (None, _) => {
                return Err(format!(
                    "the plugin {plugin} has several sign-ins; name one with --credential: {}",
                    handles()
                ));
            }
            (Some(handle), _) => all
                .iter()
                .find(|sign_in| sign_in.handle() == handle)
                .cloned()
                .ok_or_else(|| format!("the plugin {plugin} has no sign-in `{handle}`; it has: {}", handles()))?,
        };
        Ok((desk, found))
    }

    /// What a phone system's way into the journal needs.
    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            journal: &self.journal,
            dispatch: &self.dispatch,
            sites: &self.sites,
            ledger: &self.ledger,
            recordings: &self.recordings,
            stop: &self.stop,
            give_up: &self.give_up,
        }
    }

    /// Who answers what a phone system posts; none if it posts nothing, or is not configured.
    pub(crate) async fn posts(&self, pbx: &str) -> Option<Arc<dyn Handler>> {
        self.present.lock().await.lines.get(pbx)?.posts()
    }

    /// Brings what is under way to its end, as far as it ends in time.
    async fn end(&self) {
        self.ways.lock().await.close().await;
        let lines = std::mem::take(&mut self.present.lock().await.lines);
        self.tasks.close();
        let lines = futures::future::join_all(lines.into_values().map(Line::end));
        if tokio::time::timeout(DRAIN, async { tokio::join!(lines, self.tasks.wait()) }).await.is_err() {
            tracing::warn!("work was still under way at the stop; it goes on at the next start");
            self.give_up.cancel();
        }
    }
}

#[async_trait]
impl control::Service for Service {
    async fn reload(self: Arc<Self>) -> Result<Vec<String>, String> {
        Service::reload(&self).await
    }

    async fn status(&self) -> Result<Status, String> {
        let counted = self.journal.read(|view| Ok((view.count_jobs()?, view.feeds()?))).await;
        let (counts, feeds) = counted.map_err(|error| error.to_string())?;
        let desks: Vec<_> = self.dispatch.stations().iter().map(|station| station.desk()).collect();
        let plugins = desks.iter().map(|desk| status::Plugin {
            name: desk.name.clone(),
            title: desk.manifest.title.clone(),
            version: desk.manifest.version.clone(),
            crm: desk.health.word().to_owned(),
            jobs: counts.iter().filter(|(plugin, ..)| *plugin == desk.name).fold(
                status::Jobs::default(),
                |mut jobs, (_, state, count)| {
                    match state {
                        State::Parked => jobs.parked += count,
                        _ => jobs.waiting += count,
                    }
                    jobs
                },
            ),
            feed: feeds
                .iter()
                .find(|feed| feed.plugin == desk.name)
                .filter(|_| desk.served.feed_deliver)
                .map(Into::into),
            sign_ins: desk.sign_ins().map(SignIn::status).collect(),
        });
        let present = self.present.lock().await;
        let loaded = &present.loaded;
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started,
            pbx: present.lines.iter().map(|(name, line)| line.status(name)).collect(),
            public_url: loaded.config.server.public_url.as_ref().map(|url| url.at("")),
            plugins: plugins.collect(),
        })
    }

    async fn login(&self, plugin: &str, credential: Option<&str>) -> Result<Begun, String> {
        let (_, sign_in) = self.sign_in(plugin, credential)?;
        let server = &self.loaded().await.config.server;
        let (Some(url), Some(_)) = (&server.public_url, server.listen) else {
            return Err("the CRM sends the browser back to this server after a sign-in: give [server] listen and \
                        public-url"
                .to_owned());
        };
        sign_in.begin(&url.at(&format!("/oauth/{plugin}/{}", sign_in.handle())))
    }

    async fn outcome(&self, plugin: &str, handle: &str, attempt: u64) -> Result<Option<Result<(), String>>, String> {
        Ok(self.sign_in(plugin, Some(handle))?.1.outcome(attempt))
    }

    async fn logout(&self, plugin: &str, credential: Option<&str>) -> Result<String, String> {
        let (desk, sign_in) = self.sign_in(plugin, credential)?;
        sign_in.logout(&desk.gate).await
    }

    async fn test(&self, plugin: &str) -> Result<Vec<String>, String> {
        let desk = self.desk(plugin).ok_or_else(|| format!("the service has no plugin {plugin}: reload it"))?;
        desk.test().await.map_err(|error| error.to_string())
    }

    async fn explain(&self, asked: &Asked) -> Result<Explained, String> {
        let (config, routes) = {
            let present = self.present.lock().await;
            (present.loaded.config.clone(), present.lines.get(&asked.pbx).map(Line::routes))
        };
        explain::explain(&config, &self.dispatch, routes.as_deref(), asked).await
    }

    async fn dial(self: Arc<Self>, pbx: Option<&str>, from: &str, number: &str) -> Result<Dialled, String> {
        let (name, _) = self.control(pbx).await?;
        let ask = Ask {
            origin: dials::ADMIN.to_owned(),
            key: format!("{:032x}", fastrand::u128(..)),
            alike: None,
            pbx: Some(name.clone()),
            from: Ok(from.to_owned()),
            user: None,
            number: number.to_owned(),
            line: String::new(),
            crm_call: None,
            extra: Vec::new(),
        };
        tracing::info!(pbx = %name, extension = from, "an admin has a number dialled");
        let ordered = dials::order(&self, vec![ask], Patience::None).await.map_err(|error| error.to_string())?;
        let ordered = ordered.into_iter().next().ok_or("nothing was ordered")?;
        let given = ordered.answer.await.map_err(|_| "the service stops".to_owned())?;
        given.map(|call| Dialled { pbx: name, call }).map_err(|never| never.text)
    }

    async fn hang_up(&self, pbx: Option<&str>, call: &str) -> Result<String, String> {
        self.end_call(&|name| pbx.is_none_or(|pbx| pbx == name), call).await
    }

    fn fed(&self) {
        self.dispatch.feed();
    }

    async fn released(&self, files: Vec<String>) {
        if let Err(error) = self.recordings.archive.release(&self.journal, files).await {
            tracing::error!(%error, "files of erased recordings are still there; they go with the next clearing up");
        }
    }

    async fn recordings(&self, order: Order) -> Result<Done, String> {
        let done = order.clone().carry_out(&self.recordings.archive, &self.journal, clock::now()).await?;
        tracing::info!(?order, changed = done.changed, "an admin decided about recordings");
        self.recordings.nudge();
        Ok(done)
    }

    async fn link(&self, recording: RecordingId, seconds: u64, once: bool) -> Result<String, String> {
        let server = self.loaded().await.config.clone();
        let public = server.server.public_url.as_ref();
        let public = public.ok_or("links need an address of this host: give [server] public-url")?;
        let found = self.recordings.file(&recording.to_string()).await.map_err(|error| error.to_string())?;
        let (file, call) = found.ok_or_else(|| format!("the recording {recording} is not here"))?;
        let until = Millis(clock::now().0.saturating_add(seconds.saturating_mul(1000)));
        let once = once.then(|| format!("{:032x}", fastrand::u128(..)));
        let grant = Grant { recording, part: None, until, once };
        Ok(self.recordings.url(public, &grant, &file.name(&call, &server.server.zone())))
    }

    async fn find(&self, text: &str, plugin: Option<&str>) -> Result<Vec<Found>, String> {
        if text.trim().is_empty() || text.chars().count() > find::LONGEST {
            return Err(format!("a search has 1 to {} characters", find::LONGEST));
        }
        Ok(find::find(self.desks(plugin)?, text.trim()).await)
    }

    async fn users(&self, plugin: Option<&str>, refresh: bool) -> Result<Vec<Association>, String> {
        let desks = self.desks(plugin)?;
        for desk in desks.iter().filter(|_| refresh) {
            keeper::refresh(desk)
                .await
                .map_err(|error| format!("the users of {} cannot be read: {error}", desk.name))?;
        }
        Ok(desks.iter().map(|desk| desk.users().association(&desk.name)).collect())
    }

    async fn decided(&self, jobs: Vec<Job>) {
        for job in jobs {
            let Some(station) = self.dispatch.station(&job.plugin) else { continue };
            let call = job.call.clone();
            match self.journal.read(move |view| view.call(&call)).await {
                Ok(Some(entry)) => {
                    let number = news::external(&station.desk().host, &entry.call).and_then(|number| number.e164);
                    station.decided(job, number);
                }
                Ok(None) => {}
                Err(error) => tracing::error!(job = %job.id, %error, "the call of a job cannot be read"),
            }
        }
    }
}
