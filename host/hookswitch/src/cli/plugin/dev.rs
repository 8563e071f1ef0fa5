//! `hookswitch plugin dev`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc,
    time::Duration,
};

use clap::Args;
use notify::{RecursiveMode, Watcher as _};

use super::{
    super::{Common, output},
    build,
    project::{FILE, Project},
    test,
};

/// Build and test the plugin of this folder whenever one of its files changes. Ctrl-C ends it.
#[derive(Debug, Args)]
pub(in super::super) struct Options {
    /// Play those scenarios only whose name contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// Editors write several times; it begins when there is quiet.
const QUIET: Duration = Duration::from_millis(150);

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let (changed, changes) = mpsc::channel();
    let project = Project::find(None)?;
    let made = std::path::absolute(&project.component).unwrap_or_else(|_| project.component.clone());
    let is_script = project.build.is_none();
    let wanted = move |path: &PathBuf| {
        let made_by_build = !is_script && path.starts_with(&made);
        !made_by_build
            && !path
                .components()
                .any(|part| ["target", "node_modules", ".git"].iter().any(|name| part.as_os_str() == *name))
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(&wanted)) {
            let _ = changed.send(());
        }
    })
    .map_err(|error| miette::miette!("changes of files cannot be noticed: {error}"))?;
    let places =
        project.watch.iter().chain([&project.scenarios]).map(|path| (path.as_path(), RecursiveMode::Recursive));
    let own = [(Path::new(FILE), RecursiveMode::NonRecursive)];
    let script = is_script.then_some((project.component.as_path(), RecursiveMode::NonRecursive));
    for (path, mode) in places.chain(own).chain(script).filter(|(path, _)| path.exists()) {
        watcher.watch(path, mode).map_err(|error| miette::miette!("cannot watch {}: {error}", path.display()))?;
    }
    loop {
        if let Err(error) = round(common, options) {
            output::error(&error, common.json);
        }
        if !common.json {
            output::line("waiting for changes …")?;
        }
        if changes.recv().is_err() {
            return Ok(ExitCode::SUCCESS);
        }
        while changes.recv_timeout(QUIET).is_ok() {}
    }
}

fn round(common: &Common, options: &Options) -> miette::Result<()> {
    let project = Project::find(None)?;
    build::build(&project)?;
    test::run(common, &test::Options::filtered(options.filter.clone())).map(drop)
}
