//! Whole calls: what the PBX posts and has written down, to events. The replays of `call-model.md`, section 7, that this PBX
//! can tell.

use std::time::Duration;

use hookswitch_call::{
    Chain, Extension, Millis,
    event::Outcome,
    signal::{Arrival, Direction, Reason},
};
use hookswitch_pbx::rostelecom::Found;
use serde_json::json;

use crate::{Desk, START, inbound, info, outbound, record, short};

/// An inbound call to a group, two phones ring, one answers.
fn answered() -> Vec<serde_json::Value> {
    let mut end = inbound(14_000, "end", "102");
    end["is_record"] = "true".into();
    vec![
        inbound(0, "new", ""),
        inbound(1000, "calling", "800"),
        inbound(7000, "calling", "102"),
        inbound(7000, "calling", "103"),
        inbound(9000, "connected", "102"),
        inbound(9200, "disconnected", "103"),
        inbound(14_000, "disconnected", "102"),
        end,
    ]
}

const LOG: &str = "0:el:79990001122;1:ru:Sales;7:ct:admin;7:ct:bob;9:cc:admin;14:cd:admin;";

#[test]
fn a_group_rings_one_answers_and_the_call_ends_with_one_recording() {
    let mut desk = Desk::open();
    answered().iter().for_each(|event| desk.hear(event));
    assert!(desk.call("DEMOs1").is_open(), "the record is waited for");
    assert_eq!(desk.answer(Some(&info(LOG, 14))), 1);
    assert_eq!(
        desk.told(),
        [
            "new",
            "queued Sales",
            "ringing 102",
            "ringing 103",
            "left-queue Sales",
            "answered 102",
            "ring-stopped 103",
            "leg-ended 102",
            "noted session-log",
            "ended answered normal",
            "recorded DEMOs1",
        ]
    );
    let call = desk.call("DEMOs1");
    assert_eq!((call.leg, call.talk_ms(Millis(0)), call.started), (1, 5000, Millis(START)));
    assert_eq!((call.external.as_deref(), call.line.as_str()), (Some("79990001122"), "74950000000"));
    assert_eq!(call.extra, [("session-log".to_owned(), LOG.to_owned())]);
    assert_eq!(call.credited(), Some(&Extension::from("102")));
    // Nothing more is asked.
    desk.pass(Duration::from_secs(3600));
    assert_eq!(desk.answer(Some(&info(LOG, 14))), 0);
}

#[test]
fn nobody_answers() {
    let mut desk = Desk::open();
    for event in [
        inbound(0, "new", ""),
        inbound(1000, "calling", "800"),
        inbound(2000, "calling", "102"),
        inbound(30_000, "disconnected", "102"),
        inbound(30_000, "end", ""),
    ] {
        desk.hear(&event);
    }
    let mut info = info("0:el:79990001122;1:ru:Sales;2:ct:admin;30:cd:admin;", 30);
    (info["state"], info["answering_pin"], info["answering_sipuri"]) = (2.into(), json!(null), json!(null));
    desk.answer(Some(&info));
    let call = desk.call("DEMOs1");
    let ended = call.ended.as_ref().unwrap();
    assert_eq!((ended.outcome, ended.reason), (Outcome::Missed, Reason::NoAnswer));
    assert_eq!((call.queue(), call.credited()), (Some("Sales"), Some(&Extension::from("102"))));
    assert!(call.recordings.is_empty(), "nobody talked: {:?}", call.recordings);
}

