//! What happens on an Asterisk in cases that the recordings here do not show, as the reference describes their messages.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "scenarios/story.rs"]
mod story;
#[path = "scenarios/wire.rs"]
mod wire;

use hookswitch_pbx::{
    Pattern, Slot,
    asterisk::{Recordings, Site},
};
use story::{site, story, story_of};
use wire::{Leg, Wire};

const CUSTOMER: &str = "+494066969101";
const LINE: &str = "+493023125201";

/// A customer calls, and the extension answers; both talk in the bridge `main`.
fn answered_call(wire: &mut Wire, extension: &str) -> (Leg, Leg) {
    let mut caller = Leg::caller(1, CUSTOMER, LINE);
    let mut phone = Leg::phone(extension, 2, 1);
    wire.new_leg(&caller);
    caller.exten = extension.into();
    wire.ring(&caller, &mut phone);
    wire.answer(&mut caller, &mut phone, "main");
    (caller, phone)
}

fn end(wire: &mut Wire, first: &Leg, second: &Leg) {
    wire.asks_for_end(first, &[("Cause", "16")]);
    wire.hangup(first, "16");
    wire.hangup(second, "16");
}

#[test]
fn an_attended_transfer_by_feature_code_asks_through_a_local_pair() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    // The feature holds the caller; PJSIP names no music for that.
    wire.say("Hold", &phone, &[]);
    let mut pair = Leg::pair("202", "internal", 3, 1);
    wire.new_pair(&pair);
    wire.enter(&pair.0, "consult");
    let mut target = Leg::phone("202", 5, 1);
    wire.new_leg(&target);
    wire.leave(&phone, "main");
    wire.enter(&phone, "consult");
    wire.dial_begin(&pair.1, &target, "202");
    wire.state(&mut target, 5);
    wire.answer(&mut pair.1, &mut target, "inner");
    wire.leave(&target, "inner");
    wire.enter(&target, "consult");
    wire.hangup(&pair.0, "16");
    wire.hangup(&pair.1, "16");
    wire.asks_for_end(&phone, &[("Cause", "16")]);
    let transferer = Leg { shown: "202".into(), ..phone.clone() };
    let legs = [("OrigTransferer", &transferer), ("SecondTransferer", &transferer), ("Transferee", &caller)];
    wire.tell("AttendedTransfer", &legs, &[("Result", "Success"), ("DestType", "Bridge")]);
    wire.hangup(&phone, "16");
    wire.enter(&caller, "consult");
    end(&mut wire, &caller, &target);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "rings 201",
            "answered 201",
            "rings 202 (consult)",
            "answered 202 (consult)",
            "Attended transfer 201 to 202",
            "answered 202",
            "ended ok normal 202 by External",
        ]
    );
}

#[test]
fn in_an_outbound_call_a_consultation_by_feature_code_finds_its_target_and_not_the_customer() {
    let mut wire = Wire::default();
    let mut phone = Leg::dials("201", 1, CUSTOMER);
    let mut customer = Leg::outside(CUSTOMER, 2, 1);
    wire.new_leg(&phone);
    wire.dial(&phone, &customer, &format!("{CUSTOMER}@trunk-provider"));
    wire.answer(&mut phone, &mut customer, "main");
    let mut pair = Leg::pair("202", "internal", 3, 1);
    wire.new_pair(&pair);
    let mut target = Leg::phone("202", 5, 1);
    wire.ring(&pair.1, &mut target);
    wire.answer(&mut pair.1, &mut target, "inner");
    wire.hangup(&pair.0, "16");
    wire.hangup(&pair.1, "16");
    let legs = [("OrigTransferer", &phone), ("SecondTransferer", &phone), ("Transferee", &customer)];
    wire.tell("AttendedTransfer", &legs, &[("Result", "Success")]);
    wire.hangup(&phone, "16");
    end(&mut wire, &target, &customer);
    assert_eq!(
        story(&wire),
        [
            "outbound",
            &format!("201 dials {CUSTOMER}"),
            &format!("answered outside {CUSTOMER}"),
            "rings 202 (consult)",
            "answered 202 (consult)",
            "Attended transfer 201 to 202",
            "answered 202",
            "ended ok normal 202 by Internal",
        ]
    );
}

/// The phone holds the customer and asks 202 on a second line.
fn second_line(wire: &mut Wire, phone: &Leg) -> (Leg, Leg) {
    wire.say("Hold", phone, &[("MusicClass", "default")]);
    let line = Leg::dials("201", 3, "202");
    let mut target = Leg::phone("202", 4, 3);
    wire.new_leg(&line);
    wire.ring(&line, &mut target);
    (line, target)
}

