//! What happens in offices.

use hookswitch_call::{
    event::Outcome,
    record::AgentState,
    signal::{Direction, Party, Reason, Role, Side},
    site::{Membership, News, PhoneState, Trait},
};
use serde_json::json;

use super::world::*;
use crate::Dial;

/// One rings, and two more; the second takes the call.
fn queue(world: &mut World) {
    world.say(30011, members(&[inbound("ALERT")]));
    world.say(30011, members(&[inbound("ANSWERED"), agent("201", "RING"), agent("202", "RING"), agent("203", "RING")]));
    world.say(30011, members(&[inbound("ANSWERED"), agent("202", "ANSWER")]));
    world.say(30011, members(&[agent("201", "BYE"), agent("203", "BYE")]));
}

#[test]
fn three_agents_ring_and_one_takes_the_call() {
    for mut world in [World::new(), World::as_text()] {
        queue(&mut world);
        let call = world.call();
        assert_eq!(call.external.as_deref(), Some(CALLER));
        assert_eq!((call.direction, call.trunk.as_str(), call.queue()), (Direction::Inbound, "provider", Some("6400")));
        let names = world.names();
        for name in ["201 rings", "202 rings", "203 rings", "202 answers", "201 rings no more", "203 rings no more"] {
            assert_eq!(names.iter().filter(|told| *told == name).count(), 1, "{name} in {names:?}");
        }
        world.say(30011, members(&[inbound("BYE"), agent("202", "BYE")]));
        assert!(world.call().is_open(), "the end waits for its record");
        world.say(30012, record("Inbound", CALLER, "202", "ANSWERED", 9, 2));
        assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "202".to_owned()));
        let call = world.call();
        assert_eq!((call.line.as_str(), call.recordings.len(), call.leg), (OURS, 1, 1));
        assert_eq!(call.recordings[0], format!("20240312100930-{CALL}-{CALLER}-202-Inbound.wav"));
    }
}

#[test]
fn an_end_whose_record_never_comes_is_told_in_time() {
    let mut world = World::new();
    queue(&mut world);
    world.say(30011, members(&[inbound("BYE"), agent("202", "BYE")]));
    let hung_up = world.now;
    world.wait(2);
    assert!(world.call().is_open());
    world.wait(1);
    assert_eq!(world.ended().0, Outcome::Answered);
    assert_eq!(world.call().ended.as_ref().unwrap().at.0, hung_up, "it ended when it was hung up");
}

#[test]
fn a_record_that_comes_before_the_last_word_and_all_of_it_twice_is_one_end() {
    let mut world = World::new();
    queue(&mut world);
    for _ in 0..2 {
        world.say(30012, record("Inbound", CALLER, "202", "ANSWERED", 9, 2));
    }
    assert!(world.call().is_open(), "it may be of a part of the call");
    for _ in 0..2 {
        world.say(30011, members(&[inbound("BYE"), agent("202", "BYE")]));
        world.say(30012, record("Inbound", CALLER, "202", "ANSWERED", 9, 2));
    }
    // Of one leg there may be two files.
    let mut more = record("Inbound", CALLER, "202", "ANSWERED", 9, 2);
    more["recording"] = format!("20240312100935-{CALL}-{CALLER}-202-Inbound.wav").into();
    world.say(30012, more);
    assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "202".to_owned()));
    let count = |wanted: &str| world.names().iter().filter(|name| *name == wanted).count();
    assert_eq!((count("ended"), count("recorded"), count("202 answers")), (1, 2, 1), "{:?}", world.names());
}

#[test]
fn a_caller_who_gives_up_in_the_queue_is_missed_once() {
    let mut world = World::new();
    world.say(30011, members(&[inbound("ALERT")]));
    world.say(30011, members(&[agent("201", "RING"), agent("202", "RING")]));
    world.say(
        30026,
        json!({ "queue_number": "queue-6400", "agent_number": "201", "caller_number": CALLER, "call_id": CALL }),
    );
    world.say(30011, members(&[inbound("BYE")]));
    world.say(30012, record("Inbound", CALLER, "6400", "NO ANSWER", 4, 0));
    assert_eq!(world.ended(), (Outcome::Missed, Reason::Abandoned, "201".to_owned()));
    assert_eq!(world.call().ended.as_ref().unwrap().by, Side::External);
    let ends = world.names().iter().filter(|name| *name == "ended").count();
    assert_eq!(ends, 1);
}