#[test]
fn a_code_of_the_network_says_why_nobody_was_reached() {
    for (code, reason) in
        [("486", Reason::Busy), ("404", Reason::Failed), ("487", Reason::Cancelled), ("9", Reason::Unknown)]
    {
        let mut desk = Desk::open();
        [outbound(0, "new", ""), outbound(1000, "calling", ""), outbound(9000, "end", "")]
            .iter()
            .for_each(|event| desk.hear(event));
        let mut info = info("1:ct:79990001122;", 0);
        for (key, value) in [
            ("direction", json!(2)),
            ("state", json!("2")),
            ("orig_pin", json!("102")),
            ("orig_number", json!("sip:admin@example.rt.ru")),
            ("dest_number", json!("sip:79990001122@192.0.2.1")),
            ("status_code", json!(code)),
            ("status_string", json!("words")),
            ("answering_pin", json!(null)),
        ] {
            info[key] = value;
        }
        desk.answer(Some(&info));
        let ended = desk.call("DEMOs1").ended.clone().unwrap();
        assert_eq!((ended.outcome, ended.reason), (Outcome::Missed, reason), "{code}");
        assert_eq!(desk.call("DEMOs1").direction, Direction::Outbound);
    }
}

#[test]
fn a_call_that_goes_from_one_to_the_next_has_two_legs_live_and_by_its_log() {
    // Released first, then connected with the next: blind. The other way round: attended.
    for (events, log, how) in [
        (
            vec![
                inbound(9000, "connected", "102"),
                inbound(20_000, "disconnected", "102"),
                inbound(21_000, "calling", "103"),
                inbound(25_000, "connected", "103"),
            ],
            "2:ct:admin;9:cc:admin;20:cd:admin;21:ct:bob;25:cc:bob;40:cd:bob;",
            "blind",
        ),
        (
            vec![
                inbound(9000, "connected", "102"),
                inbound(21_000, "calling", "103"),
                inbound(25_000, "connected", "103"),
                inbound(26_000, "disconnected", "102"),
            ],
            "2:ct:admin;9:cc:admin;21:ct:bob;25:cc:bob;26:cd:admin;40:cd:bob;",
            "attended",
        ),
    ] {
        let (mut live, mut late) = (Desk::open(), Desk::open());
        for desk in [&mut live, &mut late] {
            desk.hear(&inbound(0, "new", ""));
        }
        live.hear(&inbound(2000, "calling", "102"));
        events.iter().for_each(|event| live.hear(event));
        for desk in [&mut live, &mut late] {
            desk.hear(&inbound(40_000, "end", ""));
            desk.answer(Some(&info(log, 40)));
            let call = desk.call("DEMOs1");
            assert_eq!((call.leg, call.transfer.as_deref()), (2, Some(how)), "{:?}", desk.told());
            assert_eq!(call.credited(), Some(&Extension::from("103")));
            assert_eq!(call.talk_ms(Millis(0)), 31_000);
        }
        // What was heard live and what the log alone tells is the same.
        let told = |desk: &Desk| {
            let mut told = desk.told();
            told.sort();
            told
        };
        assert_eq!(told(&live), told(&late));
    }
}

#[test]
fn an_outbound_call_and_one_that_is_not_picked_up() {
    let mut desk = Desk::open();
    [outbound(0, "new", ""), outbound(1000, "calling", ""), outbound(5000, "connected", ""), outbound(8000, "end", "")]
        .iter()
        .for_each(|event| desk.hear(event));
    let mut info = info("0:ct:79990001122;5:cc:79990001122;8:cd:79990001122;", 8);
    (info["direction"], info["orig_pin"], info["answering_pin"]) = ("2".into(), "102".into(), json!(null));
    (info["orig_number"], info["dest_number"]) = ("sip:admin@example.rt.ru".into(), "sip:79990001122@192.0.2.1".into());
    desk.answer(Some(&info));
    assert_eq!(
        desk.told(),
        ["new", "dialing 102", "answered 79990001122", "noted session-log", "ended answered normal", "recorded DEMOs1"]
    );
    assert_eq!(desk.call("DEMOs1").talk_ms(Millis(0)), 3000);

    let mut desk = Desk::open();
    [outbound(0, "new", ""), outbound(1000, "calling", ""), outbound(8000, "end", "")]
        .iter()
        .for_each(|event| desk.hear(event));
    (info["state"], info["session_log"]) = (2.into(), "1:ct:79990001122;".into());
    desk.answer(Some(&info));
    let ended = desk.call("DEMOs1").ended.clone().unwrap();
    assert_eq!((ended.outcome, ended.reason), (Outcome::Missed, Reason::NoAnswer));
}

