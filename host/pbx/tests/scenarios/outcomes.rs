//! How calls end that nobody answers.

use crate::{
    story::story,
    wire::{Leg, Wire},
};

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
