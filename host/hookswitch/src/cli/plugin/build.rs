//! `hookswitch plugin build`.

use std::{
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

use clap::Args;
use wit_component::ComponentEncoder;

use super::{
    super::{Common, output},
    project::{FILE, Project},
};
use crate::{kit::Kit, lines};

/// Build the plugin of this folder, and see that the host takes it.
///
/// Runs the command `build` of plugin.toml.
#[derive(Debug, Args)]
pub(in super::super) struct Options {}

pub(super) fn run(common: &Common, _: &Options) -> miette::Result<ExitCode> {
    let project = Project::find(None)?;
    build(&project)?;
    let began = Instant::now();
    let kit = Kit::open(&project.component)?;
    let (path, took) = (project.component.display(), began.elapsed().as_millis());
    if common.json {
        let bytes = std::fs::read(&project.component).map_err(|error| miette::miette!("{path}: {error}"))?;
        let hash = blake3::hash(&bytes).to_string();
        output::json(&serde_json::json!({ "component": path.to_string(), "hash": hash }))?;
    } else {
        output::line(&format!("{path}: {} {}, loaded in {took} ms", kit.manifest.title, kit.manifest.version))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the build command, if there is one; a script needs none.
pub(super) fn build(project: &Project) -> miette::Result<()> {
    let Some(command) = &project.build else { return Ok(()) };
    let status = Command::new("sh").arg("-c").arg(command).current_dir(&project.folder).status();
    let status = status.map_err(|error| miette::miette!("the shell cannot be started: {error}"))?;
    if !status.success() {
        return Err(miette::miette!(
            help = format!("the command is `build` in {FILE}"),
            "`{command}` failed: {status}"
        ));
    }
    project.module.as_ref().map_or(Ok(()), |module| componentise(module, &project.component))
}

/// Makes a component of a core module that was built against the contract, and beside it one with debug information, if
/// the module has some.
fn componentise(module: &Path, component: &Path) -> miette::Result<()> {
    let made = std::fs::read(module).map_err(|error| error.to_string()).and_then(|bytes| {
        let encoded = ComponentEncoder::default().validate(true).module(&bytes).and_then(|encoder| encoder.encode());
        let lined = encoded.map_err(|error| format!("{error:#}"))?;
        let plain = lines::without(&lined).map_err(|error| error.to_string())?;
        Ok((plain, lined))
    });
    let (plain, lined) = made.map_err(|error| {
        miette::miette!(
            help = format!("`module` in {FILE} names what the command `build` makes"),
            "{}: {error}",
            module.display()
        )
    })?;
    let beside = lines::beside(component);
    let written = |path: &Path, bytes| {
        std::fs::write(path, bytes).map_err(|error| miette::miette!("{}: {error}", path.display()))
    };
    written(component, &plain)?;
    if lined == plain {
        // Of an earlier build.
        let _ = std::fs::remove_file(&beside);
        return Ok(());
    }
    written(&beside, &lined)
}
