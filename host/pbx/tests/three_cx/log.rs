//! What the call log tells of a gap.

use hookswitch_call::{
    Millis,
    event::Outcome,
    signal::{Direction, Fact, Reason},
};
use hookswitch_pbx::three_cx::history;
use serde_json::{Value, json};

use super::office::{BEGIN, CALLER, Office, facts, inside, outside};

/// An inbound call to a queue, taken by 102, as the log shows it: one row for each step of its way.
fn rows(id: &str, time: &str, from: &str) -> Vec<Value> {
    let row = json!({
        "CallId": 1, "SegmentId": 1, "Indent": 1, "CallHistoryId": id, "MainCallHistoryId": id, "CdrId": format!("{id}-1"),
        "Direction": "Inbound", "Status": "Answered", "Reason": "Terminated by source", "Answered": true,
        "SourceType": 1, "SourceDn": "10007", "SourceCallerId": from, "SourceDisplayName": "Ann Example",
    });
    let more = [
        json!({ "StartTime": format!("{time}:02.100Z"), "DestinationType": 4, "DestinationDn": "804", "Status": "Waiting",
                "RingingDuration": "PT0S", "TalkingDuration": "PT10S" }),
        json!({ "StartTime": format!("{time}:04.500Z"), "DestinationType": 0, "DestinationDn": "101", "Answered": false,
                "RingingDuration": "PT4S", "TalkingDuration": "PT0S" }),
        json!({ "StartTime": format!("{time}:08.500Z"), "DestinationType": 0, "DestinationDn": "102",
                "RingingDuration": "PT3.5S", "TalkingDuration": "PT40S", "DstRecId": 42, "Transcription": "Hello." }),
    ];
    more.into_iter().map(|own| super::office::with(row.clone(), own)).collect()
}

#[test]
fn a_call_that_nobody_heard_of_is_told_in_the_order_of_its_steps_whatever_the_order_of_the_rows() {
    let mut all = rows("00000000-01db", "2024-03-05T09:20", CALLER);
    all.reverse();
    let log = history::read(all, 0);
    let said = history::news(&log, &[], &[], Millis(BEGIN)..);
    let mut office = Office::open();
    office.report(said.clone());
    assert_eq!(
        office.story(),
        [
            "new",
            "queue 804",
            "101 rings",
            "101 rings no more",
            "102 rings",
            "queue left: Answered",
            "102 answers",
            "102 leaves",
            "end: Answered",
            "recorded",
            "transcript",
        ]
    );
    let call = office.call();
    assert_eq!(call.chain.as_str(), "240305092002_h00000000-01db");
    assert_eq!((call.external.as_deref(), call.started), (Some(CALLER), Millis(1_709_630_402_100)));
    assert_eq!(call.recordings, ["/xapi/v1/Recordings/Pbx.DownloadRecording(recId=42)"]);
    assert_eq!(call.agent(&"102".into()).unwrap().talked_ms, 40_000);
    // Asked again, it is no news.
    let before = office.events.len();
    office.report(said);
    assert_eq!(office.events.len(), before);
}

#[test]
fn what_was_seen_live_is_no_news_and_neither_is_what_is_older_than_the_gap() {
    let mut office = Office::open();
    office.is("102", 1, 7, "Ringing", outside());
    let known = office.board.known();
    let log = history::read(rows("a", "2024-03-05T09:15", "004420000001"), 0);
    assert_eq!(history::news(&log, &[], &known, Millis(0)..), []);
    assert_eq!(history::news(&log, &[], &[], Millis(BEGIN + 60_000)..), []);
    let other = history::read(rows("a", "2024-03-05T09:15", "+4420000002"), 0);
    assert_eq!(
        history::news(&other, &[], &known, Millis(0)..).len(),
        10,
        "another caller at the same time is another call"
    );
}

#[test]
fn a_call_that_was_seen_long_after_its_begin_is_recognised_by_who_took_it_and_others_are_not() {
    let of = |from: &str| history::read(rows("a", "2024-03-05T09:15", from), 0);
    // It began at :02; 102 is seen with it at :31, while it talks, and hangs up.
    let mut office = Office::open();
    office.now.0 += 30_000;
    office.is("102", 1, 7, "Connected", outside());
    office.gone("102", 1);
    office.pass(2);
    assert_eq!(history::news(&of(CALLER), &[], &office.board.known(), Millis(0)..), [], "known after its end, too");
    assert_ne!(history::news(&of("+4420000002"), &[], &office.board.known(), Millis(0)..), []);
    // In the queue nobody's phone may ring at all.
    let mut waiting = Office::open();
    waiting.now.0 += 30_000;
    waiting.is("804", 1, 7, "Connected", outside());
    assert_eq!(history::news(&of(CALLER), &[], &waiting.board.known(), Millis(0)..), []);
    // The same caller at somebody else's phone meanwhile, and at the same one an hour later.
    let mut other = Office::open();
    other.now.0 += 30_000;
    other.is("103", 1, 7, "Connected", outside());
    assert_ne!(history::news(&of(CALLER), &[], &other.board.known(), Millis(0)..), []);
    let mut later = Office::open();
    later.now.0 += 3_600_000;
    later.is("102", 1, 7, "Connected", outside());
    assert_ne!(history::news(&of(CALLER), &[], &later.board.known(), Millis(0)..), []);
}