#[test]
fn the_mailbox_is_no_person() {
    let mut world = World::new();
    world.say(30011, members(&[inbound("ALERT"), extension("201", "RING")]));
    world.say(30011, members(&[extension("201", "BYE"), inbound("ANSWERED")]));
    world.say(30011, members(&[inbound("BYE")]));
    world.say(30012, record("Inbound", CALLER, "201", "VOICEMAIL", 30, 0));
    assert_eq!(world.ended(), (Outcome::Missed, Reason::Voicemail, "201".to_owned()));
}

#[test]
fn a_call_that_is_dialled_is_outbound_and_answered_by_the_other_side() {
    for mut world in [World::new(), World::as_text()] {
        world.say(30011, members(&[extension("201", "ALERT")]));
        assert_eq!(world.call().direction, Direction::Internal, "nothing else can be known yet");
        world.say(30011, members(&[extension("201", "ALERT"), outbound("030999", "RING")]));
        world.say(30011, members(&[outbound("030999", "EARLYMEDIA")]));
        world.say(30011, members(&[extension("201", "ANSWERED"), outbound("030999", "ANSWER")]));
        world.say(30011, members(&[extension("201", "HOLD")]));
        world.say(30011, members(&[extension("201", "ANSWERED")]));
        world.say(30011, members(&[outbound("030999", "BYE"), extension("201", "BYE")]));
        world.say(30012, record("Outbound", "201", "030999", "ANSWERED", 10, 8));
        assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "201".to_owned()));
        let call = world.call();
        assert_eq!((call.direction, call.external.as_deref()), (Direction::Outbound, Some("030999")));
        assert_eq!(call.from.as_ref().map(|from| from.as_str()), Some("201"));
        assert_eq!(
            world.names(),
            ["new", "new", "dialing", "outside answers", "held", "resumed", "201 leaves", "recorded", "ended"]
        );
    }
}

#[test]
fn outbound_calls_that_nobody_takes_say_why() {
    for (failed, status, by_agent, reason) in [
        (None, "NO ANSWER", false, Reason::NoAnswer),
        (None, "NO ANSWER", true, Reason::Cancelled),
        (None, "BUSY", false, Reason::Busy),
        (Some("486 Busy here"), "NO ANSWER", false, Reason::Busy),
        (Some("Line Unreachable"), "FAILED", false, Reason::Failed),
        (Some("404 NOT found"), "NO ANSWER", false, Reason::Failed),
        (Some("480 Temporatily Unavailable"), "NO ANSWER", false, Reason::NoAnswer),
    ] {
        let mut world = World::new();
        world.say(30011, members(&[extension("201", "ALERT"), outbound("030999", "RING")]));
        if by_agent {
            world.say(30011, members(&[extension("201", "BYE")]));
        }
        if let Some(why) = failed {
            world.say(30015, json!({ "call_id": CALL, "reason": why, "members": [outbound("030999", "BYE")] }));
        }
        world.say(30011, members(&[outbound("030999", "BYE")]));
        world.say(30012, record("Outbound", "201", "030999", status, 12, 0));
        assert_eq!(world.ended(), (Outcome::Missed, reason, "201".to_owned()), "{failed:?} {status}");
    }
}

#[test]
fn a_blind_transfer_changes_hands_once_and_credits_the_last() {
    for late in [false, true] {
        let mut world = World::new();
        world.say(30011, members(&[inbound("ALERT"), extension("201", "RING")]));
        world.say(30011, members(&[inbound("ANSWERED"), extension("201", "ANSWER")]));
        let given = members(&[inbound("ANSWERED"), extension("201", "ANSWER")]);
        if !late {
            world.say(30013, given.clone());
        }
        world.say(30011, members(&[inbound("ANSWERED"), extension("203", "RING")]));
        if late {
            world.say(30013, given);
        }
        world.say(30011, members(&[extension("201", "BYE")]));
        // The record of the first part comes while the second goes on.
        world.say(30012, record("Inbound", CALLER, "201", "ANSWERED", 4, 2));
        world.say(30011, members(&[extension("203", "ANSWER")]));
        world.say(30011, members(&[inbound("BYE"), extension("203", "BYE")]));
        world.say(30012, record("Inbound", CALLER, "203", "ANSWERED", 9, 3));
        assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "203".to_owned()), "{:#?}", world.names());
        assert_eq!((world.call().leg, world.call().transfer.as_deref()), (2, Some("blind")));
        let names = world.names();
        assert_eq!(names.iter().filter(|name| *name == "201 transfers Blind").count(), 1, "{names:?}");
        assert_eq!(world.call().recordings.len(), 2, "one of each part");
    }
}

