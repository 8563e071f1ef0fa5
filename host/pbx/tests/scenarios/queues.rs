//! Callers in queues.

use crate::{
    story::{CUSTOMER, LINE, end, story},
    wire::{Leg, Wire},
};

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
