//! Hostile events, records and files: nothing panics, and no call ends twice.
//!
//! Runs for a moment in the test suite; `HOOKSWITCH_FUZZ_SECONDS=600` makes it long.

use std::time::Duration;

use hookswitch_call::Millis;
use hookswitch_pbx::rostelecom::{Codes, Log, Posted, Words, Zone, history};
use serde_json::{Value, json};

use crate::{Desk, START, info};

fn time() -> Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// One thing that happens.
#[derive(Clone, Debug, bolero::TypeGenerator)]
enum Piece {
    /// An event: call, type, state, both pins, seconds after the start.
    Event(u8, u8, u8, u8, u8, u8),
    /// A record with this log: second, code, subject.
    Record(Vec<(u8, u8, u8)>, u8, u8),
    NoRecord,
    Past(u8, Vec<(u8, u8, u8)>),
    Wait(u16),
    Restart,
}

fn pick<'a>(from: &[&'a str], at: u8) -> &'a str {
    from[usize::from(at) % from.len()]
}

const SUBJECTS: [&str; 7] = ["admin", "bob", "79990001122", "102", "Sales", "", "sip:carol@example.rt.ru"];

fn written(log: &[(u8, u8, u8)], kind: u8, state: u8) -> Value {
    let entry = |(at, code, subject): &(u8, u8, u8)| {
        format!("{at}:{}:{};", pick(&["el", "ru", "ct", "cc", "cd", "zz"], *code), pick(&SUBJECTS, *subject))
    };
    let mut info = info(&log.iter().map(entry).collect::<String>(), u64::from(state));
    (info["direction"], info["state"], info["call_type"]) = ((kind % 4).into(), (state % 4).into(), (kind / 64).into());
    info["is_voicemail"] = (state > 250).into();
    info
}

#[test]
fn no_story_ends_a_call_twice() {
    bolero::check!().with_type::<Vec<Piece>>().cloned().with_test_time(time()).for_each(|pieces| {
        let mut desk = Desk::open();
        for piece in pieces {
            match piece {
                Piece::Event(call, kind, state, from, to, at) => {
                    let event = json!({
                        "session_id": format!("s{}", call % 3),
                        "timestamp": Zone::default().write(Millis(START + u64::from(at) * 1000)),
                        "type": pick(&["incoming", "outbound", "internal", "strange"], kind),
                        "state": pick(&["new", "calling", "connected", "disconnected", "end", "analytics"], state),
                        "from_number": pick(&SUBJECTS, from), "from_pin": pick(&["", "102", "103"], from),
                        "request_number": pick(&SUBJECTS, to), "request_pin": pick(&["", "102", "103", "800"], to),
                        "is_record": "true",
                    });
                    desk.hear(&event);
                }
                Piece::Record(log, kind, state) => drop(desk.answer(Some(&written(&log, kind, state)))),
                Piece::NoRecord => drop(desk.answer(None)),
                Piece::Past(call, log) => {
                    let record = crate::record(&format!("s{}", call % 3), &written(&log, call, call), &desk.words);
                    if desk.ledger.find(&record, desk.now) == hookswitch_pbx::rostelecom::Found::New {
                        desk.past(&record);
                    }
                }
                Piece::Wait(seconds) => desk.pass(Duration::from_secs(seconds.into())),
                Piece::Restart => {
                    let calls: Vec<_> =
                        (0..3).filter_map(|n| desk.tracker.call(&format!("s{n}").into()).cloned()).collect();
                    let events = std::mem::take(&mut desk.events);
                    desk = Desk { events, ..Desk::after(&calls) };
                }
            }
        }
        let mut ends = std::collections::HashMap::new();
        for event in desk.events.iter().filter(|event| event.what.name() == "ended") {
            *ends.entry(&event.chain).or_insert(0) += 1;
        }
        assert!(ends.values().all(|count| *count == 1), "{ends:?}");
    });
}

#[test]
fn no_bytes_break_the_readers() {
    bolero::check!().with_type::<Vec<u8>>().with_test_time(time()).for_each(|bytes| {
        let _ = Posted::read(bytes, Millis(START), &Zone::default());
        let _ = Log::read(&String::from_utf8_lossy(bytes), &Codes::default());
        for magic in [b"PK\x03\x04".as_slice(), b"\x1f\x8b\x08\x00", b""] {
            let _ = history::read(&[magic, bytes].concat(), &Words::default());
        }
    });
}
