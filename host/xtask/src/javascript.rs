//! Plugins written in JavaScript: the source and the SDK in one module, and with a small engine in one component.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{ask, exists, is_root, run_quietly};
use crate::fingerprint;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// The npm packages that the SDK builds with: one makes a module of many, the other a component of a module.
/// A third one looks at types.
const TOOLS: [(&str, &str); 3] = [("componentize-qjs", "0.4.5"), ("esbuild", "0.28.2"), ("typescript", "5.9.3")];

/// The oldest Node.js that it was tried with.
const NODE: u32 = 20;

/// One plugin to build.
pub(crate) struct Script {
    /// The name of its folder, and of its file in `target/plugins`.
    pub(crate) name: String,
    source: PathBuf,
}

/// Every plugin in JavaScript or TypeScript.
pub(crate) fn all(workspace: &Workspace) -> Result<Vec<Script>> {
    let found = workspace.plugins_with(&["plugin.js", "plugin.ts"])?;
    Ok(found.into_iter().map(|(name, source)| Script { name, source }).collect())
}

pub(crate) fn build(workspace: &Workspace, progress: &Progress, scripts: &[Script]) -> Result<()> {
    for script in scripts {
        let made = workspace.plugins().join(format!("{}.wasm", script.name));
        let stamp = workspace.guests_target().join(format!("{}.stamp", script.name));
        let folder = script.source.parent().unwrap_or(&script.source);
        let content = content(workspace, folder)?;
        if made.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|built| built == content) {
            continue;
        }
        component(workspace, progress, &script.source, &made)?;
        std::fs::create_dir_all(workspace.guests_target())?;
        std::fs::write(&stamp, content).with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(())
}

/// Builds one module into a component.
pub(crate) fn component(workspace: &Workspace, progress: &Progress, source: &Path, made: &Path) -> Result<()> {
    let tools = tools(workspace, progress)?;
    let shown = source.strip_prefix(workspace.root()).unwrap_or(source).display();
    // What is bundled is not looked at for its types.
    if let Some(folder) = source.parent().filter(|folder| folder.join("tsconfig.json").is_file()) {
        progress.while_doing(&format!("tsc -p {shown}"), || {
            run_quietly(Command::new("node").arg(tools.join("typescript/bin/tsc")).arg("-p").arg(folder))
        })?;
    }
    let unfinished = made.with_extension("unfinished");
    progress.while_doing(&format!("hookswitch-build {shown}"), || {
        let mut command = Command::new("node");
        command.arg(sdk(workspace).join("build/main.js")).arg(source).env("NODE_PATH", tools);
        run_quietly(command.arg("--wit").arg(workspace.join("wit/0.1.0")).arg("-o").arg(&unfinished))
    })?;
    std::fs::rename(&unfinished, made).with_context(|| format!("cannot write {}", made.display()))
}

/// A fingerprint of everything that goes into the component of a plugin in this folder.
pub(crate) fn content(workspace: &Workspace, folder: &Path) -> Result<String> {
    let sdk = sdk(workspace);
    let sources =
        [folder.to_owned(), workspace.join("wit/0.1.0"), sdk.join("build"), sdk.join("src"), sdk.join("types")];
    let versions: Vec<String> = TOOLS.iter().map(|(name, version)| format!("{name}@{version}")).collect();
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    fingerprint::of(workspace.root(), &sources, &versions)
}

/// The tests of the SDK, or those whose name contains the filter; they need nothing but Node.js.
pub(crate) fn sdk_tests(workspace: &Workspace, progress: &Progress, filter: Option<&str>) -> Result<Command> {
    need_node(progress)?;
    let mut node = Command::new("node");
    node.args(["--import", "./test/host.js", "--test", "--test-reporter=tap"]).current_dir(sdk(workspace));
    node.args(filter.map(|filter| format!("--test-name-pattern={filter}")));
    for name in tests_in(&sdk(workspace).join("test"))? {
        node.arg(format!("test/{name}"));
    }
    Ok(node)
}

/// The tests of the plugins that have some, or those whose name contains the filter, each with the folder of its plugin.
/// They are bundled with what they test, for that may be TypeScript.
pub(crate) fn plugin_tests(
    workspace: &Workspace,
    progress: &Progress,
    filter: Option<&str>,
) -> Result<Vec<(PathBuf, Command)>> {
    let mut suites = Vec::new();
    for Script { name, source } in all(workspace)? {
        let folder = source.parent().unwrap_or(&source).to_owned();
        let names = tests_in(&folder.join("test"))?;
        if names.is_empty() {
            continue;
        }
        let bundles = workspace.guests_target().join("tests").join(&name);
        let mut bundle = Command::new(tools(workspace, progress)?.join(".bin/esbuild"));
        bundle.args(names.iter().map(|name| folder.join("test").join(name)));
        bundle.args(["--bundle", "--platform=node", "--format=esm", "--out-extension:.js=.mjs", "--log-level=warning"]);
        run_quietly(bundle.arg(format!("--outdir={}", bundles.display())))?;
        let mut node = Command::new("node");
        node.args(["--test", "--test-reporter=tap"]).current_dir(&bundles);
        node.args(filter.map(|filter| format!("--test-name-pattern={filter}")));
        node.args(names.iter().map(|name| Path::new(name).with_extension("mjs")));
        suites.push((folder, node));
    }
    Ok(suites)
}

/// The files with tests in a folder, which need not be there.
fn tests_in(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.js") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn sdk(workspace: &Workspace) -> PathBuf {
    workspace.join("plugins/sdk-js")
}

/// The folder with the packages that a build needs, installed once below `target/`.
fn tools(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    need_node(progress)?;
    let folder = workspace.target().join("npm");
    let modules = folder.join("node_modules");
    let is_there = |(name, version): &(&str, &str)| {
        let manifest = std::fs::read_to_string(modules.join(name).join("package.json")).unwrap_or_default();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap_or_default();
        manifest.get("version").and_then(|found| found.as_str()) == Some(version)
    };
    if !TOOLS.iter().all(is_there) {
        std::fs::create_dir_all(&folder)?;
        let wanted: Vec<String> = TOOLS.iter().map(|(name, version)| format!("{name}@{version}")).collect();
        progress.while_doing(&format!("npm install {}", wanted.join(" ")), || {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
            run_quietly(npm.args(wanted))
        })?;
    }
    Ok(modules)
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