#[test]
fn a_call_that_was_ordered_rings_the_agents_own_phone_first() {
    let arrival = || Arrival {
        direction: Direction::Outbound,
        external: Some("+79990001122".into()),
        external_name: String::new(),
        line: String::new(),
        trunk: String::new(),
        from: Some("102".into()),
        crm_call: Some("crm-7".into()),
        started: None,
    };
    let mut desk = Desk::open();
    let signals = desk.ledger.order(&Chain::from("DEMOs1"), arrival(), Millis(START), desk.now);
    signals.into_iter().for_each(|signal| drop(desk.tracker.apply(signal)));
    for event in [
        outbound(0, "new", "102"),
        outbound(500, "calling", "102"),
        outbound(3000, "connected", "102"),
        outbound(3500, "calling", ""),
        outbound(9000, "connected", ""),
        outbound(20_000, "end", ""),
    ] {
        desk.hear(&event);
    }
    desk.answer(None);
    let call = desk.call("DEMOs1");
    assert_eq!((call.crm_call.as_deref(), call.leg), (Some("crm-7"), 1));
    assert_eq!(desk.told()[..4], ["ringing 102 own", "answered 102 own", "dialing 102", "answered 79990001122"]);

    // The agent's phone is not picked up: nobody was called.
    let mut desk = Desk::open();
    let signals = desk.ledger.order(&Chain::from("DEMOs1"), arrival(), Millis(START), desk.now);
    signals.into_iter().for_each(|signal| drop(desk.tracker.apply(signal)));
    [outbound(500, "calling", "102"), outbound(20_000, "end", "102")].iter().for_each(|event| desk.hear(event));
    let mut info = info("0:ct:admin;20:cd:admin;", 0);
    for (key, value) in [
        ("call_type", json!(3)),
        ("direction", json!(2)),
        ("state", json!(2)),
        ("orig_pin", json!("102")),
        ("answering_pin", json!("")),
    ] {
        info[key] = value;
    }
    desk.answer(Some(&info));
    assert_eq!(desk.call("DEMOs1").ended.as_ref().unwrap().reason, Reason::AgentNoAnswer);
}

#[test]
fn an_internal_call_stays_internal() {
    let mut desk = Desk::open();
    for (after, state) in [(0, "new"), (500, "calling"), (2000, "connected"), (9000, "end")] {
        let mut event = inbound(after, state, if state == "new" { "" } else { "103" });
        (event["type"], event["from_number"], event["from_pin"]) =
            ("internal".into(), "sip:admin@example.rt.ru".into(), "102".into());
        event["request_number"] = "sip:bob@example.rt.ru".into();
        desk.hear(&event);
    }
    desk.answer(None);
    desk.pass(Duration::from_secs(20));
    desk.answer(None);
    let call = desk.call("DEMOs1");
    assert_eq!(
        (call.direction, call.from.clone(), call.external.clone()),
        (Direction::Internal, Some("102".into()), None)
    );
    assert_eq!(call.ended.as_ref().unwrap().outcome, Outcome::Answered);
}

#[test]
fn an_end_without_a_record_ends_the_call_with_what_is_known() {
    let mut desk = Desk::open();
    answered().iter().for_each(|event| desk.hear(event));
    let mut asked = 0;
    while desk.call("DEMOs1").is_open() {
        asked += desk.answer(None);
        assert!(asked < 10, "it is asked for ever");
        let next = desk.ledger.next().unwrap();
        desk.now = desk.now.max(next);
    }
    assert!((3..8).contains(&asked), "asked {asked} times");
    let call = desk.call("DEMOs1");
    let ended = call.ended.as_ref().unwrap();
    assert_eq!((ended.outcome, ended.at), (Outcome::Answered, Millis(START + 14_000)));
    assert_eq!(call.recordings, ["DEMOs1"], "the event itself says that there may be one");
}

