//! Takes up what changes on disk: the configuration, components, certificates, secrets. By itself, and at SIGHUP.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use crate::{
    config::{Loaded, Secret},
    service::Service,
};

/// An editor or a copy writes in several steps; after the last one it must be quiet for this long.
const QUIET: Duration = Duration::from_millis(300);

/// Reloads whenever there is a reason to. Never ends.
pub(crate) async fn watch(service: Arc<Service>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("cannot listen for SIGHUP; `hookswitch reload` works");
        return;
    };
    let (changed, mut changes) = mpsc::channel(1);
    let mut files = files(&service.loaded().await);
    let mut watcher = start(files.clone(), None, changed.clone()).await;
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            _ = changes.recv() => {
                while tokio::time::timeout(QUIET, changes.recv()).await.is_ok() {}
            }
        }
        match service.reload().await {
            Ok(told) if told.is_empty() => tracing::debug!("nothing has changed"),
            Ok(_) => tracing::info!("reloaded"),
            Err(error) => tracing::error!("the changed configuration is refused, the old one stays in force:\n{error}"),
        }
        let now = self::files(&service.loaded().await);
        if now != files {
            files = now;
            watcher = start(files.clone(), watcher, changed.clone()).await;
        }
    }
}

/// The files that the configuration is made of.
fn files(loaded: &Loaded) -> BTreeSet<PathBuf> {
    let mut files = vec![loaded.path.clone()];
    for plugin in loaded.config.plugin.values() {
        files.extend(plugin.files());
        files.extend(plugin.secrets().filter_map(|secret| secret.file()));
    }
    for pbx in loaded.config.pbx.values() {
        files.extend(pbx.system.files());
        files.extend(pbx.system.secrets().into_iter().filter_map(Secret::file));
    }
    let whole = |path: PathBuf| std::path::absolute(loaded.resolve(&path)).unwrap_or(path);
    let own = std::path::absolute(&loaded.path).unwrap_or_else(|_| loaded.path.clone());
    files.into_iter().skip(1).map(whole).chain([own]).collect()
}

/// Watches the folders of `files`, in place of `before`: a file is often replaced by another of the same name. Talks to
/// the thread that listens, so it may block.
async fn start(
    files: BTreeSet<PathBuf>,
    before: Option<RecommendedWatcher>,
    changed: mpsc::Sender<()>,
) -> Option<RecommendedWatcher> {
    let watch = move || -> notify::Result<RecommendedWatcher> {
        drop(before);
        let folders: BTreeSet<_> = files.iter().filter_map(|file| file.parent().map(Path::to_owned)).collect();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if !event.kind.is_access() && event.paths.iter().any(|path| files.contains(path) || is_switch(path)) {
                // One that is waiting already covers this one.
                let _ = changed.try_send(());
            }
        })?;
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    };
    let started = tokio::task::spawn_blocking(watch).await.map_err(|error| error.to_string());
    match started.and_then(|watcher| watcher.map_err(|error| error.to_string())) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(error, "changes of files are not noticed; use `hookswitch reload` or SIGHUP");
            None
        }
    }
}

/// Mounted configurations are switched over by a link beside them whose name begins with two dots.
fn is_switch(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".."))
}
