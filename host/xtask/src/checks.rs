//! What has to pass before a change is taken.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::build;
use crate::command::{ask, run as run_command};
use crate::contract;
use crate::progress::{Progress, took};
use crate::reference;
use crate::runner;
use crate::suites;
use crate::workspace::{Workspace, cargo};

/// Formats, lints, licences, tests: every step runs, whatever became of the one before, so that one run shows all.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<ExitCode> {
    let mut steps = Steps { progress, done: Vec::new() };
    let mut manifests = vec![workspace.join("Cargo.toml")];
    manifests.extend(workspace.guest_manifests()?);
    steps.of("lock files", || each(&manifests, locked));
    steps.of("format", || each(&manifests, format));
    steps.of("contract", || contract::check(workspace, progress));
    steps.of("reference", || reference::check(workspace));
    steps.of("runner of scripts", || runner::check(workspace));
    steps.of("plugins", || build::plugins(workspace, progress, &[]));
    steps.of("lints", || each(&manifests, |manifest| lint(workspace, manifest)));
    if ask(Command::new(cargo()).args(["deny", "--version"])).is_some() {
        steps.of("licences and sources", || {
            each(&manifests, |manifest| deny(manifest, &["bans", "licenses", "sources"]))
        });
        if ask(Command::new(cargo()).args(["deny", "fetch", "db"])).is_some() {
            steps.of("advisories", || each(&manifests, |manifest| deny(manifest, &["advisories"])));
        } else {
            progress.step("advisories: skipped, their database cannot be reached from here");
        }
    } else {
        progress.step("licences and sources: skipped, cargo-deny is not installed (cargo install cargo-deny --locked)");
    }
    let started = Instant::now();
    let tests = suites::run(workspace, progress, None)?;
    steps.done.push(("tests", started.elapsed(), tests.all_passed()));
    progress.step("checks");
    for (title, time, ok) in &steps.done {
        progress.note(&format!("{title:<28} {:<6} {}", if *ok { "ok" } else { "FAILED" }, took(*time)));
    }
    let all_ok = steps.done.iter().all(|(.., ok)| *ok);
    let code = tests.close();
    Ok(if all_ok { code } else { ExitCode::FAILURE })
}

struct Steps<'a> {
    progress: &'a Progress,
    done: Vec<(&'static str, Duration, bool)>,
}

impl Steps<'_> {
    fn of(&mut self, title: &'static str, work: impl FnOnce() -> Result<()>) {
        self.progress.step(title);
        let started = Instant::now();
        let result = work();
        if let Err(error) = &result {
            eprintln!("error: {error:#}");
        }
        self.done.push((title, started.elapsed(), result.is_ok()));
    }
}

/// Does something for every workspace; the first failure is the result, but all are tried.
fn each(manifests: &[PathBuf], check: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let results: Vec<Result<()>> = manifests.iter().map(|manifest| check(manifest)).collect();
    results.into_iter().collect()
}

/// The lock file says all that the manifests ask for.
fn locked(manifest: &Path) -> Result<()> {
    let mut command = Command::new(cargo());
    command.args(["metadata", "--locked", "--format-version", "1", "--manifest-path"]).arg(manifest);
    crate::command::run_quietly(&mut command)
}

fn format(manifest: &Path) -> Result<()> {
    run_command(Command::new(cargo()).args(["fmt", "--all", "--check", "--manifest-path"]).arg(manifest))
}

fn lint(workspace: &Workspace, manifest: &Path) -> Result<()> {
    let mut command = Command::new(cargo());
    command.args(["clippy", "--workspace", "--all-targets", "--manifest-path"]).arg(manifest);
    if manifest != workspace.join("Cargo.toml") {
        command.env("CARGO_TARGET_DIR", workspace.guests_target());
    }
    run_command(command.args(["--", "-D", "warnings"]))
}

fn deny(manifest: &Path, checks: &[&str]) -> Result<()> {
    let mut command = Command::new(cargo());
    command.args(["deny", "--manifest-path"]).arg(manifest).args(["check", "--hide-inclusion-graph"]).args(checks);
    run_command(&mut command)
}