#[test]
fn events_that_were_never_heard_are_in_the_record() {
    let mut desk = Desk::open();
    // Only the end arrives.
    desk.hear(&inbound(14_000, "end", ""));
    desk.answer(Some(&info(LOG, 14)));
    assert_eq!(
        desk.told(),
        [
            "new",
            "queued Sales",
            "ringing 102",
            "ringing 103",
            "left-queue Sales",
            "answered 102",
            "ring-stopped 103",
            "noted session-log",
            "ended answered normal",
            "recorded DEMOs1",
        ]
    );
    let call = desk.call("DEMOs1");
    assert_eq!((call.started, call.answered), (Millis(START), Some(Millis(START + 9000))));
}

#[test]
fn a_user_that_nobody_knows_is_told_by_who_answered_first() {
    let mut desk = Desk::open();
    desk.hear(&inbound(14_000, "end", ""));
    let mut info = info("0:ru:carol;7:ct:carol;9:cc:carol;14:cd:carol;", 14);
    info["answering_pin"] = "104".into();
    desk.answer(Some(&info));
    assert_eq!(desk.call("DEMOs1").credited(), Some(&Extension::from("104")));
}

#[test]
fn a_mailbox_is_no_person() {
    let mut desk = Desk::open();
    desk.hear(&inbound(0, "new", ""));
    desk.hear(&inbound(30_000, "end", ""));
    let mut info = info("0:ru:admin;2:ct:admin;20:cd:admin;20:cc:admin;30:cd:admin;", 30);
    info["is_voicemail"] = "true".into();
    desk.answer(Some(&info));
    let call = desk.call("DEMOs1");
    let ended = call.ended.as_ref().unwrap();
    assert_eq!((ended.outcome, ended.reason, call.voicemail), (Outcome::Missed, Reason::Voicemail, true));
    assert_eq!(call.recordings, ["DEMOs1"], "the message");
}

#[test]
fn a_call_in_whose_middle_the_host_restarts_is_told_to_its_end_once() {
    let mut before = Desk::open();
    answered()[..5].iter().for_each(|event| before.hear(event));
    let known = before.call("DEMOs1").clone();

    // It ended meanwhile: asked for at once.
    let mut desk = Desk::after(std::slice::from_ref(&known));
    assert_eq!(desk.answer(Some(&info(LOG, 14))), 1);
    assert_eq!(desk.told(), ["noted session-log", "ended answered normal", "recorded DEMOs1"]);
    let call = desk.call("DEMOs1");
    assert_eq!((call.leg, call.talk_ms(Millis(0))), (1, 5000));

    // It goes on: the record shows nobody released, and the events go on to be heard.
    let mut desk = Desk::after(std::slice::from_ref(&known));
    desk.answer(Some(&info("0:el:79990001122;7:ct:admin;9:cc:admin;", 0)));
    assert!(desk.call("DEMOs1").is_open());
    answered()[5..].iter().for_each(|event| desk.hear(event));
    desk.answer(Some(&info(LOG, 14)));
    assert_eq!(
        desk.told(),
        ["leg-ended 102", "noted session-log", "ended answered normal", "recorded DEMOs1"],
        "103 had stopped by the answer of 102"
    );

    // It was handed on and ended meanwhile.
    let mut desk = Desk::after(&[known]);
    desk.answer(Some(&info("9:cc:admin;20:cd:admin;21:ct:bob;25:cc:bob;40:cd:bob;", 40)));
    let call = desk.call("DEMOs1");
    assert_eq!((call.leg, call.credited()), (2, Some(&Extension::from("103"))), "{:?}", desk.told());
    assert_eq!(call.agent(&"102".into()).unwrap().talked_ms, 11_000);
}