#[test]
fn a_consultation_at_the_same_time_does_not_hide_the_call_that_it_was_about() {
    let log = history::read(rows("a", "2024-03-05T09:15", CALLER), 0);
    for seconds in [2, 30] {
        let mut office = Office::open();
        office.now.0 += seconds * 1_000;
        office.is("102", 1, 8, "Dialing", inside("103"));
        office.is("103", 2, 8, "Ringing", inside("102"));
        assert_ne!(history::news(&log, &[], &office.board.known(), Millis(0)..), [], "{seconds} s");
    }
}

#[test]
fn calls_that_began_after_the_gap_are_told_live_and_not_from_the_log() {
    let log = history::read(rows("a", "2024-03-05T09:20", CALLER), 0);
    assert_eq!(history::news(&log, &[], &[], Millis(BEGIN)..=Millis(BEGIN + 60_000)), []);
    assert_ne!(history::news(&log, &[], &[], Millis(BEGIN)..=Millis(BEGIN + 600_000)), []);
}

#[test]
fn a_call_that_vanished_gets_the_rest_of_its_story_and_its_end() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Ringing", outside());
    office.now.0 += 4_600;
    office.gone("101", 1);
    office.is("102", 2, 7, "Ringing", outside());
    office.reconnect(&[]);
    let gone = office.board.take_gone();
    assert_eq!(gone.len(), 1);
    let log = history::read(rows("a", "2024-03-05T09:15", CALLER), 0);
    assert_eq!(history::found(&log, &gone).collect::<Vec<_>>(), [&gone[0].chain]);
    let said = history::news(&log, &gone, &[], Millis(0)..);
    assert!(matches!(facts(&said)[0], Fact::Answered { .. }), "{said:#?}");
    office.report(said);
    office.resynced();
    let call = office.call();
    let end = call.ended.as_ref().unwrap();
    assert_eq!((end.outcome, end.given_up, call.leg), (Outcome::Answered, false, 1), "{call:#?}");
    assert_eq!(office.story().iter().filter(|event| *event == "102 rings").count(), 1);
}

#[test]
fn an_end_that_is_in_the_log_only_later_corrects_what_was_concluded() {
    let mut office = Office::open();
    office.is("101", 1, 7, "Ringing", outside());
    office.reconnect(&[]);
    let gone = office.board.take_gone();
    office.resynced();
    assert_eq!(office.call().ended.as_ref().unwrap().outcome, Outcome::Lost);
    let mut missed = rows("a", "2024-03-05T09:15", CALLER);
    missed.truncate(2);
    missed[1]["Reason"] = json!("No answer");
    office.report(history::news(&history::read(missed, 0), &gone, &[], Millis(0)..));
    let end = office.call().ended.clone().unwrap();
    assert_eq!((end.outcome, end.reason, end.given_up), (Outcome::Missed, Reason::NoAnswer, false));
}

#[test]
fn an_outbound_call_and_one_between_extensions_are_told_apart() {
    let row = json!({
        "MainCallHistoryId": "b", "StartTime": "2024-03-05T09:20:00Z", "Direction": "Outbound", "Answered": true,
        "RingingDuration": "00:00:05", "TalkingDuration": "00:01:00", "SourceType": 0, "SourceDn": "101",
        "SourceDisplayName": "Alice", "DestinationType": 1, "DestinationDn": "10007", "DestinationCallerId": CALLER,
    });
    let mut office = Office::open();
    office.report(history::news(&history::read(vec![row.clone()], 0), &[], &[], Millis(BEGIN)..));
    assert_eq!(office.story(), ["new", "101 dials", "outside answers", "end: Answered"]);
    let call = office.call();
    assert_eq!((call.direction, call.external.as_deref()), (Direction::Outbound, Some(CALLER)));
    assert_eq!((call.from.as_ref().unwrap().as_str(), call.external_name.as_str()), ("101", ""));

    let mut inside = row;
    inside["Direction"] = json!("Internal");
    inside["DestinationType"] = json!(0);
    inside["DestinationDn"] = json!("102");
    let mut office = Office::open();
    office.report(history::news(&history::read(vec![inside], 0), &[], &[], Millis(BEGIN)..));
    assert_eq!((office.call().direction, office.call().external.as_deref()), (Direction::Internal, None));
}

#[test]
fn a_clock_that_is_wrong_is_put_right() {
    let mut office = Office::open();
    office.is("102", 1, 7, "Ringing", outside());
    let known = office.board.known();
    let log = |ahead| history::read(rows("a", "2024-03-05T09:25", CALLER), ahead);
    assert_ne!(history::news(&log(0), &[], &known, Millis(0)..), []);
    assert_eq!(history::news(&log(600_000), &[], &known, Millis(0)..), []);
}
