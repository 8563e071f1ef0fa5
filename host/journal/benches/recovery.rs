//! How long a start takes with 100,000 unfinished jobs of 12,500 calls, after the process was killed.
//!
//! `cargo bench -p hookswitch-journal --bench recovery`. The files are copied while the journal is open, as a killed
//! process leaves them; each round opens a new copy, and reads what is still to be done.

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

mod measure;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use hookswitch_call::PbxName;
use hookswitch_journal::{Journal, jobs::NewJob};

use measure::{Round, runtime, signal};

fn main() {
    let (rounds, calls) = if measure::in_full() { (9, 12_500) } else { (1, 100) };
    let left = measure::directory();
    let journal = fill(left.path(), calls);
    let (mut opened, mut open_calls, mut backlog) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let copy = measure::directory();
        for file in ["hookswitch.db", "hookswitch.db-wal"] {
            fs::copy(left.path().join(file), copy.path().join(file)).unwrap();
        }
        let began = Instant::now();
        let journal = Journal::open(copy.path()).unwrap();
        opened.push(began.elapsed());
        let runtime = runtime();
        open_calls.push(timed(|| {
            let pbx = PbxName::from("office");
            let found = journal.read(move |view| view.open_calls(&pbx, hookswitch_call::Millis(u64::MAX >> 1)));
            assert_eq!(runtime.block_on(found).unwrap().len(), calls);
        }));
        backlog.push(timed(|| {
            let found = journal.read(|view| view.backlog("bitrix24"));
            assert_eq!(runtime.block_on(found).unwrap().len(), calls * 8);
        }));
        runtime.block_on(journal.close());
    }
    runtime().block_on(journal.close());
    println!("{} unfinished jobs of {calls} calls; medians of {rounds} rounds, ms", calls * 8);
    for (name, took) in [("Journal::open", opened), ("open_calls", open_calls), ("backlog", backlog)] {
        println!("{name:<16} {:>9.1}", Round { rate: 0.0, took }.percentile(50));
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// A journal of `calls` calls that are not over, with eight waiting jobs each.
fn fill(dir: &Path, calls: usize) -> Journal {
    runtime().block_on(async {
        let journal = Journal::open(dir).unwrap();
        for first in (0..calls).step_by(100) {
            let accepted = (first..calls.min(first + 100))
                .map(|number| {
                    let mut accepted = signal(number, 1);
                    let due = accepted.call.changed;
                    let job = |number| NewJob {
                        plugin: "bitrix24".to_owned(),
                        kind: format!("journal.{number}"),
                        recording: None,
                        due,
                    };
                    accepted.jobs = (0..8).map(job).collect();
                    accepted
                })
                .collect();
            journal.write(move |txn| txn.accept(accepted)).await.unwrap();
        }
        journal
    })
}
