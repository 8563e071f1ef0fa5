//! How many AMI messages a second go through codec, model and tracker on one core, over all recordings; beside it the
//! floor: the same bytes cut at empty lines and nothing else.
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::{hint::black_box, path::Path, time::Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hookswitch_call::{Millis, Tracker};
use hookswitch_pbx::asterisk::{Decoder, Frame, Site, Switchboard};

/// Bytes of one read, as a loaded connection gives them.
const READ: usize = 16 << 10;

fn recordings() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|extension| extension == "ami")).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Everything, as the program does it; returns the number of messages.
fn whole_way(streams: &[Vec<u8>]) -> u64 {
    let site = Site { trunks: vec!["PJSIP/trunk-provider".into()], ..Site::default() };
    let mut messages = 0;
    for stream in streams {
        let mut decoder = Decoder::default();
        let mut switchboard = Switchboard::new(site.clone());
        let mut tracker = Tracker::new("office".into(), []).told_ring_ends();
        for read in stream.chunks(READ) {
            decoder.feed(read);
            while let Some(frame) = decoder.next() {
                messages += 1;
                let Frame::Message(message) = frame else { continue };
                for signal in switchboard.apply(message, Millis(1_795_230_500_000)) {
                    black_box(tracker.apply(signal));
                }
            }
        }
    }
    messages
}

/// The floor: empty lines are found, nothing is understood.
fn cut_only(streams: &[Vec<u8>]) -> u64 {
    streams.iter().map(|stream| memchr::memmem::find_iter(stream, b"\r\n\r\n").count() as u64).sum()
}

fn rate(streams: &[Vec<u8>], way: fn(&[Vec<u8>]) -> u64) -> f64 {
    let rounds = 50;
    let begin = Instant::now();
    let messages: u64 = (0..rounds).map(|_| way(black_box(streams))).sum();
    messages as f64 / begin.elapsed().as_secs_f64()
}

fn ami(criterion: &mut Criterion) {
    let streams = recordings();
    let messages = whole_way(&streams);
    let bytes: usize = streams.iter().map(Vec::len).sum();
    let (whole, floor) = (rate(&streams, whole_way), rate(&streams, cut_only));
    println!("{messages} messages, {bytes} bytes in {} recordings", streams.len());
    println!("codec + model + tracker: {whole:.0} messages/s on one core");
    println!("floor (cut at empty lines): {floor:.0} messages/s; ratio {:.1}", floor / whole);

    let mut group = criterion.benchmark_group("ami");
    group.throughput(Throughput::Elements(messages));
    group.bench_function("codec, model, tracker", |bencher| bencher.iter(|| whole_way(black_box(&streams))));
    group.bench_function("floor: cut only", |bencher| bencher.iter(|| cut_only(black_box(&streams))));
    group.finish();
}

criterion_group!(benches, ami);
criterion_main!(benches);
