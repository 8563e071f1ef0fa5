//! Calls as a 3CX shows them, from the first ring to the end.

use hookswitch_call::{
    Millis,
    event::Outcome,
    signal::{Direction, Reason},
};
use hookswitch_pbx::three_cx::{Order, Seat};
use serde_json::json;

use super::office::{BEGIN, CALLER, LINE, Office, inside, outside, with};

fn for_queue() -> serde_json::Value {
    with(outside(), json!({ "on_behalf_of_dn": "804", "on_behalf_of_type": "Wqueue" }))
}

fn referred(by: &str) -> serde_json::Value {
    with(outside(), json!({ "referred_by_dn": by, "referred_by_type": "Wextension" }))
}

#[test]
fn a_call_to_a_queue_rings_three_phones_and_one_takes_it() {
    let mut office = Office::open();
    office.is("804", 1, 77, "Connected", outside());
    for (id, dn) in [(2, "101"), (3, "102"), (4, "103")] {
        office.is(dn, id, 77, "Ringing", for_queue());
    }
    office.is("102", 3, 77, "Connected", for_queue());
    // The PBX says everything twice now and then.
    office.is("102", 3, 77, "Connected", for_queue());
    office.gone("101", 2);
    office.gone("103", 4);
    office.gone("804", 1);
    office.pass(60);
    office.gone("102", 3);
    office.pass(2);
    assert_eq!(
        office.story(),
        [
            "new",
            "queue 804",
            "101 rings",
            "102 rings",
            "103 rings",
            "queue left: Answered",
            "102 answers",
            "101 rings no more",
            "103 rings no more",
            "102 leaves",
            "end: Answered",
        ]
    );
    let call = office.call();
    assert_eq!(call.chain.as_str(), "240305091502_77");
    assert_eq!(
        (call.direction, call.external.as_deref(), call.line.as_str()),
        (Direction::Inbound, Some(CALLER), LINE)
    );
    assert_eq!((call.external_name.as_str(), call.trunk.as_str()), ("Ann Example", "10007"));
    assert_eq!(call.credited().unwrap().as_str(), "102");
    assert_eq!(
        call.ended.as_ref().unwrap().at.since(call.answered.unwrap()),
        66_000,
        "the end is when the last one left"
    );
}

#[test]
fn a_call_that_nobody_in_the_queue_takes_is_missed_and_abandoned() {
    let mut office = Office::open();
    office.is("804", 1, 77, "Connected", outside());
    office.is("101", 2, 77, "Ringing", for_queue());
    office.gone("101", 2);
    office.pass(30);
    office.is("102", 3, 77, "Ringing", for_queue());
    office.gone("102", 3);
    office.gone("804", 1);
    office.pass(2);
    let call = office.call();
    let end = call.ended.as_ref().unwrap();
    assert_eq!((end.outcome, end.reason, call.queue()), (Outcome::Missed, Reason::Abandoned, Some("804")));
}

#[test]
fn between_two_rounds_of_a_queue_that_is_not_monitored_the_call_goes_on() {
    let mut office = Office::open();
    office.is("101", 2, 77, "Ringing", for_queue());
    office.gone("101", 2);
    office.pass(10);
    office.is("102", 3, 77, "Ringing", for_queue());
    office.is("102", 3, 77, "Connected", for_queue());
    office.gone("102", 3);
    office.pass(2);
    assert_eq!(office.call().ended.as_ref().unwrap().outcome, Outcome::Answered);
    assert_eq!(office.story().iter().filter(|event| *event == "queue 804").count(), 1);
}

#[test]
fn several_phones_of_one_extension_are_one_phone() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Ringing", outside());
    office.is("101", 2, 7, "Ringing", outside());
    office.gone("101", 1);
    office.is("101", 2, 7, "Connected", outside());
    office.gone("101", 2);
    office.pass(2);
    assert_eq!(office.story(), ["new", "101 rings", "101 answers", "101 leaves", "end: Answered"]);
}

#[test]
fn a_blind_transfer_within_the_call_or_into_another_is_one_call() {
    for target in [7, 8] {
        let mut office = Office::open();
        office.is("101", 1, 7, "Ringing", outside());
        office.is("101", 1, 7, "Connected", outside());
        office.is("102", 2, target, "Ringing", referred("101"));
        office.gone("101", 1);
        office.pass(1);
        office.is("102", 2, target, "Connected", referred("101"));
        office.gone("102", 2);
        office.pass(2);
        assert_eq!(
            office.story(),
            [
                "new",
                "101 rings",
                "101 answers",
                "transfer: Blind",
                "101 leaves",
                "102 rings",
                "102 answers",
                "102 leaves",
                "end: Answered",
            ],
            "callid {target}"
        );
        assert_eq!((office.call().leg, office.call().credited().unwrap().as_str()), (2, "102"));
    }
}

