//! Runs every test, suite by suite, and counts.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::command::{self, ask};
use crate::javascript;
use crate::progress::{Progress, took};
use crate::python;
use crate::workspace::{Workspace, cargo};

/// Tests that one command runs.
struct Suite {
    title: String,
    command: Command,
    output: Output,
}

/// Where a test runner writes what it found.
#[derive(Clone, Copy)]
enum Output {
    /// nextest: standard error, with one line that begins with `Summary`.
    Summary,
    /// cargo's own runner: standard output, with one line `test result:` per program.
    Results,
    /// Node.js: standard output in the form of the Test Anything Protocol.
    Tap,
    /// Python's unittest with `--verbose`: standard error, a line for each test.
    Unittest,
}

/// How many tests passed and failed.
#[derive(Default, Clone, Copy)]
#[must_use]
pub(crate) struct Count {
    passed: usize,
    failed: usize,
}

impl Count {
    pub(crate) fn all_passed(self) -> bool {
        self.failed == 0
    }

    /// Prints the closing line, which tools look for, and gives the exit code.
    pub(crate) fn close(self) -> ExitCode {
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.all_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Builds and runs all tests, or those whose name contains the filter.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, filter: Option<&str>) -> Result<Count> {
    // The programs along with the tests, which start some of them; built in one go, they share every dependency.
    progress.step("building the program and the tests (the first time takes some minutes)");
    command::run(
        Command::new(cargo()).args(["build", "--workspace", "--bins", "--tests"]).current_dir(workspace.root()),
    )?;
    let nextest = ask(Command::new(cargo()).args(["nextest", "--version"])).is_some();
    let mut suites = if nextest { with_nextest(workspace, progress, filter)? } else { with_cargo(workspace, filter)? };
    suites.extend(of_other_languages(workspace, progress, filter)?);
    let mut total = Count::default();
    let mut times = Vec::new();
    for mut suite in suites {
        progress.step(&format!("testing {}", suite.title));
        let (count, time) = suite.run()?;
        total.passed += count.passed;
        total.failed += count.failed;
        times.push(format!(
            "{:<28} {:>6} passed {:>4} failed   {}",
            suite.title,
            count.passed,
            count.failed,
            took(time)
        ));
    }
    progress.step("tests");
    for time in times {
        progress.note(&time);
    }
    if let (Some(filter), 0) = (filter, total.passed + total.failed) {
        bail!("there is no test whose name contains `{filter}`");
    }
    Ok(total)
}

fn with_nextest(workspace: &Workspace, progress: &Progress, filter: Option<&str>) -> Result<Vec<Suite>> {
    let root = workspace.join("Cargo.toml");
    let packages = workspace.packages(&root)?;
    let below = |folder: &str| -> Vec<String> {
        let folder = workspace.join(folder);
        packages.iter().filter(|p| p.folder.starts_with(&folder)).map(|p| format!("package(={})", p.name)).collect()
    };
    let color = if progress.terminal() { "always" } else { "never" };
    let nextest = |title: &str, manifest: &Path, packages: &[String]| {
        let mut command = Command::new(cargo());
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass", "--color", color]);
        command.arg("--manifest-path").arg(manifest);
        if !packages.is_empty() {
            command.args(["--filterset", &packages.join(" | ")]);
        }
        // Only tests that both the set and this text select are run.
        command.args(filter);
        Suite { title: title.to_owned(), command, output: Output::Summary }
    };
    let mut suites = vec![nextest("the host", &root, &below("host"))];
    for manifest in workspace.guest_manifests()? {
        let mut suite = nextest(&title(workspace, &manifest), &manifest, &[]);
        suite.command.env("CARGO_TARGET_DIR", workspace.guests_target());
        suites.push(suite);
    }
    suites.push(nextest("the whole system", &root, &below("tests")));
    suites.push(cargo_test("examples in the docs", &root, &["--workspace", "--doc"], filter));
    Ok(suites)
}

/// The tests of SDKs and plugins in other languages, by the runners of those.
fn of_other_languages(workspace: &Workspace, progress: &Progress, filter: Option<&str>) -> Result<Vec<Suite>> {
    let node = javascript::sdk_tests(workspace, progress, filter)?;
    let python = python::sdk_tests(workspace, progress, filter)?;
    let mut suites = vec![
        Suite { title: "plugins/sdk-js".to_owned(), command: node, output: Output::Tap },
        Suite { title: "plugins/sdk-python".to_owned(), command: python, output: Output::Unittest },
    ];
    for (folder, node) in javascript::plugin_tests(workspace, progress, filter)? {
        suites.push(Suite { title: shown(workspace, &folder), command: node, output: Output::Tap });
    }
    Ok(suites)
}

fn with_cargo(workspace: &Workspace, filter: Option<&str>) -> Result<Vec<Suite>> {
    let root = workspace.join("Cargo.toml");
    let mut suites = vec![cargo_test("the host, the whole system", &root, &["--workspace"], filter)];
    for manifest in workspace.guest_manifests()? {
        let mut suite = cargo_test(&title(workspace, &manifest), &manifest, &["--workspace"], filter);
        suite.command.env("CARGO_TARGET_DIR", workspace.guests_target());
        suites.push(suite);
    }
    Ok(suites)
}

fn cargo_test(title: &str, manifest: &Path, what: &[&str], filter: Option<&str>) -> Suite {
    let mut command = Command::new(cargo());
    command.args(["test", "--no-fail-fast"]).args(what).arg("--manifest-path").arg(manifest).args(filter);
    Suite { title: title.to_owned(), command, output: Output::Results }
}

/// The folder of a manifest, as the name of its suite.
fn title(workspace: &Workspace, manifest: &Path) -> String {
    shown(workspace, manifest.parent().unwrap_or(manifest))
}

fn shown(workspace: &Workspace, folder: &Path) -> String {
    folder.strip_prefix(workspace.root()).unwrap_or(folder).display().to_string()
}

impl Suite {
    fn run(&mut self) -> Result<(Count, Duration)> {
        let started = Instant::now();
        match self.output {
            Output::Summary | Output::Unittest => self.command.stderr(Stdio::piped()),
            Output::Results | Output::Tap => self.command.stdout(Stdio::piped()),
        };
        let mut child = self.command.stdin(Stdio::null()).spawn().context("cannot start the tests")?;
        let mut count = Count::default();
        let read = match self.output {
            Output::Summary => summary,
            Output::Results => result,
            Output::Tap => tap,
            Output::Unittest => unittest,
        };
        if let Some(stderr) = child.stderr.take() {
            pass_on(BufReader::new(stderr), &mut count, read)?;
        }
        if let Some(stdout) = child.stdout.take() {
            pass_on(BufReader::new(stdout), &mut count, read)?;
        }
        let status = child.wait()?;
        if !status.success() && count.failed == 0 {
            // The tests did not even build, or the runner itself failed.
            count.failed = 1;
        }
        Ok((count, started.elapsed()))
    }
}

/// Shows every line and counts what it tells.
fn pass_on(mut lines: impl BufRead, count: &mut Count, read: fn(&str) -> Option<Count>) -> Result<()> {
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        std::io::stderr().write_all(&line)?;
        if let Some(found) = read(&plain(&line)) {
            count.passed += found.passed;
            count.failed += found.failed;
        }
        line.clear();
    }
    Ok(())
}