#[test]
fn a_call_that_only_the_history_knows_is_told_once() {
    let mut desk = Desk::open();
    let whole = record("DEMOs2", &info(LOG, 14), &desk.words);
    assert_eq!(desk.ledger.find(&whole, desk.now), Found::New);
    desk.past(&whole);
    let call = desk.call("DEMOs2");
    assert_eq!((call.started, call.talk_ms(Millis(0))), (Millis(START), 5000));
    let told = desk.events.len();
    assert_eq!(desk.ledger.find(&whole, desk.now), Found::Known);
    desk.past(&whole);
    assert_eq!(desk.events.len(), told);

    // A row alone does not say when somebody answered, but that somebody did.
    let mut row = info("", 14);
    row["session_log"] = json!(null);
    let row = record("DEMOs3", &row, &desk.words);
    desk.past(&row);
    let call = desk.call("DEMOs3");
    assert_eq!(
        (call.credited(), call.ended.as_ref().unwrap().outcome),
        (Some(&Extension::from("102")), Outcome::Answered)
    );
}

#[test]
fn a_call_whose_end_was_not_heard_ends_when_the_history_has_it() {
    let mut desk = Desk::open();
    answered()[..5].iter().for_each(|event| desk.hear(event));
    desk.pass(Duration::from_secs(60));
    assert_eq!(desk.answer(None), 0, "nobody asks: people talk for long");
    let row = record("DEMOs1", &info("", 14), &desk.words);
    assert_eq!(desk.ledger.find(&row, desk.now), Found::Known);
    assert_eq!(desk.answer(Some(&info(LOG, 14))), 1);
    assert_eq!(desk.call("DEMOs1").ended.as_ref().unwrap().at, Millis(START + 14_000));
}

#[test]
fn a_long_silence_is_asked_about_and_a_ringing_call_is_not_taken_for_a_missed_one() {
    let mut desk = Desk::open();
    desk.hear(&inbound(0, "new", ""));
    desk.pass(Duration::from_secs(30 * 60));
    let mut going_on = info("0:el:79990001122;2:ct:admin;", 0);
    (going_on["state"], going_on["start_call_date"]) = (2.into(), ((START + 3_590_000) / 1000).to_string().into());
    assert_eq!(desk.answer(Some(&going_on)), 1);
    assert!(desk.call("DEMOs1").is_open(), "it may ring");
    desk.pass(Duration::from_secs(30));
    going_on["start_call_date"] = (START / 1000).to_string().into();
    assert_eq!(desk.answer(Some(&going_on)), 1);
    assert!(!desk.call("DEMOs1").is_open());
}

#[test]
fn the_clock_of_the_phone_system_may_be_wrong() {
    let mut desk = Desk::open();
    answered().iter().for_each(|event| desk.hear(event));
    let mut info = info(LOG, 14);
    info["start_call_date"] = (START / 1000 - 7200).to_string().into();
    desk.answer(Some(&info));
    let call = desk.call("DEMOs1");
    assert_eq!((call.started, call.answered), (Millis(START), Some(Millis(START + 9000))));
    assert!(desk.events.iter().all(|event| event.at >= Millis(START)), "{:?}", desk.events);
}

#[test]
fn menus_and_queues_of_the_log_are_the_way_that_the_call_went() {
    let mut desk = Desk::open();
    desk.words.codes.menu = vec!["iv".into()];
    desk.words.codes.queued = vec!["qe".into()];
    desk.hear(&inbound(0, "new", ""));
    desk.hear(&inbound(40_000, "end", ""));
    let log = "0:el:79990001122;1:iv:Main menu;5:iv:Service;9:qe:800;20:ct:admin;25:cc:admin;40:cd:admin;";
    desk.answer(Some(&info(log, 40)));
    let way: Vec<_> = desk.events.iter().filter(|event| ["noted", "queued"].contains(&event.what.name())).collect();
    let way: Vec<_> = way.iter().map(|event| (short(event), event.at.0 - START)).collect();
    assert_eq!(
        way[..3],
        [("noted menu".to_owned(), 1000), ("noted menu".to_owned(), 5000), ("queued Sales".to_owned(), 9000)]
    );
    let call = desk.call("DEMOs1");
    assert_eq!((call.queue(), call.credited()), (Some("Sales"), Some(&Extension::from("102"))));
    assert!(call.extra.contains(&("menu".to_owned(), "Service".to_owned())), "{:?}", call.extra);
    assert_eq!(call.path, ["menu Main menu", "menu Service", "queue Sales"]);
}
