//! How long a ring takes: from the event on the PBX's wire to the plugin's first request on the CRM's wire, with 1 and
//! with 50 calls at once, and one at a time while 1,000 calls go on; the memory that those take. The real program, the real Bitrix24 plugin; a bare PBX and a bare portal on loopback sockets.
//!
//! `cargo bench -p system-tests --bench ring`

mod bare;

use std::time::{Duration, Instant};

use anyhow::Result;
use bare::{
    Site,
    pbx::{caller, hang_up, ring},
    percentile,
    portal::{Manner, Portal},
};
use tokio::io::AsyncWriteExt;

/// Calls that ring, in groups of `at once`.
const CALLS: usize = 500;
/// Calls that go on meanwhile, in the end.
const OPEN: usize = 1000;

#[tokio::main]
async fn main() -> Result<()> {
    let portal = Portal::start(Manner::Prompt).await?;
    let mut site = Site::start(&[&portal]).await?;
    println!("ring on the wire → first request on the wire, {CALLS} calls each:");
    let mut next = 0;
    for at_once in [1, 50] {
        measure(&mut site, &portal, &mut next, at_once).await?;
    }
    let before = site.memory()?;
    for _ in 0..OPEN {
        let mut text = String::new();
        ring(next, &mut text);
        site.wire.write_all(text.as_bytes()).await?;
        portal.arrival("", caller(next)).await?;
        next += 1;
    }
    let open = site.memory()?;
    println!("while {OPEN} calls ring, with {open:.0} MiB resident instead of {before:.0} MiB:");
    measure(&mut site, &portal, &mut next, 1).await
}

/// So many calls, in groups; they are hung up.
async fn measure(site: &mut Site, portal: &Portal, next: &mut usize, at_once: usize) -> Result<()> {
    let mut waits = Vec::new();
    // The first group warms caches and connections up.
    for group in 0..=CALLS / at_once {
        let numbers: Vec<usize> = (*next..*next + at_once).collect();
        *next += at_once;
        let rung = Instant::now();
        let mut text = String::new();
        numbers.iter().for_each(|number| ring(*number, &mut text));
        site.wire.write_all(text.as_bytes()).await?;
        for number in &numbers {
            let arrived = portal.arrival("", caller(*number)).await?;
            if group > 0 {
                waits.push(arrived.saturating_duration_since(rung));
            }
        }
        let mut text = String::new();
        numbers.iter().for_each(|number| hang_up(*number, &mut text));
        site.wire.write_all(text.as_bytes()).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut at = |share| percentile(&mut waits, share);
    println!("  {at_once:>3} at once: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms", at(0.5), at(0.99), at(1.0));
    Ok(())
}