#[test]
fn a_phone_can_transfer_while_the_target_still_rings() {
    let mut wire = Wire::default();
    let (mut caller, phone) = answered_call(&mut wire, "201");
    let (line, mut target) = second_line(&mut wire, &phone);
    let second = Leg { shown: "202".into(), ..line.clone() };
    let legs = [("OrigTransferer", &phone), ("SecondTransferer", &second), ("Transferee", &caller)];
    wire.tell("AttendedTransfer", &legs, &[("Result", "Success"), ("DestType", "App"), ("DestApp", "Dial")]);
    wire.leave(&caller, "main");
    wire.leave(&phone, "main");
    wire.hangup(&phone, "16");
    wire.hangup(&Leg { name: format!("{}<ZOMBIE>", line.name), ..line }, "16");
    target.link = caller.link.clone();
    wire.answer(&mut caller, &mut target, "second");
    end(&mut wire, &caller, &target);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "rings 201",
            "answered 201",
            "held by 201",
            "internal",
            "rings 202 (consult)",
            "merged into 1",
            "Attended transfer 201 to 202",
            "answered 202",
            "ended ok normal 202 by External",
        ]
    );
}

#[test]
fn a_consultation_on_a_second_line_that_leads_to_nothing_is_an_internal_call() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    let (mut line, mut target) = second_line(&mut wire, &phone);
    wire.answer(&mut line, &mut target, "consult");
    end(&mut wire, &line, &target);
    wire.say("Unhold", &phone, &[]);
    end(&mut wire, &caller, &phone);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "rings 201",
            "answered 201",
            "held by 201",
            "internal",
            "rings 202 (consult)",
            "answered 202 (consult)",
            "ended ok normal 202 by Internal",
            "resumed by 201",
            "ended ok normal 201 by External",
        ]
    );
}

#[test]
fn an_inbound_call_joined_to_an_older_internal_one_stays_the_inbound_call() {
    let mut wire = Wire::default();
    let mut line = Leg::dials("201", 1, "202");
    let mut colleague = Leg::phone("202", 2, 1);
    wire.new_leg(&line);
    wire.ring(&line, &mut colleague);
    wire.answer(&mut line, &mut colleague, "internal");
    let mut caller = Leg::caller(3, CUSTOMER, LINE);
    let mut phone = Leg::phone("201", 4, 3);
    wire.new_leg(&caller);
    wire.ring(&caller, &mut phone);
    wire.answer(&mut caller, &mut phone, "main");
    let legs = [
        ("OrigTransferer", &phone),
        ("SecondTransferer", &line),
        ("Transferee", &caller),
        ("TransferTarget", &colleague),
    ];
    wire.tell("AttendedTransfer", &legs, &[("Result", "Success"), ("DestType", "Bridge")]);
    caller.link.clone_from(&line.link);
    wire.leave(&line, "internal");
    wire.enter(&caller, "internal");
    wire.hangup(&phone, "16");
    wire.hangup(&line, "16");
    end(&mut wire, &caller, &colleague);
    assert_eq!(
        story(&wire),
        [
            "internal",
            "rings 202",
            "answered 202",
            "inbound",
            "rings 201",
            "answered 201",
            "merged into 3",
            "Attended transfer 201 to 202",
            "answered 202",
            "ended ok normal 202 by External",
        ]
    );
}

#[test]
fn a_blind_transfer_whose_target_does_not_answer_ends_an_answered_call() {
    for external in ["Yes", "No"] {
        let mut wire = Wire::default();
        let (caller, phone) = answered_call(&mut wire, "201");
        let more = [("Result", "Success"), ("IsExternal", external), ("Context", "internal"), ("Extension", "203")];
        wire.tell("BlindTransfer", &[("Transferer", &phone), ("Transferee", &caller)], &more);
        wire.leave(&phone, "main");
        wire.hangup(&phone, "16");
        wire.leave(&caller, "main");
        let mut target = Leg::phone("203", 3, 1);
        wire.ring(&caller, &mut target);
        wire.dial_end(&caller, &target, "NOANSWER");
        wire.hangup(&target, "0");
        wire.hangup(&caller, "16");
        assert_eq!(
            story(&wire),
            [
                "inbound",
                "rings 201",
                "answered 201",
                "Blind transfer 201 to 203",
                "rings 203",
                "stops 203: NoAnswer",
                "ended ok normal 201 by Unknown",
            ]
        );
    }
}

