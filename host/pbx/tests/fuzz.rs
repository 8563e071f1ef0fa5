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
use hookswitch_pbx::{
    Route,
    asterisk::{Decoder, Frame, Roster, Site, Switchboard, agi},
};

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
        let (mut decoder, mut roster) = (Decoder::default(), Roster::new(site.clone()));
        let mut switchboard = Switchboard::new(site);
        roster.begin_listing();
        let mut tracker = Tracker::new("office".into(), []).told_ring_ends();
        let mut events: Vec<Event> = Vec::new();
        for (number, read) in stream.chunks(usize::from(step).max(1)).enumerate() {
            decoder.feed(read);
            while let Some(frame) = decoder.next() {
                let Frame::Message(message) = frame else { continue };
                assert!(roster.apply(message).len() <= 10_000);
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

/// Splits a command as the dial plan's side does: words between blanks, quotes around blanks, `\\` before what means
/// itself.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quoted, mut escaped, mut inside) = (Vec::new(), false, false, false);
    for char in command.chars() {
        if !inside && (char != ' ' || quoted) {
            words.push(String::new());
            inside = true;
        }
        match char {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            '"' => {
                quoted = !quoted;
                continue;
            }
            ' ' if !quoted => {
                inside = false;
                continue;
            }
            _ => {}
        }
        words.last_mut().unwrap().push(char);
    }
    words
}

#[test]
fn no_bytes_of_a_dial_plan_break_the_reading_of_a_question() {
    let lines: [&[u8]; 8] = [
        b"agi_network: yes\n",
        b"agi_network_script: /route\n",
        b"agi_callerid: +4930\n",
        b"agi_dnid: unknown\n",
        b"agi_extension: s\n",
        b"agi_arg_1: +49\n",
        b"\n",
        b"200 result=1 (x)\n",
    ];
    bolero::check!().with_type::<Vec<(u8, Vec<u8>)>>().with_test_time(time()).for_each(|pieces| {
        let mut bytes = Vec::new();
        for (line, noise) in pieces {
            bytes.extend_from_slice(lines.get(usize::from(*line)).unwrap_or(&noise.as_slice()));
        }
        if let Some(head) = agi::Head::parse(&bytes) {
            assert!(bytes.windows(16).any(|window| window == b"agi_network: yes"), "it said that it is FastAGI");
            let texts = [&head.script, &head.call, &head.caller, &head.line];
            assert!(texts.iter().all(|text| !text.contains('\n')), "{head:?}");
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            agi::Reply::parse(line);
        }
    });
}

#[test]
fn no_text_of_a_route_leaves_its_place_in_a_command() {
    bolero::check!().with_type::<(Option<String>, Option<String>)>().cloned().with_test_time(time()).for_each(
        |(name, target)| {
            let plain = |text: &Option<String>| -> String {
                text.as_deref().unwrap_or_default().chars().filter(|char| !char.is_control()).collect()
            };
            let mut values = vec![("HOOKSWITCH_TARGET", plain(&target)), ("HOOKSWITCH_NAME", plain(&name))];
            values.extend(name.is_some().then(|| ("CALLERID(name)", plain(&name))));
            let commands = agi::commands(&Route { name, target });
            assert_eq!(commands.len(), values.len());
            for (command, (variable, value)) in commands.iter().zip(values) {
                let line = command.strip_suffix('\n').expect("a line end");
                assert!(!line.chars().any(char::is_control), "{line:?}");
                assert_eq!(words(line), ["SET", "VARIABLE", variable, &value], "{line:?}");
            }
        },
    );
}
