//! Takes up what changes on disk: the configuration, components, certificates, secrets. By itself, and at SIGHUP.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify_debouncer_full::{
    DebounceEventResult, Debouncer, RecommendedCache, new_debouncer,
    notify::{self, RecommendedWatcher, RecursiveMode},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use crate::{config::Loaded, service::Service};

/// An editor or a copy writes in several steps; after the last one it must be quiet for this long.
const QUIET: Duration = Duration::from_millis(300);

type Watcher = Debouncer<RecommendedWatcher, RecommendedCache>;

/// Reloads whenever there is a reason to. Never ends.
pub(crate) async fn watch(service: Arc<Service>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("cannot listen for SIGHUP; `hookswitch reload` works");
        return;
    };
    let (changed, mut changes) = mpsc::channel(1);
    let mut files = files(&service.loaded().await);
    let mut watcher = start(&files, &changed);
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            _ = changes.recv() => {}
        }
        match service.reload().await {
            Ok(told) if told.is_empty() => tracing::debug!("nothing has changed"),
            Ok(_) => tracing::info!("reloaded"),
            Err(error) => tracing::error!("the changed configuration is refused, the old one stays in force:\n{error}"),
        }
        let now = self::files(&service.loaded().await);
        if now != files {
            // The old one must have stopped before another looks at the same folders.
            drop(watcher);
            files = now;
            watcher = start(&files, &changed);
        }
    }
}

/// The files that the configuration is made of.
fn files(loaded: &Loaded) -> BTreeSet<PathBuf> {
    let mut files = vec![loaded.path.clone()];
    for plugin in loaded.config.plugin.values() {
        files.push(plugin.component.clone());
        files.extend(plugin.allow.ca_file.clone());
        files.extend(plugin.credentials.values().filter_map(|credential| credential.secret()?.file()));
    }
    for pbx in loaded.config.pbx.values() {
        files.extend(pbx.ca_file.clone());
        files.extend(pbx.secret.file());
    }
    let whole = |path: PathBuf| std::path::absolute(loaded.resolve(&path)).unwrap_or(path);
    let own = std::path::absolute(&loaded.path).unwrap_or_else(|_| loaded.path.clone());
    files.into_iter().skip(1).map(whole).chain([own]).collect()
}

/// Watches the folders of `files`: a file is often replaced by another of the same name.
fn start(files: &BTreeSet<PathBuf>, changed: &mpsc::Sender<()>) -> Option<Watcher> {
    let watch = || -> notify::Result<Watcher> {
        let (mine, changed) = (files.clone(), changed.clone());
        let mut watcher = new_debouncer(QUIET, None, move |result: DebounceEventResult| {
            let events = result.unwrap_or_default();
            let touched = |event: &notify::Event| {
                !event.kind.is_access() && event.paths.iter().any(|path| mine.contains(path) || is_switch(path))
            };
            if events.iter().any(|event| touched(event)) {
                // One that is waiting already covers this one.
                let _ = changed.try_send(());
            }
        })?;
        let folders: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    };
    match watch() {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(%error, "changes of files are not noticed; use `hookswitch reload` or SIGHUP");
            None
        }
    }
}

/// Mounted configurations are switched over by a link beside them whose name begins with two dots.
fn is_switch(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".."))
}