#[test]
fn an_attended_transfer_is_one_call_whichever_callid_goes_on() {
    for goes_on in [7, 8] {
        let mut office = Office::open();
        office.is("101", 1, 7, "Ringing", outside());
        office.is("101", 1, 7, "Connected", outside());
        office.is("101", 2, 8, "Dialing", inside("102"));
        office.is("102", 3, 8, "Ringing", inside("101"));
        office.is("102", 3, 8, "Connected", inside("101"));
        office.is("101", 2, 8, "Connected", inside("102"));
        office.is("102", 3, goes_on, "Connected", referred("101"));
        office.gone("101", 1);
        office.gone("101", 2);
        office.pass(30);
        office.gone("102", 3);
        office.pass(2);
        let calls = office.calls();
        let outside: Vec<_> = calls.iter().filter(|call| call.direction != Direction::Internal).collect();
        assert_eq!(outside.len(), 1, "{calls:#?}");
        let call = outside[0];
        assert_eq!((call.leg, call.transfer.as_deref()), (2, Some("attended")), "callid {goes_on}: {call:#?}");
        assert_eq!(call.credited().unwrap().as_str(), "102");
        assert_eq!(call.ended.as_ref().unwrap().outcome, Outcome::Answered);
        assert!(calls.iter().all(|call| !call.is_open()), "{calls:#?}");
    }
}

#[test]
fn an_outbound_call_is_answered_by_the_other_side_or_not_at_all() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Dialing", outside());
    office.pass(20);
    office.gone("101", 1);
    office.pass(2);
    let call = office.call();
    assert_eq!((call.direction, call.from.as_ref().unwrap().as_str()), (Direction::Outbound, "101"));
    assert_eq!(call.ended.as_ref().unwrap().outcome, Outcome::Missed);

    let mut office = Office::open();
    office.is("101", 1, 7, "Dialing", outside());
    office.is("101", 1, 7, "Connected", outside());
    office.gone("101", 1);
    office.pass(2);
    assert_eq!(office.story(), ["new", "101 dials", "outside answers", "101 leaves", "end: Answered"]);
}

#[test]
fn click_to_call_rings_the_agent_then_dials_and_keeps_the_id_of_the_crm() {
    let order = || Order { from: "101".into(), number: CALLER.into(), crm_call: Some("crm-1".into()) };
    for early in [true, false] {
        let mut office = Office::open();
        let now = office.now;
        let ordered = office.board.expect(order(), now, Millis(now.0 + 60_000));
        let menu = json!({ "party_dn": "666", "party_dn_type": "Wspecialmenu", "party_caller_id": "101" });
        if early {
            office.is("101", 1, 7, "Ringing", menu.clone());
        }
        let chain = office.board.confirm(ordered, 7, office.now);
        office.is("101", 1, 7, "Ringing", menu.clone());
        office.is("101", 1, 7, "Connected", menu);
        office.is("101", 1, 7, "Dialing", outside());
        office.is("101", 1, 7, "Connected", outside());
        office.gone("101", 1);
        office.pass(2);
        assert_eq!(
            office.story(),
            ["new", "101 rings", "101 answers", "101 dials", "outside answers", "101 leaves", "end: Answered"]
        );
        let call = office.call();
        assert_eq!((&call.chain, call.direction), (&chain, Direction::Outbound), "early: {early}");
        assert_eq!((call.external.as_deref(), call.crm_call.as_deref()), (Some(CALLER), Some("crm-1")));
        assert!(call.answered.unwrap() > call.started);
    }
}

#[test]
fn an_ordered_call_that_nobody_could_look_at_is_still_what_was_ordered() {
    let mut office = Office::open();
    let now = office.now;
    let order = Order { from: "101".into(), number: CALLER.into(), crm_call: Some("crm-1".into()) };
    let ordered = office.board.expect(order, now, Millis(now.0 + 60_000));
    office.board.confirm(ordered, 7, now);
    office.pass(3);
    let call = office.call();
    assert_eq!((call.direction, call.external.as_deref()), (Direction::Outbound, Some(CALLER)));
    assert_eq!((call.crm_call.as_deref(), call.ended.as_ref().unwrap().outcome), (Some("crm-1"), Outcome::Missed));
}

#[test]
fn an_order_does_not_take_another_call_of_the_same_extension() {
    let mut office = Office::open();
    let now = office.now;
    let order = Order { from: "101".into(), number: "+4420000999".into(), crm_call: None };
    office.board.expect(order, now, Millis(now.0 + 60_000));
    office.is("101", 1, 7, "Ringing", outside());
    assert_eq!(office.call().direction, Direction::Inbound);
    // Nor one that comes when nobody waits for the order any more.
    office.gone("101", 1);
    office.pass(60);
    office.is("101", 2, 8, "Dialing", inside("102"));
    assert!(office.calls().iter().any(|call| call.direction == Direction::Internal));
}

