//! Plugins written in JavaScript: a small engine and the script in one component, made by `componentize-qjs`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{ask, exists, is_root, run_quietly};
use crate::progress::Progress;
use crate::workspace::Workspace;

/// The npm package that makes components from scripts.
const PACKAGE: &str = "componentize-qjs";
const VERSION: &str = "0.4.5";

/// The oldest Node.js that it was tried with.
const NODE: u32 = 20;

/// One plugin to build.
pub(crate) struct Script {
    /// The name of its folder, and of its file in `target/plugins`.
    pub(crate) name: String,
    folder: PathBuf,
}

pub(crate) fn all(workspace: &Workspace) -> Result<Vec<Script>> {
    let name = |folder: &Path| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folders = workspace.javascript_plugins()?;
    Ok(folders.into_iter().map(|folder| Script { name: name(&folder), folder }).collect())
}

pub(crate) fn build(workspace: &Workspace, progress: &Progress, scripts: &[Script]) -> Result<()> {
    for script in scripts {
        let made = workspace.plugins().join(format!("{}.wasm", script.name));
        let stamp = workspace.guests_target().join(format!("{}.stamp", script.name));
        let content = content(workspace, script)?;
        if made.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|built| built == content) {
            continue;
        }
        let engine = engine(workspace, progress)?;
        let unfinished = made.with_extension("unfinished");
        progress.while_doing(&format!("{PACKAGE} {}", script.name), || {
            let mut command = Command::new("node");
            command.arg(engine).args(["--sync", "--stub-wasi", "--opt-size", "--wit"]).arg(script.folder.join("wit"));
            command.arg("--js").arg(script.folder.join("plugin.js")).arg("-o").arg(&unfinished);
            run_quietly(&mut command)
        })?;
        std::fs::rename(&unfinished, &made).with_context(|| format!("cannot write {}", made.display()))?;
        std::fs::create_dir_all(workspace.guests_target())?;
        std::fs::write(&stamp, content).with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(())
}

/// The program that makes the component, installed once below `target/`.
fn engine(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    need_node(progress)?;
    let folder = workspace.target().join("npm");
    let package = folder.join("node_modules").join(PACKAGE);
    let manifest = || std::fs::read_to_string(package.join("package.json")).unwrap_or_default();
    let installed: serde_json::Value = serde_json::from_str(&manifest()).unwrap_or_default();
    if installed.get("version").and_then(|version| version.as_str()) != Some(VERSION) {
        std::fs::create_dir_all(&folder)?;
        progress.while_doing(&format!("npm install {PACKAGE}@{VERSION}"), || {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
            run_quietly(npm.arg(format!("{PACKAGE}@{VERSION}")))
        })?;
    }
    Ok(folder.join("node_modules/.bin").join(PACKAGE))
}

fn need_node(progress: &Progress) -> Result<()> {
    if !(exists("node") && exists("npm")) && exists("apt-get") && is_root() {
        progress.while_doing("apt-get install nodejs npm", || {
            run_quietly(Command::new("apt-get").arg("update"))?;
            let mut install = Command::new("apt-get");
            run_quietly(install.args(["install", "-y", "--no-install-recommends", "nodejs", "npm"]))
        })?;
    }
    let version = ask(Command::new("node").arg("--version")).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= NODE && exists("npm") => Ok(()),
        Some(_) if exists("npm") => bail!("plugins in JavaScript need Node.js {NODE} or newer; this is {version}"),
        _ => bail!(
            "plugins in JavaScript need Node.js {NODE} or newer with npm. On Debian or Ubuntu:\n  \
             sudo apt-get install nodejs npm\non macOS:\n  brew install node"
        ),
    }
}

/// A fingerprint of everything that goes into the component.
fn content(workspace: &Workspace, script: &Script) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    VERSION.hash(&mut hasher);
    for folder in [script.folder.clone(), workspace.join("wit")] {
        hash_folder(&folder, &mut hasher).with_context(|| format!("cannot read {}", folder.display()))?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn hash_folder(folder: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    entries.sort();
    for entry in entries {
        entry.hash(hasher);
        if entry.is_dir() && !entry.ends_with("node_modules") {
            hash_folder(&entry, hasher)?;
        } else if entry.is_file() {
            std::fs::read(&entry)?.hash(hasher);
        }
    }
    Ok(())
}
