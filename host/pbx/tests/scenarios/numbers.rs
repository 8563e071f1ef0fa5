//! Keys, feature codes, and what sites call their trunks and phones.

use hookswitch_pbx::asterisk::Site;

use crate::{
    story::{CUSTOMER, LINE, answered_call, end, site, story, story_of},
    wire::{Leg, Wire},
};

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