#[test]
fn a_call_between_extensions_is_internal_and_a_caller_can_be_brought_into_it() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Dialing", inside("102"));
    office.is("102", 2, 7, "Ringing", inside("101"));
    office.is("102", 2, 7, "Connected", inside("101"));
    office.is("101", 1, 7, "Connected", inside("102"));
    let call = office.call();
    assert_eq!((call.direction, call.from.as_ref().unwrap().as_str()), (Direction::Internal, "101"));
    assert_eq!(call.agents.len(), 1, "whoever calls does not answer: {:?}", call.agents);
}

#[test]
fn keys_are_told_and_a_caller_at_a_route_point_is_asked_for_once() {
    let mut office = Office::open();
    office.is("900", 1, 7, "Connected", outside());
    office.is("900", 1, 7, "Connected", outside());
    let asking = office.board.take_asking();
    assert_eq!(asking.len(), 1);
    assert_eq!((&asking[0].0, asking[0].1.as_str()), (&Seat { dn: "900".into(), id: 1 }, "240305091502_7"));
    let now = office.now;
    let digits = office.board.digits(&Seat { dn: "900".into(), id: 1 }, "42#".into(), now);
    office.hear(|_, _| digits.into_iter().collect());
    assert_eq!(office.story(), ["new", "digits"]);
    assert_eq!(office.board.digits(&Seat { dn: "900".into(), id: 2 }, "1".into(), now), None);
}

#[test]
fn a_caller_at_a_route_point_is_asked_for_again_after_a_gap_unless_he_was_sent_on() {
    let mut office = Office::open();
    for id in [1, 2] {
        office.is("900", id, 6 + id, "Connected", outside());
    }
    assert_eq!(office.board.take_asking().len(), 2);
    office.board.sent_on(&Seat { dn: "900".into(), id: 1 });
    let there = office.present();
    office.reconnect(&there);
    let again: Vec<_> = office.board.take_asking().into_iter().map(|(seat, ..)| seat.id).collect();
    assert_eq!(again, [2]);
    // After a restart of the PBX the same id is somebody else's.
    let other = with(
        outside(),
        json!({ "id": 1, "dn": "900", "status": "Connected", "callid": 9, "party_caller_id": "+4420000777" }),
    );
    office.reconnect(&[]);
    office.reconnect(&[other]);
    assert_eq!(office.board.take_asking().len(), 1);
}

#[test]
fn the_same_callid_after_a_restart_of_the_pbx_is_another_call() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Ringing", outside());
    office.gone("101", 1);
    office.pass(2);
    office.is("101", 1, 7, "Ringing", outside());
    let other = with(outside(), json!({ "party_caller_id": "+4420000777" }));
    let participant = with(json!({ "id": 1, "dn": "102", "status": "Ringing", "callid": 7 }), other);
    office.reconnect(&[participant]);
    office.resynced();
    let calls = office.calls();
    assert_eq!(calls.len(), 3, "{calls:#?}");
    let open: Vec<_> = calls.iter().filter(|call| call.is_open()).collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].external.as_deref(), Some("+4420000777"));
}

#[test]
fn after_a_restart_of_the_host_calls_that_go_on_keep_their_ids_and_others_have_vanished() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Ringing", outside());
    office.is("101", 1, 7, "Connected", outside());
    office.is("102", 2, 8, "Ringing", with(outside(), json!({ "party_caller_id": "+4420000777" })));
    let (before, there): (Vec<_>, _) = (office.calls().into_iter().cloned().collect(), office.present());
    let mut again = Office::going_on_with(&before);
    again.now = office.now;
    again.reconnect(&there[..1]);
    again.resynced();
    let gone: Vec<_> = again.board.take_gone().into_iter().map(|over| over.chain).collect();
    assert_eq!(gone, [before[1].chain.clone()]);
    assert_eq!(again.story(), ["102 rings no more", "end: Lost"], "what was known is no news");
    again.gone("101", 1);
    again.pass(2);
    assert_eq!(again.tracker.call(&before[0].chain).unwrap().ended.as_ref().unwrap().outcome, Outcome::Answered);
    assert_eq!(again.tracker.open(), []);
}

#[test]
fn what_the_socket_did_not_tell_is_found_by_the_roll_call() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Ringing", outside());
    let there = office.present();
    let connected = with(there[0].clone(), json!({ "status": "Connected" }));
    office.hear(|board, now| board.roll_call(Office::numbers(&[connected]), now));
    office.hear(|board, now| board.roll_call(Office::numbers(&[]), now));
    office.pass(2);
    assert_eq!(office.story(), ["new", "101 rings", "101 answers", "101 leaves", "end: Answered"]);
}

#[test]
fn an_end_that_was_held_back_when_the_connection_broke_is_told() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Ringing", outside());
    office.gone("101", 1);
    office.reconnect(&[]);
    office.resynced();
    let end = office.call().ended.clone().unwrap();
    assert_eq!((end.outcome, end.at), (Outcome::Missed, Millis(BEGIN + 3_000)));
    assert!(!end.given_up);
}
