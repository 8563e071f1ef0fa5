//! Formats: URIs, times, logs, the common answer, users and groups.

use hookswitch_call::{
    Millis,
    signal::Direction,
    site::{Membership, News},
};
use hookswitch_pbx::rostelecom::{Codes, Log, Posted, Roster, State, What, Zone};
use serde_json::json;

use crate::{START, inbound, info, record, roster};

#[test]
fn a_log_is_read_as_the_sheet_shows_it() {
    let log = Log::read("0:el:123456789;0:ru:admin;7:ct:admin;9:cc:admin;14:cd:admin;", &Codes::default());
    let steps: Vec<_> = log.steps.iter().map(|step| (step.after, step.what, step.subject.as_str())).collect();
    assert_eq!(
        steps,
        [
            (0, What::Entered, "123456789"),
            (0, What::Routed, "admin"),
            (7, What::Ringing, "admin"),
            (9, What::Connected, "admin"),
            (14, What::Disconnected, "admin"),
        ]
    );
    assert_eq!((log.length(), log.first_connected(), log.is_over()), (14, Some("admin"), true));
}

#[test]
fn a_log_of_another_version_loses_only_what_it_says_in_other_words() {
    let text = "0:el:sip:79990001122@192.0.2.1;1:iv:menu 2;2:qe:Sales;x:cc:admin;9:cc:bob.example@example.rt.ru;nonsense;;\
                99999999999:cd:bob;";
    let log = Log::read(text, &Codes::default());
    let subjects: Vec<_> = log.steps.iter().map(|step| step.subject.as_str()).collect();
    assert_eq!(subjects, ["79990001122", "bob.example"]);
    assert!(!log.is_over(), "nobody was disconnected");
    let codes = Codes { queued: vec!["qe".into()], ..Codes::default() };
    assert!(Log::read(text, &codes).steps.iter().any(|step| step.what == What::Queued && step.subject == "Sales"));
    assert_eq!(Log::read("", &codes), Log::default());
}

#[test]
fn times_are_moscows_and_those_of_a_wrong_clock_are_the_arrivals() {
    let zone = Zone::default();
    assert_eq!(zone.read("2024-03-05 10:20:30.123"), Some(Millis(START + 123)));
    assert_eq!(zone.read(&(START / 1000).to_string()), Some(Millis(START)));
    assert_eq!(zone.write(Millis(START + 999)), "2024-03-05 10:20:30");
    for nonsense in ["", "yesterday", "2024-13-05 10:20:30", "99999999999999999999"] {
        assert_eq!(zone.read(nonsense), None, "{nonsense}");
    }
    let body = inbound(0, "new", "").to_string();
    let at = |arrival| Posted::read(body.as_bytes(), Millis(arrival), &zone).unwrap().at;
    assert_eq!((at(START + 59_000), at(START + 3_600_000)), (Millis(START), Millis(START + 3_600_000)));
}

#[test]
fn an_event_is_read_without_its_sip_and_refused_without_an_id() {
    let read = |event: &serde_json::Value| Posted::read(event.to_string().as_bytes(), Millis(START), &Zone::default());
    let posted = read(&inbound(0, "calling", "102")).unwrap();
    assert_eq!(posted.direction, Direction::Inbound);
    assert_eq!(posted.state, State::Calling);
    assert_eq!(posted.from.user.as_deref(), Some("79990001122"));
    assert_eq!(posted.to.user.as_deref(), Some("74950000000"));
    assert_eq!(posted.to.pin, Some("102".into()));
    assert!(!posted.recorded);

    let with = |key: &str, value: serde_json::Value| {
        let mut event = inbound(0, "new", "");
        event[key] = value;
        event
    };
    assert_eq!(read(&with("type", "outgoing".into())).unwrap().direction, Direction::Outbound);
    assert_eq!(read(&with("from_number", "sip:anonymous@anonymous.invalid".into())).unwrap().from.user, None);
    assert_eq!(read(&with("from_number", "<tel:+79990001122>;x=y".into())).unwrap().from.user.unwrap(), "+79990001122");
    assert!(read(&with("is_record", true.into())).unwrap().recorded);
    assert_eq!(read(&with("state", "analytics".into())).unwrap().state, State::Other("analytics".into()));
    for wrong in [
        with("session_id", "".into()),
        with("session_id", "a b".into()),
        with("session_id", "x".repeat(200).into()),
        with("session_id", json!({})),
        with("state", json!(null)),
    ] {
        assert!(read(&wrong).is_err(), "{wrong}");
    }
    assert!(Posted::read(b"session_id=DEMOs1", Millis(START), &Zone::default()).is_err());
}

#[test]
fn a_record_is_read_whether_its_values_are_text_or_numbers() {
    let words = hookswitch_pbx::rostelecom::Words {
        extras: vec![("charge".into(), "cost".into()), ("tariff".into(), "absent".into())],
        ..Default::default()
    };
    let mut said = info("0:cc:admin;8:cd:admin;", 8);
    said["cost"] = json!(1.5);
    let numbers = record("DEMOs1", &said, &words);
    for key in ["call_type", "direction", "state", "duration", "is_record"] {
        said[key] = said[key].to_string().into();
    }
    assert_eq!(record("DEMOs1", &said, &words), numbers);
    assert_eq!(numbers.extras, [("charge".to_owned(), "1.5".to_owned())]);
    assert_eq!((numbers.accepted, numbers.recorded, numbers.duration), (Some(true), true, 8000));
    assert_eq!(numbers.ended(), Some(Millis(START + 8000)));
}

#[test]
fn what_changes_among_users_and_groups_is_news() {
    let names = |news: Vec<News>| {
        news.into_iter()
            .map(|news| match news {
                News::Added { extension, name, .. } => format!("+{extension} {name}"),
                News::Removed { extension } => format!("-{extension}"),
                News::Member { queue, extension, change: Membership::Added } => format!("{queue}+{extension}"),
                News::Member { queue, extension, .. } => format!("{queue}-{extension}"),
                other => format!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let all = roster();
    assert_eq!(names(all.news(&Roster::default())), ["+102 Ann Example", "+103 Bob Example", "Sales+102", "Sales+103"]);
    assert!(all.news(&all).is_empty());
    let fewer =
        Roster::read(&json!({"users": [{"name": "admin", "pin": 102, "display_name": "Ann Other"}], "groups": []}));
    assert_eq!(names(fewer.news(&all)), ["+102 Ann Other", "Sales-102", "Sales-103", "-103"]);
    assert_eq!(all.extension("ADMIN"), Some("102".into()));
    assert_eq!((all.group("800"), all.group("Sales"), all.group("")), (Some("Sales"), Some("Sales"), None));
    assert_eq!(Roster::read(&json!({"users": "none", "groups": [1, null]})), Roster::default());
}