#[test]
fn a_transfer_that_the_pbx_refuses_is_none() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    let more = [("Result", "Invalid"), ("IsExternal", "Yes"), ("Context", "internal"), ("Extension", "999")];
    wire.tell("BlindTransfer", &[("Transferer", &phone), ("Transferee", &caller)], &more);
    end(&mut wire, &phone, &caller);
    assert_eq!(story(&wire), ["inbound", "rings 201", "answered 201", "ended ok normal 201 by Internal"]);
}

#[test]
fn a_caller_can_be_parked_and_fetched_by_somebody_else() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    wire.leave(&caller, "main");
    let parking = [("ParkerDialString", "PJSIP/201"), ("Parkinglot", "default"), ("ParkingSpace", "701")];
    wire.tell("ParkedCall", &[("Parkee", &caller)], &parking);
    wire.enter(&caller, "parking");
    wire.leave(&phone, "main");
    wire.hangup(&phone, "16");
    let mut fetcher = Leg::dials("202", 3, "701");
    wire.new_leg(&fetcher);
    wire.state(&mut fetcher, 6);
    wire.tell("UnParkedCall", &[("Parkee", &caller), ("Retriever", &fetcher)], &parking);
    wire.leave(&caller, "parking");
    fetcher.link.clone_from(&caller.link);
    wire.enter(&fetcher, "second");
    wire.enter(&caller, "second");
    end(&mut wire, &caller, &fetcher);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "rings 201",
            "answered 201",
            "parked by 201 at 701",
            "unparked by 202",
            "ended ok normal 202 by External",
        ]
    );
}

#[test]
fn a_phone_that_deflects_forwards_the_call() {
    for (target, cause) in [("203", "0"), ("Local/203@internal", "23"), ("PJSIP/203/sip:203@192.0.2.1", "0")] {
        let mut wire = Wire::default();
        let mut caller = Leg::caller(1, CUSTOMER, LINE);
        wire.new_leg(&caller);
        caller.exten = "201".into();
        let mut first = Leg::phone("201", 2, 1);
        wire.ring(&caller, &mut first);
        let mut pair = Leg::pair("203", "internal", 3, 1);
        wire.new_pair(&pair);
        wire.tell("DialEnd", &[("", &caller), ("Dest", &first)], &[("DialStatus", "CANCEL"), ("Forward", target)]);
        wire.dial_begin(&caller, &pair.0, "203@internal");
        wire.hangup(&first, cause);
        let mut second = Leg::phone("203", 5, 1);
        wire.ring(&pair.1, &mut second);
        wire.answer(&mut pair.1, &mut second, "inner");
        wire.answer(&mut caller, &mut pair.0, "outer");
        end(&mut wire, &caller, &second);
        wire.hangup(&pair.0, "16");
        wire.hangup(&pair.1, "16");
        assert_eq!(
            story(&wire),
            [
                "inbound",
                "rings 201",
                "forwarded 201 to 203",
                "stops 201: Forwarded",
                "rings 203",
                "answered 203",
                "ended ok normal 203 by External",
            ]
        );
    }
}

#[test]
fn a_call_that_the_dial_plan_forwards_outside_stays_one_inbound_call() {
    let mobile = "+494066969301";
    let mut wire = Wire::default();
    // The phone is known because its device has a state.
    wire.0 += "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: PJSIP/201\r\nState: NOT_INUSE\r\n\r\n";
    let mut caller = Leg::caller(1, CUSTOMER, LINE);
    wire.new_leg(&caller);
    caller.exten = "201".into();
    let mut pair = Leg::pair(mobile, "internal", 2, 1);
    wire.new_pair(&pair);
    wire.dial_begin(&caller, &pair.0, &format!("{mobile}@internal"));
    let mut outside = Leg::outside(mobile, 4, 1);
    wire.dial(&pair.1, &outside, &format!("{mobile}@trunk-provider"));
    wire.state(&mut outside, 5);
    wire.answer(&mut pair.1, &mut outside, "inner");
    wire.answer(&mut caller, &mut pair.0, "outer");
    end(&mut wire, &caller, &outside);
    wire.hangup(&pair.0, "16");
    wire.hangup(&pair.1, "16");
    assert_eq!(
        story(&wire),
        [
            "inbound",
            &format!("forwarded 201 to outside {mobile}"),
            &format!("answered outside {mobile}"),
            "ended ok normal 201 by External",
        ]
    );
}