/// `Summary [ 1.2s] 30 tests run: 28 passed (1 slow), 1 failed, 1 timed out, 0 skipped`
fn summary(line: &str) -> Option<Count> {
    let counts = line.trim_start().strip_prefix("Summary [")?.split_once("run: ")?.1;
    let before = |word| before(counts, word);
    Some(Count { passed: before("passed"), failed: before("failed") + before("timed out") + before("exec failed") })
}

/// `test result: FAILED. 3 passed; 1 failed; 0 ignored; …`
fn result(line: &str) -> Option<Count> {
    let counts = line.strip_prefix("test result: ")?;
    Some(Count { passed: before(counts, "passed"), failed: before(counts, "failed") })
}

/// `ok 3 - pages are walked to the end`; parts of a test are indented, tests that the filter left out end with `# SKIP`.
fn tap(line: &str) -> Option<Count> {
    if line.contains(" # SKIP") {
        return None;
    }
    if line.starts_with("not ok ") {
        return Some(Count { passed: 0, failed: 1 });
    }
    line.starts_with("ok ").then_some(Count { passed: 1, failed: 0 })
}

/// `test_pages (test_small.Pages.test_pages) ... ok`, with `--verbose`.
fn unittest(line: &str) -> Option<Count> {
    let verdict = line.rsplit_once("... ")?.1;
    match verdict {
        "ok" => Some(Count { passed: 1, failed: 0 }),
        "FAIL" | "ERROR" => Some(Count { passed: 0, failed: 1 }),
        _ => None,
    }
}

/// The number in front of a word.
fn before(counts: &str, word: &str) -> usize {
    let number = |part: &str| {
        let part = part.rsplit('.').next().unwrap_or(part);
        part.trim().strip_suffix(word)?.trim().parse().ok()
    };
    counts.split([',', ';', '(']).find_map(number).unwrap_or(0)
}

/// A line without the codes that colour it.
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut parts = text.trim_end().split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(count: Option<Count>) -> Option<(usize, usize)> {
        count.map(|count| (count.passed, count.failed))
    }

    #[test]
    fn a_summary_of_nextest_is_counted_with_and_without_colour() {
        let cases = [
            ("     Summary [   0.012s] 12 tests run: 12 passed, 0 skipped", Some((12, 0))),
            (
                "     Summary [  61.0s] 5 tests run: 2 passed (1 slow), 1 failed, 1 timed out, 1 exec failed, 3 skipped",
                Some((2, 3)),
            ),
            (
                "\x1b[32;1m     Summary\x1b[0m [   0.1s] \x1b[1m2\x1b[0m tests run: \x1b[1m2\x1b[0m \x1b[32;1mpassed\x1b[0m, 0 skipped",
                Some((2, 0)),
            ),
            ("        PASS [   0.005s] ami-replay login::tests", None),
        ];
        for (line, expected) in cases {
            assert_eq!(counted(summary(&plain(line.as_bytes()))), expected, "{line}");
        }
    }

    #[test]
    fn tests_of_other_languages_are_counted_one_by_one() {
        assert_eq!(counted(tap("ok 3 - pages are walked to the end")), Some((1, 0)));
        assert_eq!(counted(tap("not ok 4 - a later try looks before it creates")), Some((0, 1)));
        assert_eq!(counted(tap("    ok 1 - a part of another test")), None);
        assert_eq!(counted(tap("ok 5 - settings # SKIP test name does not match pattern")), None);
        assert_eq!(counted(tap("# pass 20")), None);
        assert_eq!(counted(unittest("test_pages (test_small.Pages.test_pages) ... ok")), Some((1, 0)));
        assert_eq!(counted(unittest("test_pages (test_small.Pages.test_pages) ... ERROR")), Some((0, 1)));
        assert_eq!(counted(unittest("Ran 12 tests in 0.1s")), None);
    }

    #[test]
    fn a_result_of_the_plain_runner_is_counted() {
        let line = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(counted(result(line)), Some((3, 1)));
        assert_eq!(counted(result("test tests::passed ... ok")), None);
    }
}