#[test]
fn an_attended_transfer_is_told_when_the_call_is_handed_over() {
    let mut world = World::new();
    world.say(30011, members(&[inbound("ALERT"), extension("201", "RING")]));
    world.say(30011, members(&[inbound("ANSWERED"), extension("201", "ANSWER")]));
    world.say(30011, members(&[inbound("HOLD")]));
    // The consultation is a call of its own.
    let consultation = "1710234590.370";
    world.say(30011, members_of(consultation, &[extension("201", "ALERT"), extension("202", "RING")]));
    world.say(30011, members_of(consultation, &[extension("201", "ANSWERED"), extension("202", "ANSWER")]));
    world.say(30013, members(&[inbound("HOLD"), extension("201", "ANSWER")]));
    world.say(30011, members(&[inbound("ANSWERED"), extension("202", "ANSWER"), extension("201", "BYE")]));
    world.say(30011, members_of(consultation, &[extension("201", "BYE"), extension("202", "BYE")]));
    world.say(30011, members(&[inbound("BYE"), extension("202", "BYE")]));
    world.say(30012, record("Inbound", CALLER, "202", "ANSWERED", 9, 3));
    assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "202".to_owned()), "{:#?}", world.names());
    assert_eq!((world.call().leg, world.call().transfer.as_deref()), (2, Some("attended")));
    world.wait(3);
    assert!(!world.call_of(consultation).is_open());
    assert_eq!(world.call_of(consultation).direction, Direction::Internal);
}

#[test]
fn a_call_that_is_sent_on_to_a_mobile_stays_an_inbound_call() {
    let mut world = World::new();
    world.say(30011, members(&[inbound("ALERT"), extension("201", "RING")]));
    world.say(30014, members(&[inbound("ALERT")]));
    world.say(30011, members(&[inbound("ALERT"), extension("201", "BYE"), outbound("0170555", "RING")]));
    world.say(30011, members(&[inbound("ANSWERED"), outbound("0170555", "ANSWER")]));
    world.say(30011, members(&[inbound("BYE"), outbound("0170555", "BYE")]));
    world.say(30012, record("Inbound", CALLER, "0170555", "ANSWERED", 9, 3));
    let call = world.call();
    assert_eq!((call.direction, call.external.as_deref()), (Direction::Inbound, Some(CALLER)));
    assert_eq!(call.transfer.as_deref(), Some("forward"));
    assert_eq!(world.ended().0, Outcome::Answered);
}

#[test]
fn click_to_call_is_the_agents_own_call_however_early_the_phone_rings() {
    for early in [false, true] {
        let mut world = World::new();
        let dial = Dial { from: "201".into(), number: "030999".into(), crm_call: Some("crm-7".into()) };
        world.exchange.expect(&dial, hookswitch_call::Millis(world.now));
        let answered = |world: &mut World| {
            let reports = world.exchange.dialled(&"201".into(), CALL.into(), hookswitch_call::Millis(world.now));
            world.take(reports);
        };
        if !early {
            answered(&mut world);
        }
        world.say(30011, members(&[extension("201", "RING")]));
        if early {
            answered(&mut world);
        }
        world.say(30011, members(&[extension("201", "ANSWER")]));
        assert_eq!(world.call().answered, None, "the outside party is not there yet");
        world.say(30011, members(&[outbound("030999", "RING")]));
        world.say(30011, members(&[outbound("030999", "ANSWER")]));
        world.say(30011, members(&[extension("201", "BYE"), outbound("030999", "BYE")]));
        world.say(30012, record("Outbound", "201", "030999", "ANSWERED", 10, 5));
        assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "201".to_owned()));
        let call = world.call();
        assert_eq!((call.direction, call.crm_call.as_deref()), (Direction::Outbound, Some("crm-7")), "early: {early}");
        let rang = world.events.iter().find_map(|event| match &event.what {
            hookswitch_call::event::What::Ringing { role, .. } => Some(*role),
            _ => None,
        });
        assert_eq!(rang, Some(Role::Own), "early: {early}");
    }
}

