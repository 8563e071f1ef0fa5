//! A disk without space is no recording's fault: the MP3 is tried again later.

use std::{fs, path::PathBuf, process::Command};

use hookswitch_audio::{Channels, Failure};

use crate::{
    place::{command, mp3},
    tests, voice, wave,
};

tests!(a_full_disk_is_a_failure_and_leaves_nothing_behind);

/// The argument by which this program is told to convert a recording, in a namespace of its own: the folder follows, and the
/// disk.
pub(crate) const WRITER: &str = "write-to-a-full-disk";

pub(crate) async fn writer(arguments: impl Iterator<Item = String>) {
    let paths: Vec<PathBuf> = arguments.map(Into::into).collect();
    let [folder, disk] = &paths[..] else { panic!("two folders") };
    let (input, output) = (folder.join("recording"), disk.join("out.mp3"));
    let convert = async || {
        hookswitch_audio::process(&command(), &mp3(64, Channels::Keep), &input, &output, &Default::default()).await
    };
    assert!(convert().await.unwrap().converted);
    let whole = fs::read(&output).unwrap();
    // LAME notices that there is no room in the middle, and not that there is none for the last bytes.
    for left in (4..).step_by(4) {
        fs::remove_file(&output).unwrap_or_default();
        fs::write(disk.join("ballast"), vec![1; (1024 - left) << 10]).unwrap();
        match convert().await {
            Ok(facts) => {
                assert!(facts.converted && fs::read(&output).unwrap() == whole, "{left} KiB left: {facts:?}");
                assert!(left << 10 > whole.len(), "{left} KiB left for {} bytes", whole.len());
                break;
            }
            Err(failure) => {
                assert!(matches!(failure, Failure::Output { .. }), "{left} KiB left: {failure}");
                assert!(failure.to_string().contains("No space left"), "{left} KiB left: {failure}");
                assert!(!output.exists());
            }
        }
    }
    println!("checked");
}

/// On a machine that gives nobody a mount namespace it says so.
async fn a_full_disk_is_a_failure_and_leaves_nothing_behind() {
    let possible = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !possible.is_ok_and(|probe| probe.status.success()) {
        eprintln!("not tested: this machine has no user namespaces with mounts");
        return;
    }
    let (folder, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recording = wave::pcm16(8_000, 1, &voice::interleaved(8_000, 1));
    fs::write(folder.path().join("recording"), recording).unwrap();
    let steps = format!("mount -t tmpfs -o size=1m tmpfs \"$DISK\"\n\"$PROGRAM\" {WRITER} \"$FOLDER\" \"$DISK\"");
    let run = Command::new("unshare")
        .args(["-rm", "sh", "-e", "-c", &steps])
        .env("DISK", disk.path())
        .env("FOLDER", folder.path())
        .env("PROGRAM", std::env::current_exe().unwrap())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && said.contains("checked"), "{said}");
}