#[test]
fn a_phone_and_a_mobile_that_ring_together_are_no_forward() {
    let mobile = "+494066969301";
    let mut wire = Wire::default();
    let mut caller = Leg::caller(1, CUSTOMER, LINE);
    wire.new_leg(&caller);
    caller.exten = "201".into();
    let mut phone = Leg::phone("201", 2, 1);
    wire.ring(&caller, &mut phone);
    let outside = Leg::outside(mobile, 3, 1);
    wire.dial(&caller, &outside, &format!("{mobile}@trunk-provider"));
    wire.answer(&mut caller, &mut phone, "main");
    wire.dial_end(&caller, &outside, "CANCEL");
    wire.hangup(&outside, "26");
    end(&mut wire, &phone, &caller);
    assert_eq!(story(&wire), ["inbound", "rings 201", "answered 201", "ended ok normal 201 by Internal"]);
}

#[test]
fn a_queue_that_gives_up_after_two_rounds_leaves_a_missed_call() {
    let mut wire = Wire::default();
    let mut caller = Leg::caller(1, CUSTOMER, "+493023125000");
    wire.new_leg(&caller);
    wire.state(&mut caller, 6);
    wire.say("QueueCallerJoin", &caller, &[("Queue", "sales"), ("Position", "1"), ("Count", "1")]);
    for round in 0..2 {
        let mut phones = [Leg::phone("201", 2 + round * 2, 1), Leg::phone("202", 3 + round * 2, 1)];
        phones.iter_mut().for_each(|phone| wire.ring(&caller, phone));
        for phone in phones.iter().filter(|_| round == 0) {
            let more = [("Queue", "sales"), ("Interface", "PJSIP/201"), ("RingTime", "12000")];
            wire.tell("AgentRingNoAnswer", &[("", &caller), ("Dest", phone)], &more);
            wire.dial_end(&caller, phone, "NOANSWER");
        }
        phones.iter().for_each(|phone| wire.dial_end(&caller, phone, "CANCEL"));
        if round == 1 {
            wire.say("QueueCallerAbandon", &caller, &[("Queue", "sales"), ("HoldTime", "25")]);
            wire.say("QueueCallerLeave", &caller, &[("Queue", "sales")]);
        }
        phones.iter().for_each(|phone| wire.hangup(phone, "0"));
    }
    wire.hangup(&caller, "16");
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "queued sales",
            "rings 201",
            "rings 202",
            "stops 201: NoAnswer",
            "stops 202: NoAnswer",
            "rings 201",
            "rings 202",
            "left sales: Timeout",
            "stops 201: NoAnswer",
            "stops 202: NoAnswer",
            "ended missed no_answer 201 by Unknown",
        ]
    );
}

#[test]
fn a_caller_who_leaves_the_queue_by_a_key_has_not_abandoned_it() {
    let mut wire = Wire::default();
    let mut caller = Leg::caller(1, CUSTOMER, LINE);
    wire.new_leg(&caller);
    wire.state(&mut caller, 6);
    wire.say("QueueCallerJoin", &caller, &[("Queue", "sales")]);
    wire.say("QueueCallerLeave", &caller, &[("Queue", "sales")]);
    let mut phone = Leg::phone("203", 2, 1);
    wire.ring(&caller, &mut phone);
    wire.answer(&mut caller, &mut phone, "main");
    end(&mut wire, &phone, &caller);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "queued sales",
            "left sales: Other",
            "rings 203",
            "answered 203",
            "ended ok normal 203 by Internal",
        ]
    );
}

#[test]
fn of_queue_members_behind_local_channels_the_losers_were_answered_elsewhere() {
    let mut wire = Wire::default();
    let mut caller = Leg::caller(1, CUSTOMER, LINE);
    wire.new_leg(&caller);
    wire.state(&mut caller, 6);
    wire.say("QueueCallerJoin", &caller, &[("Queue", "support")]);
    let mut members = Vec::new();
    for (extension, id) in [("201", 2), ("202", 5)] {
        let pair = Leg::pair(extension, "from-queue", id, 1);
        wire.new_pair(&pair);
        wire.dial_begin(&caller, &pair.0, &format!("Local/{extension}@from-queue/n"));
        let mut phone = Leg::phone(extension, id + 2, 1);
        wire.ring(&pair.1, &mut phone);
        members.push((pair, phone));
    }
    let [mut loser, mut winner]: [_; 2] = members.try_into().ok().unwrap();
    wire.answer(&mut winner.0.1, &mut winner.1, "inner");
    wire.state(&mut winner.0.0, 6);
    wire.dial_end(&caller, &winner.0.0, "ANSWER");
    wire.dial_end(&caller, &loser.0.0, "CANCEL");
    wire.asks_for_end(&loser.0.1, &[("Cause", "0")]);
    wire.hangup(&loser.0.0, "0");
    wire.dial_end(&loser.0.1, &loser.1, "CANCEL");
    wire.hangup(&loser.0.1, "0");
    wire.hangup(&loser.1, "16");
    loser.1.state = 0;
    wire.say("QueueCallerLeave", &caller, &[("Queue", "support")]);
    wire.enter(&winner.0.0, "outer");
    wire.enter(&caller, "outer");
    end(&mut wire, &winner.1, &winner.0.1);
    wire.hangup(&winner.0.0, "16");
    wire.hangup(&caller, "16");
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "queued support",
            "rings 201",
            "rings 202",
            "left support: Answered",
            "answered 202",
            "stops 201: AnsweredElsewhere",
            "ended ok normal 202 by Internal",
        ]
    );
}