#[test]
fn an_agents_phone_that_is_not_picked_up_is_no_missed_customer() {
    let mut world = World::new();
    let dial = Dial { from: "201".into(), number: "030999".into(), crm_call: None };
    world.exchange.expect(&dial, hookswitch_call::Millis(world.now));
    world.say(30011, members(&[extension("201", "RING")]));
    world.say(30011, members(&[extension("201", "BYE")]));
    world.wait(3);
    assert_eq!(world.ended(), (Outcome::Missed, Reason::AgentNoAnswer, "201".to_owned()));
}

#[test]
fn another_call_for_the_same_phone_is_not_taken_for_the_one_that_was_asked_for() {
    let mut world = World::new();
    let dial = Dial { from: "201".into(), number: "030999".into(), crm_call: None };
    world.exchange.expect(&dial, hookswitch_call::Millis(world.now));
    world.say(30011, members(&[inbound("ALERT"), extension("201", "RING")]));
    assert_eq!((world.call().direction, world.call().external.as_deref()), (Direction::Inbound, Some(CALLER)));
}

#[test]
fn a_record_alone_is_a_whole_call() {
    for (kind, from, to, direction) in
        [("inbound", CALLER, "202", Direction::Inbound), ("OUTBOUND", "202", CALLER, Direction::Outbound)]
    {
        let mut world = World::new();
        let mut told = record(kind, from, to, "ANSWERED", 60, 48);
        told["did_number"] = OURS.into();
        world.say(30012, told);
        assert!(world.call().is_open(), "there may be more records of it");
        world.wait(3);
        assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "202".to_owned()), "{kind}");
        let call = world.call();
        assert_eq!((call.direction, call.external.as_deref()), (direction, Some(CALLER)));
        assert_eq!((call.started.0, call.answered.unwrap().0), (SECOND * 1000, (SECOND + 12) * 1000));
        assert_eq!(call.ended.as_ref().unwrap().at.0, (SECOND + 60) * 1000);
    }
}

#[test]
fn one_who_hangs_up_alone_leaves_a_doubt_that_the_pbx_clears() {
    let mut world = World::new();
    world.say(30011, members(&[inbound("ALERT"), extension("201", "RING")]));
    world.say(30011, members(&[extension("201", "ANSWER")]));
    world.say(30011, members(&[extension("201", "BYE")]));
    assert!(!world.exchange.doubts(hookswitch_call::Millis(world.now)));
    world.wait(3);
    assert!(world.exchange.doubts(hookswitch_call::Millis(world.now)), "the PBX is to be asked");
    // It goes on: another phone is about to ring.
    world.ask(&[members(&[inbound("ANSWERED"), extension("201", "BYE")])], &[], None);
    assert!(world.call().is_open() && !world.exchange.doubts(hookswitch_call::Millis(world.now)));
    world.say(30011, members(&[extension("202", "RING")]));
    world.say(30011, members(&[extension("202", "BYE")]));
    world.wait(3);
    let gone = world.ask(&[], &[], None);
    assert_eq!(gone.len(), 1);
    assert_eq!(world.ended(), (Outcome::Answered, Reason::Normal, "201".to_owned()));
    assert_eq!(world.resynced, 0, "an end that was heard is an end");
}

