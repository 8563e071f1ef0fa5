//! `hookswitch run`: everything put together, started and stopped in order.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use hookswitch_call::{Call, Millis, PbxName};
use hookswitch_journal::{CallRef, Journal, jobs};
use hookswitch_runtime::Engine;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::{
    clock,
    config::Loaded,
    desk,
    dispatch::Dispatch,
    intake::{self, Intake},
    keeper, plan, sources,
};

/// What is under way at a stop may take this long to end.
const DRAIN: Duration = Duration::from_secs(5);
/// Calls that ended this long before the start are still known, in case late news of them come.
const REMEMBER: u64 = 3600 * 1000;
/// Groups of reports that may wait between a source and the journal.
const REPORTS: usize = 256;

/// The sandbox for plugins. Untrusted components are compiled in a child process with limits.
pub(crate) fn engine(data: &Path) -> miette::Result<Engine> {
    let program = std::env::current_exe().map_err(|error| miette::miette!("cannot find this program: {error}"))?;
    let options = hookswitch_runtime::Options {
        data: Some(data.to_owned()),
        compiler: vec![program.into(), "compile-component".into()],
        ..hookswitch_runtime::Options::default()
    };
    Engine::new(options).map_err(|error| miette::miette!("cannot start the sandbox: {error}"))
}

/// Serves until `stop`.
pub(crate) async fn run(loaded: Loaded, stop: CancellationToken) -> miette::Result<()> {
    let data = loaded.resolve(&loaded.config.server.data);
    let journal = Journal::open(&data).map_err(|error| miette::miette!("{error}"))?;
    let engine = engine(&data)?;
    let mut desks = Vec::new();
    for name in loaded.config.plugin.keys() {
        let desk = desk::open(name, &loaded, &engine, &journal).await.map_err(|error| miette::miette!("{error}"))?;
        tracing::info!(plugin = %name, title = desk.manifest.title, version = desk.manifest.version, "plugin enabled");
        desks.push(desk);
    }
    let tasks = TaskTracker::new();
    for desk in &desks {
        // The map of users of the last run serves until the CRM has answered.
        keeper::restore_users(desk).await;
        tasks.spawn(stop.clone().run_until_cancelled_owned(keeper::keep(desk.clone())));
    }
    tasks.spawn(stop.clone().run_until_cancelled_owned(keeper::prune(journal.clone(), loaded.config.server.keep.0)));
    let dispatch = Arc::new(Dispatch::new(desks, stop.clone()));
    for name in loaded.config.pbx.keys() {
        let pbx = PbxName::from(name.as_str());
        let calls = resume(&pbx, &loaded, &journal, &dispatch).await?;
        let (reports, taken) = mpsc::channel(REPORTS);
        let source = sources::open(name, &loaded).map_err(|error| miette::miette!("{error}"))?;
        let span = tracing::info_span!("source", pbx = %name);
        tasks.spawn(source.run(reports, stop.clone()).instrument(span));
        let intake = Intake::new(pbx, loaded.config.clone(), journal.clone(), dispatch.clone(), calls);
        tasks.spawn(intake.run(taken, stop.clone()));
    }
    tracing::info!(pbx = loaded.config.pbx.len(), plugins = loaded.config.plugin.len(), "serving");
    stop.cancelled().await;
    dispatch.drain(DRAIN).await;
    tasks.close();
    tasks.wait().await;
    journal.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Picks up the calls and jobs of the last run; returns the calls for the tracker.
async fn resume(pbx: &PbxName, loaded: &Loaded, journal: &Journal, dispatch: &Dispatch) -> miette::Result<Vec<Call>> {
    let fail = |error: hookswitch_journal::Error| miette::miette!("cannot read the journal: {error}");
    let since = Millis(clock::now().0.saturating_sub(REMEMBER));
    let name = pbx.clone();
    let (calls, jobs) = journal
        .read(move |view| {
            let jobs = view.unfinished_jobs()?.into_iter().filter(|job| job.state != jobs::State::Parked);
            Ok((view.open_calls(&name, since)?, jobs.filter(|job| job.call.pbx == name).collect::<Vec<_>>()))
        })
        .await
        .map_err(fail)?;
    let open = calls.iter().filter(|call| call.is_open()).map(CallRef::from);
    let unfinished: BTreeSet<CallRef> = open.chain(jobs.iter().map(|job| job.call.clone())).collect();
    if !unfinished.is_empty() {
        tracing::info!(pbx = %pbx, calls = unfinished.len(), jobs = jobs.len(), "going on with the work of the last run");
    }
    for key in unfinished {
        let wanted = key.clone();
        let Some(entry) = journal.read(move |view| view.call(&wanted)).await.map_err(fail)? else { continue };
        if plan::concerns(&entry.call) {
            let own = jobs.iter().filter(|job| job.call == key).cloned().collect();
            dispatch.hand_over(&key, &intake::news(&loaded.config, entry.call), own);
        }
    }
    Ok(calls)
}
