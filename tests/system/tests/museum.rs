//! Plugins that were compiled against each version of the contract are run by this host, as they are.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Result, ensure};
use system_tests::{built, root};
use tokio::process::Command;

/// The plugins of all rooms.
fn exhibits() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for room in std::fs::read_dir(root().join("tests/museum"))? {
        for file in std::fs::read_dir(room?.path())? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "wasm") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plugin_that_was_ever_built_passes_its_scenarios() -> Result<()> {
    let exhibits = exhibits()?;
    ensure!(exhibits.len() >= 2, "the museum is empty: {exhibits:?}");
    for plugin in exhibits {
        let output = Command::new(built("hookswitch")?)
            .args(["plugin", "test", "--crashes", "--plugin"])
            .args([&plugin, &root().join("examples/first-plugin-scenarios")])
            .stdin(Stdio::null())
            .output()
            .await?;
        let told = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{}:\n{}", plugin.display(), String::from_utf8_lossy(&told));
    }
    Ok(())
}
