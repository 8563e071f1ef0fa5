//! A disk without space and one that takes no changes: small file systems in a mount namespace of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use hookswitch_call::Call;
use hookswitch_journal::{Error, Journal, OpenError, Reader, backup::BackupError, calls::Accepted};

use crate::world::{accepted, call, job, reference};

/// Runs tests of this program, one after the other, in a namespace where `$DISK` is an empty directory, after `mount`; all
/// but the last one may be killed. On a machine that gives nobody such a namespace it says so: what a full disk does is
/// tested in the writer's own tests as well.
fn in_namespace(mount: &str, names: &[&str]) {
    let possible = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !possible.is_ok_and(|probe| probe.status.success()) {
        eprintln!("not tested: this machine has no user namespaces with mounts");
        return;
    }
    let (disk, notes) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let programs: Vec<_> = names.iter().map(|name| format!("\"$PROGRAM\" --exact {name} --nocapture")).collect();
    let run = Command::new("unshare")
        .args(["-rm", "sh", "-e", "-c", &format!("{mount}\n{}", programs.join(" || true\n"))])
        .env("DISK", disk.path())
        .env("NOTES", notes.path().join("notes"))
        .env("PROGRAM", std::env::current_exe().unwrap())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && said.contains("checked"), "{said}");
}

const SMALL_DISK: &str = "mount -t tmpfs -o size=8m tmpfs \"$DISK\"";

/// The directory, if this is the other process.
fn small_disk() -> Option<PathBuf> {
    std::env::var_os("DISK").filter(|_| std::env::var_os("READ_ONLY").is_none()).map(PathBuf::from)
}

/// Takes half of the disk, and writes until nothing more goes in. Returns which calls were accepted and which were not.
async fn fill(dir: &Path) -> (Journal, Vec<String>, Vec<String>) {
    // More than half of it: what the log holds is copied into the database in the end.
    fs::write(dir.join("ballast"), vec![1; 5 << 20]).unwrap();
    let journal = Journal::open(dir).unwrap();
    let (mut kept, mut failed) = (Vec::new(), Vec::new());
    for round in 0.. {
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let (journal, chain) = (journal.clone(), format!("c{round}-{number}"));
                tokio::spawn(async move {
                    let mut new = accepted(call(&chain, 100), 1..=1, vec![job("crm", "begin")]);
                    new.call.external_name = "n".repeat(20_000);
                    let written = if number % 2 == 0 {
                        journal.write(move |txn| txn.accept(vec![new])).await
                    } else {
                        journal.apply(move |txn| txn.accept(vec![new])).await
                    };
                    (chain, written)
                })
            })
            .collect();
        for writer in writers {
            match writer.await.unwrap() {
                (chain, Ok(_)) => kept.push(chain),
                (chain, Err(error)) => {
                    assert!(matches!(error, Error::Full), "{error}");
                    assert!(error.to_string().contains("free space"), "{error}");
                    failed.push(chain);
                }
            }
        }
        if failed.len() > 20 {
            break;
        }
    }
    assert!(!kept.is_empty());
    (journal, kept, failed)
}

async fn check(journal: &Journal, kept: &[String], failed: &[String]) {
    for (chains, there) in [(kept, true), (failed, false)] {
        for chain in chains {
            let call = reference(chain);
            let found = journal.read(move |view| Ok((view.call(&call)?.is_some(), view.jobs_of(&call)?.len())));
            assert_eq!(found.await.unwrap(), (there, usize::from(there)), "{chain}");
        }
    }
}

#[test]
fn a_full_disk_is_named_keeps_nothing_of_what_failed_and_is_forgiven() {
    in_namespace(SMALL_DISK, &["full_disk::as_a_process_on_a_small_disk"]);
}

/// The other process; does nothing when it runs among the tests.
#[tokio::test]
async fn as_a_process_on_a_small_disk() {
    let Some(dir) = small_disk() else { return };
    let (journal, mut kept, failed) = fill(&dir).await;
    check(&journal, &kept, &failed).await;
    let error = Reader::open(&dir).unwrap().backup(&dir.join("copy"), |_, _| {}).unwrap_err();
    assert!(matches!(error, BackupError::Full(_)), "{error}");
    assert!(!dir.join("copy").exists() && !dir.join("copy.part").exists());

    fs::remove_file(dir.join("ballast")).unwrap();
    let new = accepted(call("afterwards", 100), 1..=1, vec![job("crm", "begin")]);
    journal.write(move |txn| txn.accept(vec![new])).await.expect("work goes on by itself");
    journal.close().await;
    kept.push("afterwards".to_owned());
    check(&Journal::open(&dir).unwrap(), &kept, &failed).await;
    println!("checked");
}

#[test]
fn a_service_that_is_killed_on_a_full_disk_has_all_that_was_accepted_when_there_is_space_again() {
    let names = ["full_disk::as_a_process_that_is_killed_on_a_full_disk", "full_disk::as_the_process_after_it"];
    in_namespace(SMALL_DISK, &names);
}

/// The first process; does nothing when it runs among the tests.
#[tokio::test]
async fn as_a_process_that_is_killed_on_a_full_disk() {
    let Some(dir) = small_disk() else { return };
    let (_journal, kept, failed) = fill(&dir).await;
    let notes = format!("{}\n{}", kept.join(" "), failed.join(" "));
    fs::write(std::env::var_os("NOTES").unwrap(), notes).unwrap();
    Command::new("kill").args(["-9", &std::process::id().to_string()]).status().unwrap();
}

/// The second process; does nothing when it runs among the tests.
#[tokio::test]
async fn as_the_process_after_it() {
    let Some(dir) = small_disk() else { return };
    let notes = fs::read_to_string(std::env::var_os("NOTES").unwrap()).unwrap();
    let mut notes = notes.lines().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let (kept, failed) = (notes.next().unwrap(), notes.next().unwrap());
    // While the disk is full it opens or says why it does not.
    match Journal::open(&dir) {
        Ok(journal) => {
            check(&journal, &kept, &failed).await;
            let new = accepted(call("more", 100), 1..=1, vec![]);
            let new = Accepted { call: Call { external_name: "n".repeat(200_000), ..new.call }, ..new };
            let error = journal.write(move |txn| txn.accept(vec![new])).await.unwrap_err();
            assert!(matches!(error, Error::Full), "{error}");
            journal.close().await;
        }
        Err(error) => assert!(matches!(error, OpenError::Journal { source: Error::Full, .. }), "{error}"),
    }
    fs::remove_file(dir.join("ballast")).unwrap();
    let journal = Journal::open(&dir).unwrap();
    check(&journal, &kept, &failed).await;
    journal.write(|txn| txn.accept(vec![accepted(call("new", 100), 1..=1, vec![])])).await.unwrap();
    println!("checked");
}

#[test]
fn a_read_only_disk_is_named() {
    in_namespace(
        "mount -t tmpfs tmpfs \"$DISK\"; export READ_ONLY=1; mkdir \"$DISK/data\"; mount -o remount,ro \"$DISK\"",
        &["full_disk::as_a_process_on_a_read_only_disk"],
    );
}

/// The other process; does nothing when it runs among the tests.
#[test]
fn as_a_process_on_a_read_only_disk() {
    let Some(dir) = std::env::var_os("DISK").filter(|_| std::env::var_os("READ_ONLY").is_some()) else { return };
    for dir in [Path::new(&dir).join("data"), Path::new(&dir).join("new")] {
        let error = Journal::open(&dir).unwrap_err();
        assert!(matches!(error, OpenError::Path { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("Read-only file system") && text.contains(&*dir.to_string_lossy()), "{text}");
    }
    println!("checked");
}
