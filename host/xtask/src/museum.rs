//! Plugins as they were compiled against each version of the contract. Tests of the whole system run them for ever, which
//! shows that an old plugin still works without building it again.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build;
use crate::command::ask;
use crate::contract;
use crate::progress::Progress;
use crate::workspace::Workspace;

const MUSEUM: &str = "tests/museum";
/// The small plugin, by each way in which a component is made that bears keeping: a Python one has 18 MB.
const PLUGINS: [&str; 2] = ["first-plugin-rust", "first-plugin-js"];

/// Builds the plugins and puts them into the newest version's room, with a note of where they come from.
pub(crate) fn add(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let version = contract::versions(workspace)?.pop().context("there is no contract below wit")?;
    build::plugins(workspace, progress, &PLUGINS.map(str::to_owned))?;
    let room = workspace.join(MUSEUM).join(&version);
    std::fs::create_dir_all(&room).with_context(|| format!("cannot make {}", room.display()))?;
    for name in PLUGINS {
        let file = format!("{name}.wasm");
        std::fs::copy(workspace.plugins().join(&file), room.join(&file))
            .with_context(|| format!("cannot keep {file}"))?;
    }
    let git = |arguments: &[&str]| ask(Command::new("git").args(arguments).current_dir(workspace.root()));
    let commit = git(&["rev-parse", "HEAD"]).context("git does not say which commit this is")?;
    let commit = commit.trim();
    let note = format!(
        "The plugins here are generated: `cargo xtask museum` built them from examples/ against wit/{version}.\n\
         commit: {commit}\n\
         They stay as they are, and every host must run them: tests/system/tests/museum.rs.\n"
    );
    std::fs::write(room.join("plugins.txt"), note).context("cannot write the note beside the plugins")?;
    progress.note(&format!("{MUSEUM}/{version} holds {}", PLUGINS.join(", ")));
    Ok(())
}
