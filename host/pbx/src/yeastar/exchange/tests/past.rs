//! Restarts, gaps, and what the PBX's records say afterwards.

use hookswitch_call::{
    Millis,
    event::Outcome,
    signal::{Direction, Reason},
};
use serde_json::json;

use super::world::*;
use crate::yeastar::{Gap, cdr::Cdr};

fn talking(world: &mut World) {
    world.say(30011, members(&[inbound("ALERT"), extension("201", "RING")]));
    world.say(30011, members(&[inbound("ANSWERED"), extension("201", "ANSWER")]));
}

#[test]
fn a_call_that_ended_while_the_host_was_dead_ends_as_its_record_says() {
    for by in ["id", "recording", "second"] {
        let mut world = World::new();
        talking(&mut world);
        world.restart();
        world.now += 600_000;
        let mut told =
            row(0, "20240312100927A1B2C", &format!("Ann Example<{CALLER}>"), "Bob<201>", "ANSWERED", 100, 97);
        match by {
            "id" => told["call_id"] = CALL.into(),
            "recording" => told["record_file"] = format!("20240312100930-{CALL}-x-201-Inbound.wav").into(),
            _ => {}
        }
        let gone = world.ask(&[], &[told], Some(SECOND));
        assert_eq!(gone.len(), 1);
        assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "201".to_owned()), "{by}");
        let call = world.call();
        assert_eq!(call.ended.as_ref().unwrap().at, Millis((SECOND + 100) * 1000), "{by}: at the time of the record");
        assert_eq!((call.external_name.as_str(), call.line.as_str()), ("Ann Example", OURS));
        assert_eq!(call.recordings.len(), usize::from(by == "recording"));
        assert_eq!(world.calls().len(), 1, "{by}: it is no other call");
    }
}

#[test]
fn a_call_that_goes_on_after_a_restart_goes_on() {
    let mut world = World::new();
    talking(&mut world);
    world.restart();
    world.ask(&[members(&[inbound("ANSWERED"), extension("201", "ANSWER")])], &[], Some(SECOND));
    assert!(world.call().is_open());
    world.say(30011, members(&[inbound("BYE")]));
    world.say(30012, record("Inbound", CALLER, "201", "ANSWERED", 9, 3));
    assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "201".to_owned()));
    assert_eq!((world.call().leg, world.names().iter().filter(|name| *name == "ended").count()), (1, 1));
}

#[test]
fn a_call_that_moved_on_during_a_gap_is_where_the_pbx_says() {
    let mut world = World::new();
    talking(&mut world);
    world.now += 60_000;
    world.ask(&[members(&[inbound("ANSWERED"), extension("202", "ANSWER")])], &[], Some(SECOND));
    let present: Vec<_> = world.call().agents.iter().filter(|agent| agent.is_present()).collect();
    assert_eq!(present.len(), 1);
    assert_eq!(present[0].extension.as_str(), "202");
}

#[test]
fn a_call_without_a_record_is_given_up_after_the_second_question() {
    let mut world = World::new();
    talking(&mut world);
    world.restart();
    world.ask(&[], &[], Some(SECOND));
    assert!(world.call().is_open(), "its record may not be written yet");
    world.wait(3);
    assert!(world.exchange.doubts(Millis(world.now)));
    world.ask(&[], &[], None);
    let end = world.call().ended.clone().unwrap();
    assert_eq!((end.outcome, end.given_up), (Outcome::Answered, true));
}

#[test]
fn what_was_heard_since_the_question_is_newer_than_its_answer() {
    let mut world = World::new();
    talking(&mut world);
    // The list was made before the call began.
    let asked = Millis(world.now - 5000);
    let mut roll = world.exchange.roll(Vec::new(), asked, Millis(world.now));
    let reports = std::mem::take(&mut roll.reports);
    world.take(reports);
    let reports = world.exchange.past(roll, Vec::new(), Some(Gap { since: Some(SECOND), sure: true }));
    world.take(reports);
    assert!(world.resynced == 1 && world.call().is_open());
}

