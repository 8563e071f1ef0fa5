//! Calls and journals to try things on.

use std::path::Path;

use hookswitch_call::{
    Call, Event, Millis, PbxName,
    event::{Confidence, Outcome, What},
    record::{Ending, State},
    signal::{Direction, Reason, Side},
};
use hookswitch_journal::{
    CallRef, Journal,
    calls::{Accepted, Receipt},
    jobs::NewJob,
};
use tempfile::TempDir;

/// A journal in a directory of its own.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) journal: Journal,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        Self { dir, journal }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Stops the service and starts it again.
    pub(crate) async fn restart(self) -> Self {
        let Self { dir, journal } = self;
        journal.close().await;
        let journal = Journal::open(dir.path()).unwrap();
        Self { dir, journal }
    }

    pub(crate) async fn accept(&self, accepted: Accepted) -> Receipt {
        self.journal.write(move |txn| txn.accept(vec![accepted])).await.unwrap().pop().unwrap()
    }

    /// The journal's file, to be damaged.
    pub(crate) fn file(dir: &Path) -> std::path::PathBuf {
        dir.join("hookswitch.db")
    }
}

pub(crate) fn reference(chain: &str) -> CallRef {
    CallRef { pbx: "office".into(), chain: chain.into() }
}

/// An inbound call that began at `started` and is not over.
pub(crate) fn call(chain: &str, started: u64) -> Call {
    Call {
        pbx: PbxName::from("office"),
        chain: chain.into(),
        direction: Direction::Inbound,
        state: State::Ringing,
        external: Some("030 123456".to_owned()),
        external_name: String::new(),
        line: "4930999".to_owned(),
        trunk: "sip".to_owned(),
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
        started: Millis(started),
        changed: Millis(started),
        answered: None,
        ended: None,
        merged_into: None,
        seq: 0,
    }
}

/// The same, over since `at`.
pub(crate) fn ended(mut call: Call, at: u64, outcome: Outcome) -> Call {
    call.state = State::Ended;
    call.changed = Millis(at);
    call.ended = Some(Ending {
        at: Millis(at),
        outcome,
        reason: Reason::Normal,
        cause: Some(16),
        by: Side::External,
        credited: None,
        last_leg_missed: false,
        given_up: false,
    });
    call
}

pub(crate) fn event(chain: &str, seq: u64) -> Event {
    Event {
        pbx: PbxName::from("office"),
        chain: chain.into(),
        seq,
        leg: 0,
        at: Millis(1_000 + seq),
        confidence: Confidence::Reported,
        what: What::Queued { queue: format!("queue {seq}") },
    }
}

pub(crate) fn job(plugin: &str, kind: &str) -> NewJob {
    NewJob { plugin: plugin.to_owned(), kind: kind.to_owned(), recording: None, due: Millis(5_000) }
}

/// `call` after the events `seqs`, with `jobs`.
pub(crate) fn accepted(mut call: Call, seqs: impl IntoIterator<Item = u64>, jobs: Vec<NewJob>) -> Accepted {
    let events: Vec<_> = seqs.into_iter().map(|seq| event(call.chain.as_str(), seq)).collect();
    call.seq = events.last().map_or(call.seq, |event| event.seq);
    Accepted { call, number: Some("+4930123456".to_owned()), events, jobs }
}

pub(crate) fn kept(receipt: Receipt) -> Vec<hookswitch_journal::JobId> {
    match receipt {
        Receipt::Kept(jobs) => jobs,
        Receipt::Repeated => panic!("the events were there already"),
    }
}
