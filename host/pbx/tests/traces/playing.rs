//! Plays a recording through codec, model and tracker.

use std::{collections::HashMap, path::Path};

use hookswitch_call::{Call, Chain, Event, Millis, Tracker};
use hookswitch_pbx::asterisk::{Decoder, Frame, Site, Switchboard};

/// How the recorded bytes are cut into reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Boundaries {
    Recorded,
    Whole,
    Bytes,
    Random(u64),
}

/// What came out.
pub(crate) struct History {
    pub(crate) start: Millis,
    pub(crate) events: Vec<Event>,
    pub(crate) calls: HashMap<String, Call>,
}

/// One recorded read.
struct Read {
    at: f64,
    end: usize,
}

/// The PBX of the recordings, as their README describes it.
pub(crate) fn site() -> Site {
    Site { trunks: vec!["PJSIP/trunk-provider".into()], inbound_contexts: vec!["from-trunk".into()], ..Site::default() }
}

impl History {
    pub(crate) fn play(trace: &Path, boundaries: Boundaries) -> Self {
        let bytes = std::fs::read(trace).expect("a readable recording");
        let (start, reads) = reads(&trace.with_extension("ts.jsonl"));
        let mut decoder = Decoder::default();
        let mut switchboard = Switchboard::new(site());
        let mut tracker = Tracker::new("office".into(), []).told_ring_ends();
        let mut events: Vec<Event> = Vec::new();
        let mut from = 0;
        for to in cuts(boundaries, &reads, bytes.len()) {
            let read = reads.iter().find(|read| read.end >= to).expect("every byte was read");
            let at = Millis((read.at * 1000.0) as u64);
            decoder.feed(&bytes[from..to]);
            from = to;
            while let Some(frame) = decoder.next() {
                let Frame::Message(message) = frame else { panic!("a recording holds messages only") };
                for signal in switchboard.apply(message, at) {
                    events.extend(tracker.apply(signal));
                }
            }
        }
        let chains: Vec<Chain> = events.iter().map(|event| event.chain.clone()).collect();
        let calls =
            chains.iter().map(|chain| (chain.to_string(), tracker.call(chain).expect("a call").clone())).collect();
        Self { start: Millis((start * 1000.0) as u64), events, calls }
    }
}

fn reads(path: &Path) -> (f64, Vec<Read>) {
    let text = std::fs::read_to_string(path).expect("the times of the recording");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let start = lines[0]["t"].as_f64().expect("a time");
    let reads = lines.iter().filter(|line| line["dir"] == "in").map(|line| {
        let number = |name: &str| usize::try_from(line[name].as_u64().expect("a number")).expect("a small number");
        Read { at: line["t"].as_f64().expect("a time"), end: number("off") + number("len") }
    });
    (start, reads.collect())
}

/// Where the reads end.
fn cuts(boundaries: Boundaries, reads: &[Read], length: usize) -> Vec<usize> {
    match boundaries {
        Boundaries::Recorded => reads.iter().map(|read| read.end).collect(),
        Boundaries::Whole => vec![length],
        Boundaries::Bytes => (1..=length).collect(),
        Boundaries::Random(seed) => {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut cuts = Vec::new();
            let mut at = 0;
            while at < length {
                // A read never holds what is sent after a pause.
                let burst = reads.windows(2).filter(|pair| pair[1].at - pair[0].at > 0.02).map(|pair| pair[0].end);
                let limit = burst.into_iter().find(|end| *end > at).unwrap_or(length);
                at = (at + random.usize(1..3000)).min(limit);
                cuts.push(at);
            }
            cuts
        }
    }
}