#[test]
fn calls_of_a_gap_that_nobody_heard_are_told_once() {
    let mut world = World::new();
    talking(&mut world);
    let mut named = row(200, "20240312101247AAAAA", "0891234", "Bob<202>", "ANSWERED", 50, 40);
    named["call_id"] = "1710234767.9".into();
    let rows = [
        // Before the gap: whatever it is, it was heard then.
        row(10, "20240312100937OLD00", "0895555", "201", "NO ANSWER", 20, 0),
        row(60, "20240312101107BBBBB", "0891234", "202", "NO ANSWER", 20, 0),
        named,
    ];
    let alive = [members(&[inbound("ANSWERED"), extension("201", "ANSWER")])];
    world.now += 600_000;
    for _ in 0..2 {
        world.ask(&alive, &rows, Some(SECOND + 60));
    }
    let calls: Vec<_> = world.calls().into_iter().map(|call| (call.chain.to_string(), call.ended.is_some())).collect();
    assert_eq!(
        calls,
        [(CALL.to_owned(), false), ("1710234767.9".to_owned(), true), ("20240312101107BBBBB".to_owned(), true)]
    );
    let missed = world.call_of("20240312101107BBBBB");
    assert_eq!((missed.direction, missed.external.as_deref()), (Direction::Inbound, Some("0891234")));
    assert_eq!(missed.ended.as_ref().unwrap().outcome, Outcome::Missed);
    let ends = world.names().iter().filter(|name| *name == "ended").count();
    assert_eq!(ends, 2);
}

#[test]
fn where_it_is_not_known_since_when_only_what_is_known_is_looked_at() {
    let mut world = World::new();
    talking(&mut world);
    world.now += 600_000;
    let mut roll = world.exchange.roll(Vec::new(), Millis(world.now), Millis(world.now));
    world.take(std::mem::take(&mut roll.reports));
    let rows = [row(0, "U1", CALLER, "201", "ANSWERED", 20, 10), row(100, "U2", "0891234", "202", "NO ANSWER", 20, 0)];
    let rows = rows.iter().map(|row| Cdr::of_row(row, &times())).collect();
    let reports = world.exchange.past(roll, rows, Some(Gap { since: None, sure: false }));
    world.take(reports);
    assert_eq!((world.calls().len(), world.call().is_open(), world.resynced), (1, false, 0));
}

#[test]
fn a_record_that_is_found_and_then_told_is_one_call() {
    let mut world = World::new();
    let found = row(100, "20240312100927A1B2C", CALLER, "201", "ANSWERED", 20, 10);
    world.now += 600_000;
    world.ask(&[], &[found], Some(SECOND));
    let mut told = record("Inbound", CALLER, "201", "ANSWERED", 20, 10);
    told["call_id"] = "1710234667.4".into();
    world.say(30012, told);
    let calls = world.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].recordings.len(), 1, "{:#?}", world.names());
}

#[test]
fn a_call_that_changed_hands_in_a_gap_is_one_call_with_several_records() {
    // Of a call that nobody heard, of one that was heard to begin, and of one that goes on.
    for heard in ["nothing", "the beginning", "that it goes on"] {
        let mut world = World::new();
        if heard != "nothing" {
            talking(&mut world);
        }
        let first = row(if heard == "nothing" { 100 } else { 0 }, "U1", CALLER, "201", "ANSWERED", 20, 15);
        let second = row(if heard == "nothing" { 120 } else { 20 }, "U2", CALLER, "202", "ANSWERED", 40, 39);
        // Somebody else calls meanwhile, and later the same one again.
        let other = row(if heard == "nothing" { 130 } else { 30 }, "U3", "0891234", "203", "NO ANSWER", 5, 0);
        let again = row(300, "U4", CALLER, "203", "NO ANSWER", 5, 0);
        let alive = match heard {
            "that it goes on" => vec![members(&[inbound("ANSWERED"), extension("202", "ANSWER")])],
            _ => Vec::new(),
        };
        world.now += 600_000;
        // Newest first, as the PBX lists them.
        for _ in 0..2 {
            world.ask(&alive, &[again.clone(), other.clone(), second.clone(), first.clone()], Some(SECOND));
        }
        let mut calls: Vec<_> = world.calls().into_iter().map(|call| call.chain.to_string()).collect();
        calls.sort();
        let own = if heard == "nothing" { "U1" } else { CALL };
        let mut wanted = vec![own, "U3", "U4"];
        wanted.sort_unstable();
        assert_eq!(calls, wanted, "{heard}");
        let call = world.call_of(own);
        assert_eq!(call.is_open(), heard == "that it goes on");
        if let Some(end) = &call.ended {
            let whole = if heard == "nothing" { 160 } else { 60 };
            assert_eq!((end.outcome, end.at), (Outcome::Answered, Millis((SECOND + whole) * 1000)), "{heard}");
        }
    }
}