#[test]
fn behind_a_local_channel_it_is_its_half_that_is_transferred() {
    let mut wire = Wire::default();
    let mut caller = Leg::caller(1, CUSTOMER, LINE);
    wire.new_leg(&caller);
    wire.state(&mut caller, 6);
    wire.say("QueueCallerJoin", &caller, &[("Queue", "support")]);
    let mut pair = Leg::pair("201", "from-queue", 2, 1);
    wire.new_pair(&pair);
    wire.dial_begin(&caller, &pair.0, "Local/201@from-queue/n");
    let mut phone = Leg::phone("201", 4, 1);
    wire.ring(&pair.1, &mut phone);
    wire.answer(&mut pair.1, &mut phone, "inner");
    wire.answer(&mut caller, &mut pair.0, "outer");
    wire.say("QueueCallerLeave", &caller, &[("Queue", "support")]);
    let more = [("Result", "Success"), ("IsExternal", "Yes"), ("Context", "internal"), ("Extension", "203")];
    wire.tell("BlindTransfer", &[("Transferer", &phone), ("Transferee", &pair.1)], &more);
    wire.leave(&phone, "inner");
    wire.hangup(&phone, "16");
    wire.leave(&pair.1, "inner");
    let mut target = Leg::phone("203", 5, 1);
    wire.ring(&pair.1, &mut target);
    wire.answer(&mut pair.1, &mut target, "third");
    end(&mut wire, &caller, &target);
    wire.hangup(&pair.0, "16");
    wire.hangup(&pair.1, "16");
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "queued support",
            "rings 201",
            "left support: Answered",
            "answered 201",
            "Blind transfer 201 to 203",
            "rings 203",
            "answered 203",
            "ended ok normal 203 by External",
        ]
    );
}

#[test]
fn a_number_that_does_not_exist_is_no_missing_answer() {
    let mut wire = Wire::default();
    let phone = Leg::dials("202", 1, "+494066969299");
    let outside = Leg::outside("+494066969299", 2, 1);
    wire.new_leg(&phone);
    wire.dial(&phone, &outside, "+494066969299@trunk-provider");
    wire.asks_for_end(&outside, &[("Cause", "1"), ("TechCause", "404")]);
    wire.dial_end(&phone, &outside, "NOANSWER");
    wire.say("Hangup", &outside, &[("Cause", "1"), ("TechCause", "404")]);
    wire.say("Hangup", &phone, &[("Cause", "1"), ("TechCause", "404")]);
    assert_eq!(story(&wire), ["outbound", "202 dials +494066969299", "ended missed failed 202 by External",]);
}

#[test]
fn outside_numbers_can_be_busy_or_be_tried_over_a_second_trunk() {
    let mut wire = Wire::default();
    let phone = Leg::dials("201", 1, "0301234567");
    let first = Leg::outside("0301234567", 2, 1);
    let mut second = Leg { name: "PJSIP/trunk-backup-00000003".into(), ..Leg::outside("0301234567", 3, 1) };
    wire.new_leg(&phone);
    wire.dial(&phone, &first, "0301234567@trunk-provider");
    wire.dial_end(&phone, &first, "CONGESTION");
    wire.hangup(&first, "34");
    wire.dial(&phone, &second, "0301234567@trunk-backup");
    wire.state(&mut second, 5);
    wire.dial_end(&phone, &second, "BUSY");
    wire.hangup(&second, "17");
    wire.hangup(&phone, "17");
    assert_eq!(story(&wire), ["outbound", "201 dials 0301234567", "ended missed busy 201 by Unknown"]);
}

