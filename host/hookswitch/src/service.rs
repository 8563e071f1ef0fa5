//! `hookswitch run`: everything put together, started, changed and stopped in order.

mod admin;
mod change;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hookswitch_call::Millis;
use hookswitch_journal::{CallRef, Journal, calls::Filter, dials::Never};
use hookswitch_pbx::Control;
use hookswitch_runtime::Engine;
use hookswitch_web::Handler;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::change::not_served;
use crate::{
    clock,
    config::{self, Loaded},
    control,
    desk::Desk,
    dials::{self, Ledger, Problem, never},
    dispatch::Dispatch,
    keeper,
    keys::Keys,
    line::Line,
    metrics,
    recordings::{self, Recordings},
    reload,
    sites::Sites,
    updates::Updates,
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
