//! Durable accepts per second with many producers, as a multiple of one sync per event, beside the bare disk.
//!
//! `cargo bench -p hookswitch-journal --bench accept`. Rounds are interleaved, so that another load on the disk meets all
//! of them; the median round is shown. Set `HOOKSWITCH_BENCH_DIR` to measure another disk than that of the build.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

mod measure;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hookswitch_journal::{CallRef, Journal};

use measure::{Round, bare_disk, runtime, signal};

fn main() {
    let (rounds, length) =
        if measure::in_full() { (5, Duration::from_secs(2)) } else { (1, Duration::from_millis(100)) };

    type Measure = fn(&Path, Duration) -> Round;
    let measures: [(&str, Measure); 6] = [
        ("bare disk: write 4 KiB, fdatasync", bare_disk),
        ("accept,   1 producer", |dir, length| accept(dir, length, 1)),
        ("accept,  16 producers", |dir, length| accept(dir, length, 16)),
        ("accept, 256 producers", |dir, length| accept(dir, length, 256)),
        ("later (nobody waits)", later),
        ("read a call", read),
    ];
    let mut results: Vec<Vec<Round>> = measures.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((_, measure), rounds) in measures.iter().zip(&mut results) {
            let dir = measure::directory();
            rounds.push(measure(dir.path(), length));
        }
    }
    println!(
        "{:<36} {:>10} {:>9} {:>9} {:>12} {:>12}",
        "", "per second", "p50 ms", "p99 ms", "x 1 producer", "x bare disk"
    );
    let medians: Vec<Round> = results.into_iter().map(median).collect();
    let (disk, single) = (medians[0].rate, medians[1].rate);
    for ((name, _), round) in measures.iter().zip(&medians) {
        let Round { rate, .. } = round;
        println!(
            "{name:<36} {rate:>10.0} {:>9.3} {:>9.3} {:>12.1} {:>12.1}",
            round.percentile(50),
            round.percentile(99),
            rate / single,
            rate / disk
        );
    }
}

fn median(mut rounds: Vec<Round>) -> Round {
    rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let middle = rounds.len() / 2;
    rounds.swap_remove(middle)
}

fn accept(dir: &Path, length: Duration, producers: usize) -> Round {
    runtime().block_on(async {
        let journal = Journal::open(dir).unwrap();
        let began = Instant::now();
        let producers: Vec<_> = (0..producers)
            .map(|producer| {
                let journal = journal.clone();
                tokio::spawn(async move {
                    let mut took = Vec::new();
                    for seq in 1.. {
                        if began.elapsed() >= length {
                            break;
                        }
                        let new = signal(producer, seq);
                        let start = Instant::now();
                        journal.write(move |txn| txn.accept(vec![new])).await.unwrap();
                        took.push(start.elapsed());
                    }
                    took
                })
            })
            .collect();
        let mut took = Vec::new();
        for producer in producers {
            took.extend(producer.await.unwrap());
        }
        let round = Round::new(began, took);
        journal.close().await;
        round
    })
}

fn later(dir: &Path, length: Duration) -> Round {
    runtime().block_on(async {
        let journal = Journal::open(dir).unwrap();
        let new = signal(0, 1);
        let call = CallRef::from(&new.call);
        journal.write(move |txn| txn.accept(vec![new])).await.unwrap();
        let began = Instant::now();
        let mut took = Vec::new();
        while began.elapsed() < length {
            let call = call.clone();
            let start = Instant::now();
            journal.later("dossier", move |txn| txn.put_dossier(&call, "crm", &1.into())).await.unwrap();
            took.push(start.elapsed());
        }
        // What is still queued counts as unfinished time.
        journal.write(|_| Ok(())).await.unwrap();
        let round = Round::new(began, took);
        journal.close().await;
        round
    })
}

fn read(dir: &Path, length: Duration) -> Round {
    runtime().block_on(async {
        let journal = Journal::open(dir).unwrap();
        for producer in 0..100 {
            journal.write(move |txn| txn.accept(vec![signal(producer, 1)])).await.unwrap();
        }
        let began = Instant::now();
        let mut took = Vec::new();
        while began.elapsed() < length {
            let call = CallRef::from(&signal(took.len() % 100, 1).call);
            let start = Instant::now();
            assert!(journal.read(move |view| view.call(&call)).await.unwrap().is_some());
            took.push(start.elapsed());
        }
        let round = Round::new(began, took);
        journal.close().await;
        round
    })
}
