//! What phones do: several calls, several devices, refusals.

use crate::{
    story::{CUSTOMER, LINE, answered_call, end, story},
    wire::{Leg, Wire},
};

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
