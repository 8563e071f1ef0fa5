//! Memory: a large recording goes through the program in pieces.
//!
//! `HOOKSWITCH_LARGE_MIB` sets how large it is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use anyhow::{Result, ensure};

use system_tests::spool::long;

use crate::scene::{Scene, Special, the_long_way};

/// MiB where nothing else is said.
const USUAL: u64 = 96;
/// The program may take so much, its helpers included, in KiB.
const MOST_KIB: u64 = 100 * 1024;

/// What a process and all that it has started hold in memory, in KiB; what they share counts once.
fn resident(process: u32) -> u64 {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
    let status = read("smaps_rollup");
    let own =
        status.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> =
        children.flat_map(|ids| ids.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect();
    own.unwrap_or_default() + children.into_iter().map(resident).sum::<u64>()
}

#[tokio::test]
async fn a_large_recording_takes_little_memory() -> Result<()> {
    let mib = std::env::var("HOOKSWITCH_LARGE_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL);
    // 64 kbit/s is the most that an MP3 of 8 kHz has.
    for recordings in ["format = \"original\"", "format = \"mp3\"\nbitrate = 64"] {
        let special = Special { recordings: &format!("largest = \"2GiB\"\n{recordings}"), ..Special::default() };
        let mut setup = the_long_way();
        setup.portal.largest_body = usize::try_from((mib + 1) << 20)?;
        let scene = Scene::open_with(special, setup).await?;
        long(&scene.file(), mib)?;
        let process = scene.world.process()?;
        let (peak, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let watch = std::thread::spawn({
            let (peak, over) = (peak.clone(), over.clone());
            move || {
                while !over.load(Ordering::Relaxed) {
                    peak.fetch_max(resident(process), Ordering::Relaxed);
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            }
        });
        scene.call().await?;
        let call = scene.attached_within(1, std::time::Duration::from_secs(60 + mib)).await?;
        over.store(true, Ordering::Relaxed);
        watch.join().map_err(|_| anyhow::anyhow!("nobody watched"))?;
        let (peak, sent) = (peak.load(Ordering::Relaxed), &call["records"][0]["bytes"]);
        eprintln!("{recordings}: {mib} MiB, {sent} bytes sent, {} MiB of memory at most", peak / 1024);
        ensure!(peak < MOST_KIB, "{recordings}: {peak} KiB");
    }
    Ok(())
}
