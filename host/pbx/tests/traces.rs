//! Real recordings of a live Asterisk go through codec, model and tracker, and must give the call history that
//! happened. See `tests/traces/README.md` in the repository's root for what the recordings are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "traces/expectation.rs"]
mod expectation;
#[path = "traces/playing.rs"]
mod playing;

use std::path::{Path, PathBuf};

use expectation::Expectation;
use playing::{Boundaries, History};

/// Allowed difference between the recorded and the reported time of a fact.
const TOLERANCE_MS: i64 = 50;

fn traces() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces");
    let mut traces: Vec<_> = std::fs::read_dir(&folder)
        .expect("the recordings are part of the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ami"))
        .filter(|path| path.with_extension("expected.json").exists())
        .collect();
    traces.sort();
    assert!(traces.len() > 20, "the recordings are there");
    traces
}

fn check(boundaries: Boundaries, times: Option<i64>) {
    let mut failures = String::new();
    for trace in traces() {
        let history = History::play(&trace, boundaries);
        let expectation = Expectation::read(&trace.with_extension("expected.json"));
        let complaints = expectation.complaints(&history, times);
        if !complaints.is_empty() {
            failures += &format!("\n{}\n{complaints}", trace.display());
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_recording_gives_the_history_that_happened() {
    check(Boundaries::Recorded, Some(TOLERANCE_MS));
}

#[test]
fn a_single_read_of_the_whole_stream_gives_the_same_history() {
    check(Boundaries::Whole, None);
}

#[test]
fn reads_of_one_byte_give_the_same_history() {
    check(Boundaries::Bytes, Some(TOLERANCE_MS));
}

#[test]
fn reads_of_any_size_give_the_same_history() {
    for seed in 0..5 {
        check(Boundaries::Random(seed), Some(TOLERANCE_MS));
    }
}
