//! The test that an admin runs: it finds nothing where nothing is wrong, and finds what is.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{PATIENCE, built};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

fn selftest(dir: &Path, more: &[&str]) -> Result<Command> {
    let mut command = Command::new(built("hookswitch")?);
    command.args(["selftest", "durability", "--data"]).arg(dir).args(more);
    command.env("NO_COLOR", "1").stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

/// Waits for something that is not there at once.
async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "{what}: not in time");
        sleep(Duration::from_millis(2)).await;
    }
}

fn only_entry(dir: &Path) -> Option<PathBuf> {
    std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).next()
}

/// The log of the journal that the test works on, when there is more in it than its tables.
fn log(dir: &Path) -> Option<PathBuf> {
    let path = only_entry(dir)?.join("journal-0/hookswitch.db-wal");
    (path.metadata().ok()?.len() > 300_000).then_some(path)
}

async fn signal(signal: &str, process: u32) -> Result<()> {
    ensure!(Command::new("kill").arg(signal).arg(process.to_string()).status().await?.success(), "kill failed");
    Ok(())
}

/// A process whose parent is `parent` and that has not ended.
fn living_child(parent: u32) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.into_iter().find(|process| {
        let mut of = state(*process).into_iter();
        of.next().is_some_and(|(state, of)| of == parent && state != "Z")
    })
}

/// A process's state and its parent (proc(5), `stat`).
fn state(process: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

async fn end(child: Child) -> Result<(Option<i32>, String, String)> {
    let output = timeout(PATIENCE, child.wait_with_output()).await.context("it does not end")??;
    Ok((output.status.code(), String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_disk_that_keeps_what_it_has_nothing_is_lost_and_nothing_is_left() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (code, out, err) = end(selftest(dir.path(), &["--rounds", "3", "--json"])?.spawn()?).await?;
    let verdict: Value = serde_json::from_str(&out).with_context(|| format!("{out}\n{err}"))?;
    ensure!(code == Some(0) && verdict["ok"] == true && verdict["kills"] == 3, "{code:?} {verdict}");
    ensure!(verdict["acknowledged"].as_u64() > Some(30) && verdict["faults"] == serde_json::json!([]), "{verdict}");
    ensure!(verdict["disk"]["sync_ms"]["p50"].as_f64() > Some(0.0), "{verdict}");
    ensure!(only_entry(dir.path()).is_none(), "something was left behind");
    let (code, out, _) = end(selftest(dir.path(), &["--rounds", "1"])?.spawn()?).await?;
    ensure!(code == Some(0) && out.contains("What it does not show"), "{out}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_foreign_hand_takes_away_between_kill_and_look_is_found_missing() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let child = selftest(dir.path(), &["--rounds", "100", "--json"])?.spawn()?;
    let tester = child.id().context("just started")?;
    // The tester is held, so that it is this hand that kills, and nobody looks before the log is gone.
    let (victim, log) = loop {
        let log = wait_for("a journal with events", || log(dir.path())).await?;
        signal("-STOP", tester).await?;
        wait_for("the tester held", || state(tester).filter(|(state, _)| state == "T")).await?;
        match living_child(tester) {
            Some(victim) => break (victim, log),
            // It was just between two lives.
            None => signal("-CONT", tester).await?,
        }
    };
    signal("-KILL", victim).await?;
    wait_for("the death", || state(victim).is_none_or(|(state, _)| state == "Z").then_some(())).await?;
    let file = std::fs::OpenOptions::new().write(true).open(&log)?;
    file.set_len(file.metadata()?.len() / 2)?;
    signal("-CONT", tester).await?;
    let (code, out, err) = end(child).await?;
    let verdict: Value = serde_json::from_str(&out).with_context(|| format!("{out}\n{err}"))?;
    ensure!(code == Some(1) && verdict["ok"] == false, "{code:?} {verdict}");
    let faults = verdict["faults"].to_string();
    ensure!(faults.contains("lost"), "{faults}");
    let evidence = verdict["evidence"].as_str().context("evidence")?;
    for file in ["journal-0/hookswitch.db", "verdict.json"] {
        ensure!(Path::new(evidence).join(file).is_file(), "{file} is missing in {evidence}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_damaged_is_found_damaged() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let child = selftest(dir.path(), &["--rounds", "200", "--json"])?.spawn()?;
    let database = wait_for("a journal", || {
        let path = only_entry(dir.path())?.join("journal-0/hookswitch.db");
        (path.metadata().ok()?.len() > 100_000).then_some(path)
    });
    let database = database.await?;
    // Overwritten while it is in use, as by a drive that mixes up its sectors.
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().write(true).open(&database)?;
    file.write_all_at(&vec![0x5a; 60_000], 8192)?;
    let (code, out, err) = end(child).await?;
    // Whoever meets the damage first says so: the accepting process, or the look after its death.
    ensure!(code == Some(1) && format!("{out}{err}").contains("damaged"), "{code:?}\n{out}\n{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_is_broken_off_leaves_nothing_behind() -> Result<()> {
    for how in ["-INT", "-TERM", "-HUP"] {
        let dir = tempfile::tempdir()?;
        let child = selftest(dir.path(), &["--for", "10m"])?.spawn()?;
        let tester = child.id().context("just started")?;
        wait_for("a journal with events", || log(dir.path())).await?;
        let victim = wait_for("the accepting process", || living_child(tester)).await?;
        signal(how, tester).await?;
        let (code, _, err) = end(child).await?;
        ensure!(code == Some(130) && err.contains("broken off"), "{code:?} {err}");
        ensure!(only_entry(dir.path()).is_none(), "something was left behind");
        wait_for("the end of the other process", || state(victim).is_none_or(|(_, of)| of != tester).then_some(()))
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_is_said() -> Result<()> {
    let (code, _, err) = end(selftest(Path::new("/no/such/folder"), &[])?.spawn()?).await?;
    ensure!(code == Some(1) && err.contains("/no/such/folder") && err.contains("--data"), "{code:?} {err}");
    Ok(())
}