#[test]
fn callers_without_a_number_and_calls_back_are_calls_of_their_own() {
    let back = |after| {
        let mut told = row(after, "U4", "202", CALLER, "ANSWERED", 20, 15);
        told["call_type"] = "Outbound".into();
        told
    };
    let rows = [
        row(100, "U1", "anonymous", "201", "NO ANSWER", 20, 0),
        row(110, "U2", "anonymous", "202", "NO ANSWER", 20, 0),
        row(200, "U3", CALLER, "201", "NO ANSWER", 20, 0),
        back(221),
    ];
    let mut world = World::new();
    world.now += 600_000;
    world.ask(&[], &rows, Some(SECOND));
    let mut calls: Vec<_> = world.calls().into_iter().map(|call| call.chain.to_string()).collect();
    calls.sort();
    assert_eq!(calls, ["U1", "U2", "U3", "U4"]);
}

#[test]
fn a_record_that_was_told_is_known_again_without_the_id_of_its_call() {
    let mut world = World::new();
    talking(&mut world);
    world.say(30011, members(&[inbound("BYE"), extension("201", "BYE")]));
    let mut told = record("Inbound", CALLER, "201", "ANSWERED", 9, 3);
    told["uid"] = "U9".into();
    world.say(30012, told);
    assert!(!world.call().is_open());
    // Its time differs by more than a clock may.
    world.ask(&[], &[row(30, "U9", "+4930999", "201", "ANSWERED", 9, 3)], Some(SECOND));
    assert_eq!(world.calls().len(), 1, "{:#?}", world.names());
}

#[test]
fn without_a_gap_records_of_strangers_are_nothing() {
    let mut world = World::new();
    talking(&mut world);
    let strangers = [row(100, "20240312101107BBBBB", "0891234", "202", "NO ANSWER", 20, 0)];
    world.ask(&[members(&[inbound("ANSWERED"), extension("201", "ANSWER")])], &strangers, None);
    assert_eq!(world.calls().len(), 1);
}

#[test]
fn of_two_calls_of_one_second_none_is_taken_for_the_other() {
    let mut world = World::new();
    for (id, number) in [("1710234567.1", "201"), ("1710234567.2", "202")] {
        let mut caller = inbound("ALERT");
        caller["inbound"]["from"] = format!("0305{number}").into();
        caller["inbound"]["channel_id"] = format!("PJSIP/{id}").into();
        world.say(30011, members_of(id, &[caller, extension(number, "ANSWER")]));
    }
    world.now += 600_000;
    let rows =
        [row(0, "U1", "0305202", "202", "ANSWERED", 100, 99), row(0, "U2", "0305999", "201", "ANSWERED", 100, 99)];
    world.ask(&[], &rows, Some(SECOND + 60));
    assert!(world.call_of("1710234567.1").is_open(), "no record is its own");
    assert_eq!(world.call_of("1710234567.2").ended.as_ref().unwrap().at, Millis((SECOND + 100) * 1000));
    assert_eq!(world.calls().len(), 2);
}

