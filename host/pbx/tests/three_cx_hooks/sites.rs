//! States of extensions and queues (C.7).

use hookswitch_call::{
    signal::Report,
    site::{Membership, News, Trait},
};

use crate::office::Office;

fn news(office: &mut Office, body: &str) -> News {
    match office.post(body).as_slice() {
        [Report::Site(news)] => news.clone(),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn extensions_and_agents_come_go_and_change() {
    let mut office = Office::new();
    let member = |change| News::Member { queue: "804".into(), extension: "101".into(), change };
    let now = |now| News::Extension { extension: "101".into(), now };
    for (body, expected) in [
        (
            r#"{"event":"extensionadded","extension":"101","name":"Ann"}"#,
            News::Added { extension: "101".into(), name: "Ann".into(), email: String::new() },
        ),
        (r#"{"event":"forwarding","extension":"101","status":"Away"}"#, now(Trait::Forwarding(Some("Away".into())))),
        (r#"{"event":"forwarding","user":"101"}"#, now(Trait::Forwarding(None))),
        (r#"{"event":"login","extension":"101"}"#, now(Trait::InQueues(true))),
        (r#"{"event":"logout","extension":"101"}"#, now(Trait::InQueues(false))),
        (r#"{"event":"agentadded","extension":"101","queue":"804"}"#, member(Membership::Added)),
        (r#"{"event":"login","extension":"101","queue":"804"}"#, member(Membership::LoggedIn)),
        (r#"{"event":"queuelogout","extension":"101","queue":804}"#, member(Membership::LoggedOut)),
        (r#"{"event":"agentremoved","extension":"101","queue":"804"}"#, member(Membership::Removed)),
        (r#"{"event":"extensiondeleted","extension":"101"}"#, News::Removed { extension: "101".into() }),
    ] {
        assert_eq!(news(&mut office, body), expected, "{body}");
    }
    assert_eq!(office.site.stations().count(), 0);
}

#[test]
fn one_event_for_both_is_told_apart_by_its_status() {
    let mut office = Office::new();
    office.names.events = toml::from_str("login = [\"queue/LoggedIn\"]\nlogout = [\"queue/LoggedOut\"]").unwrap();
    for (word, is) in [("loggedin", true), ("LoggedOut", false)] {
        let body = format!(r#"{{"event":"queue","extension":"101","status":"{word}"}}"#);
        assert_eq!(news(&mut office, &body), News::Extension { extension: "101".into(), now: Trait::InQueues(is) });
    }
}

#[test]
fn a_name_that_stands_for_two_events_is_found() {
    let mut office = Office::new();
    assert_eq!(office.names.events.ambiguous(), None);
    office.names.events.ignored = vec!["Ringing".into()];
    assert_eq!(office.names.events.ambiguous(), Some("ringing"));
}

#[test]
fn a_queue_that_has_agents_is_known_as_one() {
    let mut office = Office::new();
    office.post(r#"{"event":"agentadded","extension":"101","queue":"804"}"#);
    office.post(r#"{"event":"incoming","callerid":"+442","user":"804","finishtype":"Missed","transfer":"false","id":"240305091500_77-0"}"#);
    assert_eq!(office.call("240305091500_77").queue(), Some("804"));
}
