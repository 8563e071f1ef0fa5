//! A disk without space and one that takes no changes: small file systems in a mount namespace of their own.

use std::{fs, path::Path, process::Command};

use hookswitch_journal::{Error, Journal, OpenError};

use crate::world::{accepted, call, job, reference};

/// Runs the test `name` of this program in a namespace where `$DISK` is an empty directory, after `mount`. On a machine
/// that gives nobody such a namespace it says so: what a full disk does is tested in the writer's own tests as well.
fn in_namespace(mount: &str, name: &str) {
    let possible = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !possible.is_ok_and(|probe| probe.status.success()) {
        eprintln!("not tested: this machine has no user namespaces with mounts");
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    let run = Command::new("unshare")
        .args(["-rm", "sh", "-e", "-c", &format!("{mount}\nexec \"$PROGRAM\" --exact {name} --nocapture")])
        .env("DISK", disk.path())
        .env("PROGRAM", std::env::current_exe().unwrap())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && said.contains("checked"), "{said}");
}

#[test]
fn a_full_disk_is_named_keeps_nothing_of_what_failed_and_is_forgiven() {
    in_namespace("mount -t tmpfs -o size=8m tmpfs \"$DISK\"", "full_disk::as_a_process_on_a_small_disk");
}

/// The other process; does nothing when it runs among the tests.
#[tokio::test]
async fn as_a_process_on_a_small_disk() {
    let Some(dir) = std::env::var_os("DISK").filter(|_| std::env::var_os("READ_ONLY").is_none()) else { return };
    let dir = Path::new(&dir);
    let ballast = dir.join("ballast");
    // More than the other half: what the log holds is copied into the database when the journal is closed.
    fs::write(&ballast, vec![1; 5 << 20]).unwrap();
    let journal = Journal::open(dir).unwrap();

    let mut accepted_calls = Vec::new();
    let mut failed = Vec::new();
    for round in 0.. {
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let (journal, chain) = (journal.clone(), format!("c{round}-{number}"));
                tokio::spawn(async move {
                    let mut new = accepted(call(&chain, 100), 1..=1, vec![job("crm", "begin")]);
                    new.call.external_name = "n".repeat(20_000);
                    (chain, journal.write(move |txn| txn.accept(vec![new])).await)
                })
            })
            .collect();
        for writer in writers {
            match writer.await.unwrap() {
                (chain, Ok(_)) => accepted_calls.push(chain),
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
    assert!(!accepted_calls.is_empty());
    fs::remove_file(&ballast).unwrap();
    let new = accepted(call("afterwards", 100), 1..=1, vec![]);
    journal.write(move |txn| txn.accept(vec![new])).await.expect("work goes on by itself");
    journal.close().await;

    let journal = Journal::open(dir).unwrap();
    accepted_calls.push("afterwards".to_owned());
    for (chains, there) in [(accepted_calls, true), (failed, false)] {
        for chain in chains {
            let found = journal.read({
                let call = reference(&chain);
                move |view| Ok(view.call(&call)?.is_some())
            });
            assert_eq!(found.await.unwrap(), there, "{chain}");
        }
    }
    println!("checked");
}

#[test]
fn a_read_only_disk_is_named() {
    in_namespace(
        "mount -t tmpfs tmpfs \"$DISK\"; export READ_ONLY=1; mkdir \"$DISK/data\"; mount -o remount,ro \"$DISK\"",
        "full_disk::as_a_process_on_a_read_only_disk",
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
