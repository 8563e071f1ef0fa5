//! Hostile bytes on the wire of a manager interface: recordings that are cut, mixed and altered, and plain noise.
//!
//! Runs for a moment in the test suite; `HOOKSWITCH_FUZZ_SECONDS=600` makes it long.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::{
    collections::HashMap,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use hookswitch_call::{Event, Millis, Tracker};
use hookswitch_pbx::asterisk::{Decoder, Frame, Site, Switchboard};

/// One thing that happens to the stream.
#[derive(Clone, Debug, bolero::TypeGenerator)]
enum Piece {
    /// Lines of a recording, by number and count.
    Lines(u16, u8),
    /// A line of a recording whose value is replaced by that of another line.
    Mixed(u16, u16),
    /// A message's end.
    End,
    Noise(Vec<u8>),
}

fn time() -> Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

fn lines() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ami"));
    files.sort();
    let split = |path: &_| {
        std::fs::read(path).unwrap().split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    files.iter().flat_map(split).collect()
}

fn mixed(name: &[u8], value: &[u8]) -> Vec<u8> {
    let cut = |line: &[u8]| line.iter().position(|b| *b == b':').map_or(0, |at| at + 1);
    [&name[..cut(name)], &value[cut(value)..]].concat()
}

#[test]
fn no_bytes_of_a_phone_system_break_the_codec_the_model_or_the_history() {
    let lines = lines();
    let started = std::time::Instant::now();
    let inputs = AtomicU64::new(0);
    bolero::check!().with_type::<(Vec<Piece>, u16)>().cloned().with_test_time(time()).for_each(|(pieces, step)| {
        inputs.fetch_add(1, Ordering::Relaxed);
        let line = |number: u16| &lines[usize::from(number) % lines.len()];
        let mut stream = b"Asterisk Call Manager/9.0.0\r\n".to_vec();
        for piece in &pieces {
            match piece {
                Piece::Lines(from, count) => {
                    let from = usize::from(*from) % lines.len();
                    stream.extend(lines[from..].iter().take(usize::from(*count)).flatten());
                }
                Piece::Mixed(name, value) => stream.extend(mixed(line(*name), line(*value))),
                Piece::End => stream.extend(b"\r\n"),
                Piece::Noise(bytes) => stream.extend(bytes),
            }
        }
        let site = Site {
            trunks: vec!["PJSIP/trunk-provider".into()],
            inbound_contexts: vec!["from-trunk".into()],
            ..Site::default()
        };
        let (mut decoder, mut switchboard) = (Decoder::default(), Switchboard::new(site));
        let mut tracker = Tracker::new("office".into(), []).told_ring_ends();
        let mut events: Vec<Event> = Vec::new();
        for (number, read) in stream.chunks(usize::from(step).max(1)).enumerate() {
            decoder.feed(read);
            while let Some(frame) = decoder.next() {
                let Frame::Message(message) = frame else { continue };
                for signal in switchboard.apply(message, Millis(1_000 + number as u64)) {
                    events.extend(tracker.apply(signal));
                }
            }
        }
        let mut ends: HashMap<_, u32> = HashMap::new();
        for event in &events {
            assert!(tracker.call(&event.chain).is_some(), "an event of a call that nobody knows: {event:?}");
            if event.what.name() == "ended" {
                *ends.entry(event.chain.clone()).or_default() += 1;
            }
        }
        assert!(ends.values().all(|count| *count == 1), "a call ended twice: {ends:?}");
    });
    println!("{} streams in {:?}", inputs.load(Ordering::Relaxed), started.elapsed());
}
