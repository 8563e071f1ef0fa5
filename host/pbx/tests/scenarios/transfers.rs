//! Transfers, attended and blind, by feature codes and by phones.

use crate::{
    story::{CUSTOMER, LINE, answered_call, end, second_line, story},
    wire::{Leg, Wire},
};

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
