//! News of phones and queues, from recordings and from messages as the reference words them.

use std::path::Path;

use super::*;
use crate::asterisk::{Decoder, Frame};

fn site() -> Site {
    Site { trunks: vec!["PJSIP/trunk-provider".into()], ..Site::default() }
}

/// News in short words.
fn short(news: &News) -> String {
    match news {
        News::Extension { extension, now } => format!("{extension} {now:?}"),
        News::Member { queue, extension, change } => format!("{queue} {extension} {}", change.token()),
        News::Removed { extension } => format!("{extension} removed"),
        News::Added { extension, .. } => format!("{extension} added"),
    }
}

fn told(roster: &mut Roster, stream: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::default();
    decoder.feed(stream);
    let mut told = Vec::new();
    while let Some(frame) = decoder.next() {
        let Frame::Message(message) = frame else { panic!("no message") };
        told.extend(roster.apply(message).iter().map(short));
    }
    told
}

fn recording(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces").join(name)).unwrap()
}

/// Live messages only: what the recording client had asked for carries an id.
fn live(name: &str) -> Vec<u8> {
    let text = String::from_utf8(recording(name)).unwrap();
    let messages = text.split_inclusive("\r\n\r\n").filter(|message| !message.contains("\r\nActionID: "));
    messages.collect::<String>().into_bytes()
}

#[test]
fn members_of_queues_come_pause_and_go() {
    assert_eq!(
        told(&mut Roster::new(site()), &live("k_queue_members.ami")),
        [
            "sales 203 added",
            "sales 203 paused",
            "sales 203 unpaused",
            // Nobody had listed the queue, so its members are learnt as they are heard of.
            "sales 201 added",
            "sales 201 paused",
            "sales 201 unpaused",
            "sales 203 removed",
        ]
    );
}

#[test]
fn a_phone_that_unregisters_is_told_once() {
    assert_eq!(
        told(&mut Roster::new(site()), &live("k_registration.ami")),
        ["203 Registered(false)", "203 Phone(Idle)", "203 Registered(true)"]
    );
}

#[test]
fn do_not_disturb_is_the_lamp_that_the_dial_plan_switches() {
    let told = told(&mut Roster::new(site()), &live("k_dnd.ami"));
    let presence: Vec<_> = told.iter().filter(|news| news.contains("Presence")).collect();
    assert_eq!(presence, ["201 Presence(\"do_not_disturb\")", "201 Presence(\"available\")"]);
}

#[test]
fn a_listing_tells_who_is_there_and_who_is_not_any_more() {
    let mut roster = Roster::new(site());
    roster.begin_listing();
    let list = |members: &[(&str, &str, &str)]| {
        let each = members.iter().map(|(queue, interface, paused)| {
            format!("Event: QueueMember\r\nQueue: {queue}\r\nLocation: {interface}\r\nPaused: {paused}\r\nActionID: 1\r\n\r\n")
        });
        each.collect::<String>() + "Event: QueueStatusComplete\r\nActionID: 1\r\nEventList: Complete\r\n\r\n"
    };
    let first =
        list(&[("sales", "PJSIP/201", "0"), ("sales", "PJSIP/202", "1"), ("support", "Local/201@from-queue/n", "0")]);
    assert_eq!(
        told(&mut roster, first.as_bytes()),
        ["sales 201 added", "sales 202 added", "sales 202 paused", "support 201 added"]
    );
    roster.begin_listing();
    let second = list(&[("sales", "PJSIP/202", "0"), ("support", "Local/201@from-queue/n", "0")]);
    assert_eq!(told(&mut roster, second.as_bytes()), ["sales 202 unpaused", "sales 201 removed"]);
    // A list that was refused says nothing of anybody.
    roster.begin_listing();
    assert!(told(&mut roster, b"Response: Error\r\nMessage: Permission denied\r\n\r\n").is_empty());
    // One that somebody else asked for, likewise.
    roster.listed = None;
    assert!(told(&mut roster, list(&[]).as_bytes()).is_empty());
}

#[test]
fn an_extension_with_two_devices_does_what_the_busier_one_does() {
    let site = Site { endpoint_names: vec!["{}-*".into()], ..site() };
    let mut roster = Roster::new(site);
    let mut device = |device: &str, state: &str| {
        told(&mut roster, format!("Event: DeviceStateChange\r\nDevice: {device}\r\nState: {state}\r\n\r\n").as_bytes())
    };
    assert_eq!(device("PJSIP/201-desk", "NOT_INUSE"), ["201 Registered(true)", "201 Phone(Idle)"]);
    assert_eq!(device("PJSIP/201-soft", "RINGING"), ["201 Phone(Ringing)"]);
    assert!(device("PJSIP/201-desk", "INUSE").is_empty());
    assert_eq!(device("PJSIP/201-soft", "UNAVAILABLE"), ["201 Phone(Busy)"]);
    assert_eq!(device("PJSIP/201-desk", "UNAVAILABLE"), ["201 Registered(false)", "201 Phone(Idle)"]);
}

#[test]
fn what_is_no_phone_is_no_news() {
    let mut roster = Roster::new(site());
    for device in ["Queue:sales_pause_PJSIP/203", "PJSIP/trunk-provider", "MWI:201@default", "Queue:sales", "x", ""] {
        let message = format!("Event: DeviceStateChange\r\nDevice: {device}\r\nState: INUSE\r\n\r\n");
        assert!(told(&mut roster, message.as_bytes()).is_empty(), "{device}");
    }
}

#[test]
fn presence_and_removed_hints_are_told() {
    let mut roster = Roster::new(site());
    let stream = b"Event: PresenceStateChange\r\nPresentity: CustomPresence:201\r\nStatus: dnd\r\n\r\n\
        Event: PresenceStateChange\r\nPresentity: CustomPresence:201\r\nStatus: away\r\n\r\n\
        Event: ExtensionStatus\r\nExten: 201\r\nStatus: -2\r\n\r\nEvent: ExtensionStatus\r\nExten: 202\r\nStatus: 1\r\n\r\n";
    assert_eq!(
        told(&mut roster, stream),
        ["201 Presence(\"do_not_disturb\")", "201 Presence(\"away\")", "201 removed"]
    );
}