#[test]
fn keys_are_told_once_and_only_those_of_the_caller() {
    let mut world = World::new();
    world.say(30011, members(&[inbound("ANSWERED")]));
    for (flag, key, infos) in [(0, "1", "1"), (1, "7", "17"), (0, "1", "1"), (1, "7", "17"), (2, "#", "17#")] {
        world.say(
            30017,
            json!({ "call_id": CALL, "members": [inbound("ANSWERED")], "info": key, "flag": flag, "infos": infos }),
        );
    }
    world.say(
        30017,
        json!({ "call_id": CALL, "members": [extension("201", "ANSWER")], "info": "*", "flag": 0, "infos": "*" }),
    );
    let keys: String = world
        .events
        .iter()
        .filter_map(|event| match &event.what {
            hookswitch_call::event::What::Digits { digits } => Some(digits.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(keys, "17#");
}

#[test]
fn the_legs_of_the_timeline_find_their_call_whichever_comes_first() {
    let leg = |number: u64, status: &str| {
        json!({ "uid": "20240312100927A1B2C", "cdr_id": "x", "leg": number, "call_from": CALLER, "call_to": "6400",
                "call_type": "Inbound", "status": status, "time_start": "2024/03/12 10:09:27", "ring_duration": 20,
                "talk_duration": 0, "hold_duration": 0, "call_duration": 20, "event_list": [] })
    };
    let mut world = World::new();
    world.say(30011, members(&[inbound("ALERT"), agent("201", "RING")]));
    world.say(30039, leg(1, "ABANDONED"));
    world.say(30012, record("Inbound", CALLER, "6400", "NO ANSWER", 20, 0));
    world.say(30039, leg(2, "NO ANSWER"));
    world.wait(3);
    world.ask(&[], &[], None);
    assert_eq!(world.ended().1, Reason::Abandoned);
    let names: Vec<_> = world.call().extra.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["leg-1", "leg-2"]);
}

#[test]
fn an_incoming_call_asks_once_wherever_its_channel_stands() {
    let mut world = World::as_text();
    for _ in 0..2 {
        world.say(30016, members(&[inbound("ALERT")]));
    }
    let mut bare = inbound("ALERT");
    bare["inbound"].as_object_mut().unwrap().remove("channel_id");
    world.say(30016, json!({ "call_id": "1710234568.1", "members": [bare], "channel_id": "PJSIP/elsewhere-1" }));
    world.say(30016, json!({ "call_id": "1710234568.2", "members": [] }));
    let asked: Vec<_> = world.asked.iter().map(|asked| (asked.channel.as_str(), asked.external.as_deref())).collect();
    assert_eq!(asked, [("PJSIP/trunk-provider-endpoint-00000002", Some(CALLER)), ("PJSIP/elsewhere-1", Some(CALLER))]);
    assert_eq!(world.call().direction, Direction::Inbound);
}

#[test]
fn suppressed_numbers_are_none() {
    let mut world = World::new();
    let mut caller = inbound("ALERT");
    caller["inbound"]["from"] = "anonymous".into();
    world.say(30011, members(&[caller, extension("201", "RING")]));
    assert_eq!(world.call().external, None);
}

#[test]
fn what_extensions_and_queues_do_is_told() {
    for mut world in [World::new(), World::as_text()] {
        world.say(
            30007,
            json!({ "extension": "201", "kind": "Sip", "status": "Registered", "registered_ip": "10.0.0.5" }),
        );
        world.say(30007, json!({ "extension": "201", "kind": "Mobile", "status": "Registered", "registered_ip": " " }));
        world.say(30007, json!({ "extension": "201", "kind": "Sip", "status": "Unregistered", "registered_ip": " " }));
        world.say(30008, json!({ "extension": "201", "status": "Ringing" }));
        world.say(30009, json!({ "extension": "201", "status": "do_not_disturb" }));
        world.say(
            30029,
            json!({ "queue_number": "queue-6400", "agent_number": "201", "status": "Paused", "reason": "Lunch" }),
        );
        world.say(30025, json!({ "queue_number": "6400", "agent_number": "202", "calls": [] }));
        world.say(30022, json!({ "ext_number": "203", "option": "DELETE" }));
        let about = |number: &str, now| News::Extension { extension: number.into(), now };
        let member =
            |number: &str| News::Member { queue: "6400".into(), extension: number.into(), change: Membership::Paused };
        assert_eq!(
            world.news,
            [
                about("201", Trait::Registered(true)),
                about("201", Trait::Registered(true)),
                // The mobile is still there.
                about("201", Trait::Registered(true)),
                about("201", Trait::Phone(PhoneState::Ringing)),
                about("201", Trait::Presence("do_not_disturb".into())),
                member("201"),
                member("202"),
                News::Removed { extension: "203".into() },
            ]
        );
    }
}

#[test]
fn agents_who_ring_twice_are_missed_once() {
    let mut world = World::new();
    world.say(30011, members(&[inbound("ALERT")]));
    for round in 1..=2 {
        let mut rings = agent("201", "RING");
        rings["extension"]["channel_id"] = format!("PJSIP/201-0000000{round}").into();
        world.say(30011, members(&[rings.clone()]));
        rings["extension"]["member_status"] = "BYE".into();
        world.say(30011, members(&[rings]));
    }
    assert_eq!(world.names().iter().filter(|name| *name == "201 rings").count(), 2);
    assert_eq!(world.call().agents.len(), 1);
    assert_eq!(world.call().agents[0].state, AgentState::Missed);
    world.say(30011, members(&[inbound("BYE")]));
    world.wait(3);
    let answered_by_nobody = world
        .events
        .iter()
        .all(|event| !matches!(&event.what, hookswitch_call::event::What::Answered { by: Party::Extension(_), .. }));
    assert!(answered_by_nobody && world.ended().0 == Outcome::Missed);
}