/// A click-to-call whose originating channel is a Local one: half 2 rings the agent, half 1 dials the customer.
fn local_click_to_call(wire: &mut Wire) -> ((Leg, Leg), Leg) {
    let (one, two) = Leg::pair("201", "internal", 1, 1);
    let mut pair = (Leg { number: CUSTOMER.into(), shown: CUSTOMER.into(), ..one }, two);
    wire.new_pair(&pair);
    wire.say("VarSet", &pair.0, &[("Variable", "__CRM_CALL_ID"), ("Value", "crm-1")]);
    wire.tell("DialBegin", &[("Dest", &pair.0)], &[("DialString", "201@internal")]);
    let mut phone = Leg { shown: CUSTOMER.into(), ..Leg::phone("201", 3, 1) };
    wire.ring(&pair.1, &mut phone);
    wire.state(&mut pair.0, 5);
    (pair, phone)
}

#[test]
fn a_click_to_call_through_a_local_channel_is_told_like_any_other() {
    let mut wire = Wire::default();
    let (mut pair, mut phone) = local_click_to_call(&mut wire);
    wire.answer(&mut pair.1, &mut phone, "agent");
    wire.state(&mut pair.0, 6);
    wire.tell("DialEnd", &[("Dest", &pair.0)], &[("DialStatus", "ANSWER")]);
    let mut customer = Leg::outside(CUSTOMER, 4, 1);
    wire.dial(&pair.0, &customer, &format!("{CUSTOMER}@trunk-provider"));
    wire.state(&mut customer, 5);
    wire.answer(&mut pair.0, &mut customer, "customer");
    wire.leave(&customer, "customer");
    wire.enter(&customer, "agent");
    wire.hangup(&pair.0, "16");
    wire.hangup(&pair.1, "16");
    end(&mut wire, &phone, &customer);
    assert_eq!(
        story(&wire),
        [
            "outbound",
            "rings 201 (own)",
            "answered 201 (own)",
            &format!("201 dials {CUSTOMER}"),
            &format!("answered outside {CUSTOMER}"),
            "ended ok normal 201 by Internal",
        ]
    );
}

#[test]
fn a_click_to_call_that_the_agent_does_not_take_never_dials() {
    let mut wire = Wire::default();
    let (pair, phone) = local_click_to_call(&mut wire);
    wire.dial_end(&pair.1, &phone, "NOANSWER");
    wire.hangup(&phone, "19");
    wire.hangup(&pair.1, "19");
    wire.hangup(&pair.0, "19");
    assert_eq!(
        story(&wire),
        ["outbound", "rings 201 (own)", "stops 201: NoAnswer (own)", "ended missed agent_no_answer 201 by Unknown",]
    );
}

#[test]
fn an_action_that_dials_the_customer_first_is_an_outbound_call() {
    let mut wire = Wire::default();
    let mut customer = Leg::outside(CUSTOMER, 1, 1);
    wire.new_leg(&customer);
    wire.tell("DialBegin", &[("Dest", &customer)], &[("DialString", &format!("{CUSTOMER}@trunk-provider"))]);
    wire.state(&mut customer, 5);
    wire.state(&mut customer, 6);
    wire.tell("DialEnd", &[("Dest", &customer)], &[("DialStatus", "ANSWER")]);
    let mut phone = Leg::phone("201", 2, 1);
    wire.ring(&customer, &mut phone);
    wire.answer(&mut customer, &mut phone, "main");
    end(&mut wire, &customer, &phone);
    assert_eq!(
        story(&wire),
        [
            "outbound",
            &format!("answered outside {CUSTOMER}"),
            "rings 201",
            "answered 201",
            "ended ok normal 201 by External",
        ]
    );
}

#[test]
fn an_action_that_only_rings_a_phone_is_no_call_of_a_customer() {
    let mut wire = Wire::default();
    let mut phone = Leg::phone("201", 1, 1);
    wire.new_leg(&phone);
    wire.tell("DialBegin", &[("Dest", &phone)], &[("DialString", "201")]);
    wire.state(&mut phone, 5);
    wire.state(&mut phone, 6);
    wire.hangup(&phone, "16");
    assert_eq!(story(&wire), Vec::<String>::new());
}

#[test]
fn two_calls_at_one_phone_are_told_apart() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    let mut second_caller = Leg::caller(3, "+494066969102", LINE);
    let mut second_line = Leg::phone("201", 4, 3);
    wire.new_leg(&second_caller);
    wire.ring(&second_caller, &mut second_line);
    wire.say("Hold", &phone, &[("MusicClass", "default")]);
    wire.answer(&mut second_caller, &mut second_line, "second");
    end(&mut wire, &second_caller, &second_line);
    wire.say("Unhold", &phone, &[]);
    end(&mut wire, &phone, &caller);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "rings 201",
            "answered 201",
            "inbound",
            "rings 201",
            "held by 201",
            "answered 201",
            "ended ok normal 201 by External",
            "resumed by 201",
            "ended ok normal 201 by Internal",
        ]
    );
}

