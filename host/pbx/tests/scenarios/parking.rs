//! Callers who are parked, and calls that are forwarded.

use crate::{
    story::{CUSTOMER, LINE, answered_call, end, story},
    wire::{Leg, Wire},
};

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
