//! Calls that somebody has the PBX make.

use crate::{
    story::{CUSTOMER, end, story},
    wire::{Leg, Wire},
};

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