#[test]
fn two_devices_of_one_extension_ring_and_stop_as_one() {
    let mut wire = Wire::default();
    let mut caller = Leg::caller(1, CUSTOMER, LINE);
    let mut desk = Leg::phone("201", 2, 1);
    let mut mobile = Leg::phone("201", 3, 1);
    wire.new_leg(&caller);
    wire.ring(&caller, &mut desk);
    wire.ring(&caller, &mut mobile);
    wire.answer(&mut caller, &mut desk, "main");
    wire.dial_end(&caller, &mobile, "CANCEL");
    wire.hangup(&mobile, "26");
    end(&mut wire, &caller, &desk);
    assert_eq!(story(&wire), ["inbound", "rings 201", "answered 201", "ended ok normal 201 by External"]);
}

#[test]
fn a_phone_that_rejects_is_busy_and_the_refusal_of_the_caller_is_not_his_own_doing() {
    let mut wire = Wire::default();
    let caller = Leg::caller(1, CUSTOMER, LINE);
    let mut phone = Leg::phone("201", 2, 1);
    wire.new_leg(&caller);
    wire.ring(&caller, &mut phone);
    wire.asks_for_end(&phone, &[("Cause", "17"), ("TechCause", "486")]);
    wire.dial_end(&caller, &phone, "BUSY");
    wire.hangup(&phone, "17");
    wire.asks_for_end(&caller, &[("Cause", "17"), ("TechCause", "486")]);
    wire.hangup(&caller, "17");
    assert_eq!(story(&wire), ["inbound", "rings 201", "stops 201: Busy", "ended missed busy 201 by Internal",]);
}

#[test]
fn ringing_that_is_heard_of_before_its_dial_is_understood_all_the_same() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    let pair = Leg::pair("202", "internal", 3, 1);
    wire.new_pair(&pair);
    let mut target = Leg::phone("202", 5, 1);
    wire.new_leg(&target);
    wire.state(&mut target, 5);
    wire.dial_begin(&pair.1, &target, "202");
    wire.dial_end(&pair.1, &target, "BUSY");
    wire.hangup(&target, "17");
    wire.hangup(&pair.0, "17");
    wire.hangup(&pair.1, "17");
    end(&mut wire, &caller, &phone);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "rings 201",
            "answered 201",
            "rings 202 (consult)",
            "stops 202: Busy (consult)",
            "ended ok normal 201 by External",
        ]
    );
}

#[test]
fn recordings_on_demand_carry_their_file() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    wire.say("VarSet", &caller, &[("Variable", "MIXMONITOR_FILENAME"), ("Value", "/r/1.wav")]);
    wire.say("MixMonitorStart", &caller, &[]);
    wire.say("MixMonitorMute", &caller, &[("Direction", "both"), ("State", "1")]);
    wire.say("MixMonitorMute", &caller, &[("Direction", "both"), ("State", "0")]);
    wire.say("MixMonitorStop", &caller, &[]);
    end(&mut wire, &caller, &phone);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "rings 201",
            "answered 201",
            "recording Started -",
            "recording Muted -",
            "recording Unmuted -",
            "recording Stopped -",
            "recorded /r/1.wav",
            "ended ok normal 201 by External",
        ]
    );
}

/// The files, of several recordings on both legs, one stopped by hand, the others by the end.
#[test]
fn every_recording_of_a_call_is_told_once_by_its_place_below_the_folder() {
    let recordings = Recordings { folder: Some("/var/spool/asterisk/monitor".into()), ..Recordings::default() };
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    let record = |wire: &mut Wire, leg: &Leg, file: &str| {
        let file = format!("/var/spool/asterisk/{file}");
        wire.say("VarSet", leg, &[("Variable", "MIXMONITOR_FILENAME"), ("Value", &file)]);
        wire.say("MixMonitorStart", leg, &[]);
    };
    record(&mut wire, &caller, "monitor/2026/a.wav");
    record(&mut wire, &phone, "monitor/b.wav");
    wire.say("MixMonitorStop", &phone, &[]);
    record(&mut wire, &phone, "monitor/c.wav");
    record(&mut wire, &phone, "voicemail/d.wav");
    // Announced, and never begun.
    let file = "/var/spool/asterisk/monitor/e.wav";
    wire.say("VarSet", &caller, &[("Variable", "MIXMONITOR_FILENAME"), ("Value", file)]);
    end(&mut wire, &caller, &phone);
    let recorded = |wire: &Wire, recordings: &Recordings| {
        let told = story_of(wire, Site { recordings: recordings.clone(), ..site() });
        told.into_iter().filter(|line| line.starts_with("recorded")).collect::<Vec<_>>()
    };
    assert_eq!(recorded(&wire, &recordings), ["recorded b.wav", "recorded 2026/a.wav", "recorded c.wav"]);
    let url = Pattern::new("https://pbx.example.com/rec/{path}", Slot::Path).ok();
    let by_url = Recordings { url, ..recordings };
    assert_eq!(recorded(&wire, &by_url)[1], "recorded https://pbx.example.com/rec/2026/a.wav");
}

