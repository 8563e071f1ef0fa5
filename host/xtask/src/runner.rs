//! The component that runs plugin scripts. It is kept in the repository, since the program holds it and must build
//! without Node.js.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::javascript;
use crate::progress::Progress;
use crate::workspace::Workspace;

const SOURCES: &str = "plugins/script-runner";
const COMPONENT: &str = "host/hookswitch/runner/script-runner.wasm";

/// Builds the component, and writes down beside it what it was made of.
pub(crate) fn build(workspace: &Workspace, progress: &Progress) -> Result<()> {
    progress.step("building the runner of plugin scripts");
    let component = workspace.join(COMPONENT);
    std::fs::create_dir_all(component.parent().unwrap_or(&component))?;
    javascript::component(workspace, progress, &workspace.join(SOURCES).join("runner.js"), &component)?;
    let text = format!(
        "script-runner.wasm is generated: `cargo xtask runner` makes it of plugins/script-runner and plugins/sdk-js.\n\
         sources: {}\n",
        javascript::content(workspace, &workspace.join(SOURCES))?
    );
    std::fs::write(note(workspace), text).context("cannot write the note beside the component")?;
    progress.note(&format!("{COMPONENT} ({} KiB)", component.metadata()?.len() / 1024));
    Ok(())
}

/// Fails if the sources have changed since the component was built.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let text = std::fs::read_to_string(note(workspace)).unwrap_or_default();
    let built = text.lines().find_map(|line| line.strip_prefix("sources: ")).unwrap_or_default();
    if built != javascript::content(workspace, &workspace.join(SOURCES))? || !workspace.join(COMPONENT).is_file() {
        bail!("{COMPONENT} is older than its sources; build it with\n  cargo xtask runner");
    }
    Ok(())
}

fn note(workspace: &Workspace) -> PathBuf {
    workspace.join(format!("{COMPONENT}.txt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_in_the_repository_is_as_new_as_its_sources() {
        check(&Workspace::find().unwrap()).unwrap();
    }
}
