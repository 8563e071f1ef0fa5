//! Whatever the PBX says, in whatever order, twice or not at all.

use std::{collections::HashMap, time::Duration};

use hookswitch_call::{Event, Millis, Tracker};
use hookswitch_pbx::three_cx::{Board, Dn, Message, Order, Participant, Rules, Seat, history};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::office::{Office, inside, outside, with};

/// Something that happens.
#[derive(Clone, Debug)]
enum Happens {
    Is(usize, u64, u64, &'static str, u8),
    Gone(usize, u64),
    RollCall,
    Gap,
    Passes(u64),
    Order,
}

const NUMBERS: [&str; 5] = ["101", "102", "103", "804", "900"];

fn happens() -> impl Strategy<Value = Happens> {
    let id = 1..8_u64;
    prop_oneof![
        6 => (0..NUMBERS.len(), id.clone(), 1..4_u64, select(vec!["Ringing", "Dialing", "Connected", "Else"]), 0..5_u8)
            .prop_map(|(dn, id, call, status, party)| Happens::Is(dn, id, call, status, party)),
        4 => (0..NUMBERS.len(), id).prop_map(|(dn, id)| Happens::Gone(dn, id)),
        1 => Just(Happens::RollCall),
        1 => Just(Happens::Gap),
        2 => (0..30_u64).prop_map(Happens::Passes),
        1 => Just(Happens::Order),
    ]
}

fn party(kind: u8) -> Value {
    match kind {
        0 => outside(),
        1 => inside("102"),
        2 => with(outside(), json!({ "referred_by_dn": "101", "referred_by_type": "Wextension" })),
        3 => with(outside(), json!({ "on_behalf_of_dn": "804", "on_behalf_of_type": "Wqueue" })),
        _ => json!({ "party_dn_type": "Wspecialmenu", "party_dn": "666" }),
    }
}

/// What holds of every history of events.
fn is_sound(events: &[Event], tracker: &Tracker) {
    let mut ends: HashMap<_, u32> = HashMap::new();
    let mut last: HashMap<_, u64> = HashMap::new();
    for event in events {
        assert!(tracker.call(&event.chain).is_some(), "an event of a call that nobody knows: {event:?}");
        let before = last.insert(event.chain.clone(), event.seq);
        assert!(before.is_none_or(|before| before < event.seq), "out of order: {event:?}");
        if event.what.name() == "ended" {
            *ends.entry(event.chain.clone()).or_default() += 1;
        }
    }
    assert!(ends.values().all(|count| *count == 1), "a call ended twice: {ends:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_call_ends_once_and_none_stays_when_everybody_has_left(story in proptest::collection::vec(happens(), 0..60)) {
        let mut office = Office::open();
        for what in story {
            match what {
                Happens::Is(dn, id, call, status, kind) => office.is(NUMBERS[dn], id, call, status, party(kind)),
                Happens::Gone(dn, id) => office.gone(NUMBERS[dn], id),
                Happens::RollCall => {
                    let there = office.present();
                    office.hear(|board, now| board.roll_call(Office::numbers(&there), now));
                }
                Happens::Gap => {
                    let there = office.present();
                    office.reconnect(&there);
                    office.resynced();
                }
                Happens::Passes(seconds) => office.pass(seconds),
                Happens::Order => {
                    let order = Order { from: "101".into(), number: "+4420000001".into(), crm_call: None };
                    let now = office.now;
                    office.board.expect(order, now, Millis(now.0 + 20_000));
                }
            }
        }
        office.hear(|board, now| board.roll_call(Office::numbers(&[]), now));
        office.pass(30);
        prop_assert_eq!(office.board.alive(), []);
        prop_assert_eq!(office.board.due(), None);
        is_sound(&office.events, &office.tracker);
        office.resynced();
        prop_assert_eq!(office.tracker.open(), []);
    }

    #[test]
    fn what_is_said_twice_is_said_once(story in proptest::collection::vec(happens(), 0..40)) {
        let (mut once, mut twice) = (Office::open(), Office::open());
        for what in story {
            if let Happens::Is(dn, id, call, status, kind) = what {
                once.is(NUMBERS[dn], id, call, status, party(kind));
                twice.is(NUMBERS[dn], id, call, status, party(kind));
                twice.now = once.now;
                let again = twice.present().into_iter().find(|one| one["id"] == id).unwrap();
                let again = Participant::read(&serde_json::to_vec(&again).unwrap()).unwrap();
                let said = twice.board.seat(Seat { dn: NUMBERS[dn].into(), id }, &again, twice.now);
                prop_assert_eq!(said, []);
            } else if let Happens::Gone(dn, id) = what {
                once.gone(NUMBERS[dn], id);
                twice.gone(NUMBERS[dn], id);
            }
        }
        prop_assert_eq!(once.story(), twice.story());
    }
}

fn time() -> Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

#[test]
fn no_bytes_of_a_3cx_break_the_codec_the_board_or_the_history() {
    let messages = [
        r#"{"sequence": 18, "event": {"event_type": 0, "entity": "/callcontrol/101/participants/7", "attached_data": null}}"#.to_owned(),
        with(json!({ "id": 1, "dn": "101", "status": "Ringing", "callid": 7 }), outside()).to_string(),
        json!([{ "dn": "101", "type": "Wextension", "participants": [with(json!({ "id": 1, "status": "Connected", "callid": 7 }), outside())] }])
            .to_string(),
        json!([{ "MainCallHistoryId": "a", "StartTime": "2024-03-05T09:20:00Z", "RingingDuration": "PT5S", "TalkingDuration": "PT5S",
                 "SourceType": 1, "SourceCallerId": "1", "DestinationType": 0, "DestinationDn": "101", "Answered": true }])
        .to_string(),
    ];
    bolero::check!().with_type::<Vec<(u8, Vec<(u16, u8)>)>>().cloned().with_test_time(time()).for_each(|pieces| {
        let mut board = Board::new(Rules::default(), []);
        let mut tracker = Tracker::new("office".into(), []).told_ring_ends();
        let mut events = Vec::new();
        let mut at = 1_709_630_100_000;
        for (which, changes) in pieces {
            let mut bytes = messages[usize::from(which) % messages.len()].clone().into_bytes();
            for (place, byte) in changes {
                let place = usize::from(place) % bytes.len();
                bytes[place] = byte;
            }
            at += 1_000;
            let mut said = Vec::new();
            if let Ok(text) = std::str::from_utf8(&bytes) {
                let _ = Message::read(text);
            }
            if let Ok(participant) = Participant::read(&bytes) {
                said.extend(board.seat(Seat { dn: "101".into(), id: participant.id }, &participant, Millis(at)));
            }
            if let Ok(dns) = Dn::read_all(&bytes) {
                said.extend(board.roll_call_after_gap(dns, Millis(at)));
            }
            if let Ok(rows) = serde_json::from_slice(&bytes) {
                let log = history::read(rows, (i64::from(which) - 100) * 50_000_000_000_000_000);
                for report in history::news(&log, &board.take_gone(), &board.known(), Millis(0)..) {
                    let hookswitch_call::signal::Report::Past(signal) = report else { panic!("{report:?}") };
                    events.extend(tracker.apply(signal));
                }
            }
            said.extend(board.tick(Millis(at)));
            said.into_iter().for_each(|signal| events.extend(tracker.apply(signal)));
        }
        is_sound(&events, &tracker);
    });
}