/// A manager without the class `dialplan` sees no variables, but billing records, before the last hangup or after it.
#[test]
fn the_file_of_a_recording_is_found_in_the_billing_record() {
    let recordings = Recordings { cdr_field: Some("UserField".into()), ..Recordings::default() };
    for after in [false, true] {
        let mut wire = Wire::default();
        let (caller, phone) = answered_call(&mut wire, "201");
        if after {
            end(&mut wire, &caller, &phone);
        }
        wire.0 += &format!(
            "Event: Cdr\r\nPrivilege: cdr,all\r\nChannel: {}\r\nUniqueID: {}\r\nUserField: in-201.wav\r\n\r\n",
            caller.name, caller.id
        );
        if !after {
            end(&mut wire, &caller, &phone);
        }
        let told = story_of(&wire, Site { recordings: recordings.clone(), ..site() });
        assert_eq!(told.iter().filter(|line| *line == "recorded in-201.wav").count(), 1, "{told:?}");
        assert!(!story(&wire).iter().any(|line| line.starts_with("recorded")), "only where the admin says so");
    }
}

#[test]
fn keys_of_the_outside_party_are_told_and_those_of_phones_are_not() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    let press = |wire: &mut Wire, leg: &Leg, key: &str, direction: &str| {
        wire.say("DTMFEnd", leg, &[("Digit", key), ("DurationMs", "160"), ("Direction", direction)]);
    };
    press(&mut wire, &caller, "1", "Received");
    // The same key, as it is sent on to the phone.
    press(&mut wire, &phone, "1", "Sent");
    press(&mut wire, &phone, "#", "Received");
    press(&mut wire, &caller, "#", "Sent");
    press(&mut wire, &caller, "*", "Received");
    press(&mut wire, &caller, "x", "Received");
    press(&mut wire, &caller, "12", "Received");
    end(&mut wire, &caller, &phone);
    let told: Vec<_> = story(&wire).into_iter().filter(|line| line.starts_with("digits")).collect();
    assert_eq!(told, ["digits 1", "digits *"]);
}

#[test]
fn a_feature_code_is_no_call_but_one_in_front_of_a_number_is() {
    let mut wire = Wire::default();
    let phone = Leg::dials("201", 1, "*78");
    wire.new_leg(&phone);
    wire.hangup(&phone, "16");
    let mut phone = Leg::dials("201", 2, "*31#0301234567");
    let mut outside = Leg::outside("0301234567", 3, 2);
    wire.new_leg(&phone);
    wire.dial(&phone, &outside, "0301234567@trunk-provider");
    wire.answer(&mut phone, &mut outside, "main");
    end(&mut wire, &phone, &outside);
    assert_eq!(
        story(&wire),
        ["outbound", "201 dials 0301234567", "answered outside 0301234567", "ended ok normal 201 by Internal",]
    );
}

#[test]
fn sites_name_their_trunks_and_phones_as_they_like() {
    let site = Site {
        trunks: vec!["DAHDI/*".into()],
        inbound_contexts: Vec::new(),
        endpoint_names: vec!["desk-{}".into()],
        ..site()
    };
    let mut wire = Wire::default();
    let mut caller = Leg { name: "DAHDI/i1/030999-1".into(), context: "isdn".into(), ..Leg::caller(1, CUSTOMER, LINE) };
    let mut phone = Leg { name: "SIP/desk-201-00000001".into(), ..Leg::phone("201", 2, 1) };
    wire.new_leg(&caller);
    wire.ring(&caller, &mut phone);
    wire.answer(&mut caller, &mut phone, "main");
    end(&mut wire, &caller, &phone);
    assert_eq!(story_of(&wire, site), ["inbound", "rings 201", "answered 201", "ended ok normal 201 by External"]);
}

#[test]
fn ids_with_a_system_name_are_only_text() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    end(&mut wire, &caller, &phone);
    wire.0 = wire.0.replace("1795230500.", "pbx1-1795230500.").replace("Privilege:", "SystemName: pbx1\r\nPrivilege:");
    assert_eq!(story(&wire), ["inbound", "rings 201", "answered 201", "ended ok normal 201 by External"]);
}
