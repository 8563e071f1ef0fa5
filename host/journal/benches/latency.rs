//! How long an event waits from being handed in to being durable, at 1,000 events per second whether or not the journal
//! keeps up, beside one sync of the bare disk.
//!
//! `cargo bench -p hookswitch-journal --bench latency`. Rounds are interleaved; the figures are of all rounds together,
//! so that rare stalls count.

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

mod measure;

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use hookswitch_journal::Journal;
use tokio::runtime::Runtime;

use measure::{Round, bare_disk, runtime, signal};

/// Events per second.
const RATE: u32 = 1_000;

/// Calls that the events are of.
const CALLS: usize = 256;

fn main() {
    let (rounds, length) =
        if measure::in_full() { (25, Duration::from_secs(2)) } else { (1, Duration::from_millis(100)) };
    let dir = measure::directory();
    let runtime = runtime();
    let journal = Journal::open(dir.path()).unwrap();
    let (mut disk, mut accepted) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        disk.extend(bare_disk(dir.path(), length / 4).took);
        accepted.extend(accept(&journal, &runtime, length, round));
    }
    runtime.block_on(journal.close());
    let [disk, accepted] = [disk, accepted].map(|took| Round { rate: 0.0, took });
    println!("{:<40} {:>9} {:>9} {:>9} {:>9}", "ms", "samples", "p50", "p99", "max");
    for (name, round) in [("bare disk: write 4 KiB, fdatasync", &disk), ("accept at 1,000 per second", &accepted)] {
        let [p50, p99, max] = [50, 99, 100].map(|percent| round.percentile(percent));
        println!("{name:<40} {:>9} {p50:>9.3} {p99:>9.3} {max:>9.3}", round.took.len());
    }
    println!("accept, p99: {:.1} x the p99 of one fdatasync (goal: 3)", accepted.percentile(99) / disk.percentile(99));
}

/// How long each event took from hand-in to acknowledgement.
fn accept(journal: &Journal, runtime: &Runtime, length: Duration, round: usize) -> Vec<Duration> {
    let (done, results) = mpsc::channel();
    let began = Instant::now();
    for number in 0.. {
        let due = Duration::from_secs(1) / RATE * number;
        if due >= length {
            break;
        }
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let number = number as usize;
        let new = signal(round * CALLS + number % CALLS, (number / CALLS) as u64 + 1);
        let (journal, done) = (journal.clone(), done.clone());
        let handed_in = Instant::now();
        runtime.spawn(async move {
            journal.write(move |txn| txn.accept(vec![new])).await.unwrap();
            done.send(handed_in.elapsed()).unwrap();
        });
    }
    drop(done);
    results.iter().collect()
}
