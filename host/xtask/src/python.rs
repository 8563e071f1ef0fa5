//! Plugins written in Python: the interpreter, the SDK and the source in one component, made by `componentize-py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{ask, exists, is_root, run_quietly};
use crate::fingerprint;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// The package that makes components of Python's modules.
const PACKAGE: &str = "componentize-py";
const VERSION: &str = "0.25.1";

/// The oldest Python that the SDK runs on.
const PYTHON: (u32, u32) = (3, 11);

/// One plugin to build.
pub(crate) struct Module {
    /// The name of its folder, and of its file in `target/plugins`.
    pub(crate) name: String,
    source: PathBuf,
}

/// Every plugin in Python.
pub(crate) fn all(workspace: &Workspace) -> Result<Vec<Module>> {
    let found = workspace.plugins_with(&["app.py"])?;
    Ok(found.into_iter().map(|(name, source)| Module { name, source }).collect())
}

pub(crate) fn build(workspace: &Workspace, progress: &Progress, modules: &[Module]) -> Result<()> {
    for module in modules {
        let made = workspace.plugins().join(format!("{}.wasm", module.name));
        let stamp = workspace.guests_target().join(format!("{}.stamp", module.name));
        let content = content(workspace, module.source.parent().unwrap_or(&module.source))?;
        if made.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|built| built == content) {
            continue;
        }
        let python = environment(workspace, progress)?;
        let unfinished = made.with_extension("unfinished");
        progress.while_doing(&format!("hookswitch-build {}", module.name), || {
            let mut command = Command::new(python);
            command.args(["-B", "-m", "hookswitch_build"]).arg(&module.source).env("PYTHONPATH", sdk(workspace));
            run_quietly(command.arg("--wit").arg(workspace.join("wit/0.1.0")).arg("-o").arg(&unfinished))
        })?;
        std::fs::rename(&unfinished, &made).with_context(|| format!("cannot write {}", made.display()))?;
        std::fs::create_dir_all(workspace.guests_target())?;
        std::fs::write(&stamp, content).with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(())
}

/// The tests of the SDK, or those whose name contains the filter: an ordinary Python, and bindings whose imports the tests stand in for.
pub(crate) fn sdk_tests(workspace: &Workspace, progress: &Progress, filter: Option<&str>) -> Result<Command> {
    let python = environment(workspace, progress)?;
    let bindings = folder(workspace).join("bindings");
    if bindings.exists() {
        std::fs::remove_dir_all(&bindings)?;
    }
    let mut generate = Command::new(python.with_file_name(PACKAGE));
    generate.arg("-d").arg(workspace.join("wit/0.1.0")).args(["-w", "everything", "bindings"]).arg(&bindings);
    run_quietly(&mut generate)?;
    let mut tests = Command::new(python);
    let path = std::env::join_paths([sdk(workspace), bindings]).context("a path holds a colon")?;
    tests
        .args(["-B", "-m", "unittest", "discover", "--verbose", "-s", "tests"])
        .env("PYTHONPATH", path)
        .current_dir(sdk(workspace));
    tests.args(filter.map(|filter| format!("-k={filter}")));
    Ok(tests)
}

fn content(workspace: &Workspace, folder: &Path) -> Result<String> {
    let sdk = sdk(workspace);
    let sources =
        [folder.to_owned(), workspace.join("wit/0.1.0"), sdk.join("hookswitch_sdk"), sdk.join("hookswitch_build.py")];
    fingerprint::of(workspace.root(), &sources, &[PACKAGE, VERSION])
}

fn sdk(workspace: &Workspace) -> PathBuf {
    workspace.join("plugins/sdk-python")
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("python")
}

/// The Python of an environment below `target/` that has the package, made once.
fn environment(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    let folder = folder(workspace).join("environment");
    let python = folder.join("bin/python");
    let is_there = ask(Command::new(&python).args(["-m", "pip", "show", PACKAGE]))
        .is_some_and(|said| said.lines().any(|line| line == format!("Version: {VERSION}")));
    if !is_there {
        need_python(progress)?;
        progress.while_doing(&format!("pip install {PACKAGE}=={VERSION}"), || {
            run_quietly(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            run_quietly(pip.arg(format!("{PACKAGE}=={VERSION}")))
        })?;
    }
    Ok(python)
}

fn need_python(progress: &Progress) -> Result<()> {
    let has_venv = || ask(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_some();
    if !has_venv() && exists("apt-get") && is_root() {
        progress.while_doing("apt-get install python3-venv", || {
            run_quietly(Command::new("apt-get").arg("update"))?;
            let mut install = Command::new("apt-get");
            run_quietly(install.args(["install", "-y", "--no-install-recommends", "python3-venv"]))
        })?;
    }
    let (major, minor) = PYTHON;
    let is_new = format!("import sys; sys.exit(sys.version_info < ({major}, {minor}))");
    if has_venv() && ask(Command::new("python3").args(["-c", &is_new])).is_some() {
        return Ok(());
    }
    bail!(
        "plugins in Python need Python {major}.{minor} or newer with its module venv. On Debian or Ubuntu:\n  \
         sudo apt-get install python3-venv"
    )
}