#[test]
fn a_record_is_of_a_call_by_who_takes_part() {
    let outward = |from: &str, to: &str| {
        let mut told = row(0, "U1", from, to, "NO ANSWER", 20, 0);
        told["call_type"] = "Outbound".into();
        told
    };
    let suppressed = || {
        let mut caller = inbound("ALERT");
        caller["inbound"]["from"] = "anonymous".into();
        caller
    };
    let dialled = || vec![extension("201", "ALERT"), outbound("030555999", "RING")];
    for (heard, told, own) in [
        (dialled(), outward("201", "030555999"), true),
        // The PBX takes the prefix off, and writes what was dialled into the record.
        (dialled(), outward("201", "9030555999"), true),
        (dialled(), outward("202", "030555888"), false),
        // What was heard last was before the number was dialled.
        (vec![extension("201", "ALERT")], outward("201", "030555999"), true),
        (vec![extension("201", "ALERT")], outward("202", "030555999"), false),
        (vec![suppressed()], row(0, "U1", "anonymous", "201", "NO ANSWER", 20, 0), true),
        (vec![suppressed()], row(0, "U1", CALLER, "201", "NO ANSWER", 20, 0), false),
    ] {
        let mut world = World::new();
        world.say(30011, members(&heard));
        world.now += 600_000;
        world.ask(&[], std::slice::from_ref(&told), Some(SECOND - 10));
        assert_eq!(world.call().is_open(), !own, "{heard:?} {told}");
        assert_eq!(world.calls().len(), if own { 1 } else { 2 }, "{heard:?} {told}");
    }
}

#[test]
fn the_doubled_hour_breaks_nothing() {
    // 2024-10-27 02:30:00 in Berlin comes at 00:30 and at 01:30 UTC; the record's clock says the same of both.
    for (second, id) in [(1_729_989_000_u64, "1729989000.5"), (1_729_992_600, "1729992600.5")] {
        let mut world = World::new();
        world.now = second * 1000;
        world.say(30011, members_of(id, &[inbound("ANSWERED"), extension("201", "ANSWER")]));
        world.now += 7200 * 1000;
        let told = json!({ "time": "2024/10/27 02:30:00", "timestamp": second, "uid": "U", "call_from": CALLER,
            "call_to": "201", "duration": 30, "talk_duration": 29, "disposition": "ANSWERED", "call_type": "Inbound" });
        world.ask(&[], &[told], Some(second));
        assert_eq!(world.call_of(id).ended.as_ref().unwrap().at, Millis((second + 30) * 1000));
        assert_eq!(world.calls().len(), 1);
    }
}

#[test]
fn a_call_that_is_known_from_its_record_is_not_told_as_a_consultation_of_the_same_second() {
    let missed = || row(0, "U19", CALLER, "Bob<201>", "NO ANSWER", 0, 0);
    for known in [true, false] {
        let mut world = World::new();
        if known {
            world.ask(&[], &[missed()], Some(SECOND));
            assert_eq!(world.calls().len(), 1);
        }
        world.say(30011, members_of(CALL, &[extension("201", "ALERT"), extension("202", "RING")]));
        world.say(30011, members_of(CALL, &[extension("201", "ANSWERED"), extension("202", "ANSWER")]));
        world.restart();
        world.now += 60_000;
        world.ask(&[], &[missed()], Some(SECOND));
        let consultation = world.call();
        assert_eq!((consultation.direction, consultation.external.as_deref()), (Direction::Internal, None), "{known}");
        assert_eq!(world.calls().len(), 2, "{known}");
    }
}

#[test]
fn what_is_dialled_in_the_second_of_a_consultation_that_is_over_is_a_call_of_its_own() {
    let mut world = World::new();
    world.say(30011, members_of(CALL, &[extension("201", "ALERT"), extension("202", "RING")]));
    world.say(30011, members_of(CALL, &[extension("201", "ANSWERED"), extension("202", "ANSWER")]));
    world.say(30011, members_of(CALL, &[extension("201", "BYE"), extension("202", "BYE")]));
    world.say(30012, record("Internal", "201", "202", "ANSWERED", 1, 1));
    assert!(!world.call().is_open());
    world.restart();
    world.now += 60_000;
    let mut dialled = row(0, "U19", "201", "030555999", "NO ANSWER", 0, 0);
    dialled["call_type"] = "Outbound".into();
    world.ask(&[], &[dialled], Some(SECOND));
    assert_eq!(world.calls().len(), 2, "{:?}", world.names());
}
