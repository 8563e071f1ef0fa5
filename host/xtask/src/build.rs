//! The program, and every plugin in whatever language.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::run;
use crate::progress::Progress;
use crate::workspace::{Workspace, cargo};
use crate::{guests, javascript, python};

/// Builds the host's crates with the profile that tests and the demonstration use.
pub(crate) fn host(workspace: &Workspace, progress: &Progress) -> Result<()> {
    progress.step("building the program (the first time takes some minutes)");
    run(Command::new(cargo()).args(["build", "--workspace"]).current_dir(workspace.root()))
}

/// Builds the plugins of these names into `target/plugins`; all of them, if no name is given.
pub(crate) fn plugins(workspace: &Workspace, progress: &Progress, names: &[String]) -> Result<()> {
    let mut rust = guests::all(workspace)?;
    let mut javascript = javascript::all(workspace)?;
    let mut python = python::all(workspace)?;
    let names_of = |rust: &[guests::Guest], javascript: &[javascript::Script], python: &[python::Module]| {
        let rust = rust.iter().map(|guest| &guest.name);
        let others = javascript.iter().map(|script| &script.name).chain(python.iter().map(|module| &module.name));
        rust.chain(others).cloned().collect::<Vec<String>>()
    };
    let known = names_of(&rust, &javascript, &python);
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        bail!("there is no plugin `{unknown}`; there are: {}", known.join(", "));
    }
    if !names.is_empty() {
        rust.retain(|guest| names.contains(&guest.name));
        javascript.retain(|script| names.contains(&script.name));
        python.retain(|module| names.contains(&module.name));
    }
    let folder = workspace.plugins();
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    progress.step("building the plugins");
    guests::build(workspace, progress, &rust)?;
    javascript::build(workspace, progress, &javascript)?;
    python::build(workspace, progress, &python)?;
    for name in names_of(&rust, &javascript, &python) {
        let file = folder.join(format!("{name}.wasm"));
        let size = file.metadata().with_context(|| format!("{} is missing", file.display()))?.len();
        progress.note(&format!(
            "{} ({} KiB)",
            file.strip_prefix(workspace.root()).unwrap_or(&file).display(),
            size / 1024
        ));
    }
    Ok(())
}
