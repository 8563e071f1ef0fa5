//! What the benches share: the load, the bare disk beside it, and how figures are summed up.

#![allow(dead_code, reason = "each bench uses a part of it")]

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hookswitch_call::{
    Call, Event, Millis, PbxName,
    event::{Confidence, What},
    record::State,
    signal::Direction,
};
use hookswitch_journal::{calls::Accepted, jobs::NewJob};

/// One measurement: how often per second, and how long each took.
pub(crate) struct Round {
    pub(crate) rate: f64,
    pub(crate) took: Vec<Duration>,
}

impl Round {
    pub(crate) fn new(began: Instant, took: Vec<Duration>) -> Self {
        Self { rate: took.len() as f64 / began.elapsed().as_secs_f64(), took }
    }

    /// In milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        let index = took.len().saturating_sub(1) * percent / 100;
        took.get(index).copied().unwrap_or_default().as_secs_f64() * 1e3
    }
}

/// False under `cargo test --all-targets`: then a bench only shows that it runs.
pub(crate) fn in_full() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// A directory of its own on the disk that is measured: that of the build, or of `HOOKSWITCH_BENCH_DIR`.
pub(crate) fn directory() -> tempfile::TempDir {
    let base = std::env::var_os("HOOKSWITCH_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    tempfile::tempdir_in(base).unwrap()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
}

/// What one sync per event costs at best: write 4 KiB, fdatasync.
pub(crate) fn bare_disk(dir: &Path, length: Duration) -> Round {
    let mut file = File::create(dir.join("bare")).unwrap();
    let mut took = Vec::new();
    let began = Instant::now();
    while began.elapsed() < length {
        let start = Instant::now();
        file.write_all(&[0xa5; 4096]).unwrap();
        file.sync_data().unwrap();
        took.push(start.elapsed());
    }
    Round::new(began, took)
}

/// One event of a call with one job, as they are accepted while a phone rings.
pub(crate) fn signal(number: usize, seq: u64) -> Accepted {
    let pbx = PbxName::from("office");
    let chain = hookswitch_call::Chain::from(format!("1763701234.{number}"));
    let call = Call {
        pbx: pbx.clone(),
        chain: chain.clone(),
        direction: Direction::Inbound,
        state: State::Ringing,
        external: Some("030 123456".to_owned()),
        external_name: "Example & Sons".to_owned(),
        line: "4930999".to_owned(),
        trunk: "sip-provider".to_owned(),
        from: None,
        target: None,
        crm_call: None,
        queues: vec!["sales".to_owned()],
        path: Vec::new(),
        agents: Vec::new(),
        leg: 0,
        transfer: None,
        awaiting_target: false,
        voicemail: false,
        in_queue: false,
        abandoned: false,
        recordings: Vec::new(),
        extra: Vec::new(),
        transcript: None,
        summary: None,
        started: Millis(1_763_701_234_000),
        changed: Millis(1_763_701_234_000 + seq),
        answered: None,
        ended: None,
        merged_into: None,
        seq,
    };
    let event = Event {
        pbx,
        chain,
        seq,
        leg: 0,
        at: call.changed,
        confidence: Confidence::Reported,
        what: What::Queued { queue: "sales".to_owned() },
    };
    let job =
        NewJob { plugin: "bitrix24".to_owned(), kind: "journal.begin".to_owned(), recording: None, due: call.changed };
    Accepted { call, number: Some("+4930123456".to_owned()), events: vec![event], jobs: vec![job] }
}
