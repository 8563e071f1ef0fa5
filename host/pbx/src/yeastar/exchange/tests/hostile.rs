//! What is not as it should be.

use std::time::Duration;

use hookswitch_call::{Millis, Tracker, signal::Report};
use serde_json::json;

use super::world::*;
use crate::yeastar::{Event, Exchange, Gap, cdr::Cdr};

#[test]
fn what_cannot_be_read_is_refused_with_a_reason_that_holds_no_number() {
    let long = "x".repeat(600);
    for (message, reason) in [
        ("", "no JSON"),
        ("[]", "no `type`"),
        (r#"{"sn":"1"}"#, "no `type`"),
        (r#"{"type":30011,"msg":"no json +4930123456"}"#, "no JSON"),
        (r#"{"type":30011,"msg":{"members":[]}}"#, "`call_id`"),
        (r#"{"type":30011,"msg":{"call_id":"a b","members":[]}}"#, "`call_id`"),
        (r#"{"type":30011,"msg":{"call_id":"1.2","members":["+4930123456"]}}"#, "not as it should be"),
        (r#"{"type":30017,"msg":{"call_id":"1.2","info":"12"}}"#, "no key"),
        (&format!(r#"{{"type":30012,"msg":{{"call_id":"1.2","call_from":"{long}"}}}}"#), "not as it should be"),
        (&format!(r#"{{"type":30011,"msg":{{"call_id":"1.2","members":[{}{{}}]}}}}"#, "{},".repeat(128)), "128"),
    ] {
        let error = Event::read(message.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason) && !error.contains("4930"), "{message}: {error}");
    }
}

#[test]
fn what_is_unknown_is_left_out() {
    let mut world = World::new();
    world.say(30034, json!({ "event_name": "x" }));
    world.say(99999, json!("what a firmware of the future says"));
    world.say(30029, json!({ "queue_number": "6400", "agent_number": "201", "status": "Levitating" }));
    world.say(
        30011,
        json!({ "call_id": CALL, "members": [{ "hologram": { "number": "1" } }, extension("201", "BEAM")] }),
    );
    assert!(world.news.is_empty() && world.names() == ["new"], "{:?} {:?}", world.news, world.names());
}

#[test]
fn calls_beyond_the_bound_push_out_the_oldest() {
    let mut exchange = Exchange::new(ground(), 3000, &[]);
    for call in 0..30_000_u64 {
        let id = format!("{}.{call}", SECOND + call);
        let message = json!({ "type": 30011, "msg": members_of(&id, &[extension("201", "RING")]) }).to_string();
        exchange.apply(Event::read(message.as_bytes()).unwrap(), Millis((SECOND + call) * 1000));
    }
    assert!(exchange.channels(&"1710234567.0".into()).is_empty(), "the first is forgotten");
    let last = format!("{}.29999", SECOND + 29_999);
    assert_eq!(exchange.channels(&last.as_str().into()).len(), 1);
}

/// One thing that the PBX says, more or less.
#[derive(Clone, Debug, bolero::TypeGenerator)]
enum Said {
    Members { kind: u8, call: u8, members: Vec<(u8, u8, u8, u8)> },
    Record { call: u8, status: u8, kind: u8, total: u32, talk: u64 },
    Noise(Vec<u8>),
    Waits(u16),
    Asks { listed: Vec<u8>, rows: Vec<(u8, u8, u8)>, gap: Option<u8> },
}

fn word(words: &[&'static str], index: u8) -> &'static str {
    words[usize::from(index) % words.len()]
}

fn member((who, number, status, channel): (u8, u8, u8, u8)) -> serde_json::Value {
    const STATUS: [&str; 9] = ["ALERT", "RING", "EARLYMEDIA", "ANSWERED", "ANSWER", "HOLD", "BYE", "", " "];
    let number = word(&["201", "202", "203", "6400", "+4930123456", "", " "], number);
    let leg = json!({ "number": number, "from": number, "to": CALLER, "trunk_name": " ", "call_path": word(&["", " ", "6400", "6500>6400"], channel),
        "member_status": word(&STATUS, status), "channel_id": word(&["", " ", "PJSIP/1", "PJSIP/2", "PJSIP/3"], channel) });
    json!({ word(&["extension", "inbound", "outbound"], who): leg })
}

/// A record as it may be found, more or less.
fn found((when, who, what): (u8, u8, u8)) -> serde_json::Value {
    let number = word(&[CALLER, "201", "+4930999", "anonymous", "", "x<y"], who);
    let mut told =
        row(u64::from(when), word(&["U1", "U2", "U3", "", "1710234567.1", "a b"], what), number, "202", "", 9, 0);
    told["call_type"] = word(&["Inbound", "Outbound", "Internal", ""], what).into();
    told["disposition"] = word(&["ANSWERED", "NO ANSWER", "?"], who).into();
    match when % 5 {
        0 => told["timestamp"] = json!(u64::MAX - u64::from(who)),
        1 => told["duration"] = json!(u64::MAX),
        2 => told["talk_duration"] = json!(["1"]),
        3 => told["record_file"] = format!("1-{}.{}-a.wav", SECOND + u64::from(when % 3), when % 4).into(),
        _ => told["timestamp"] = serde_json::Value::Null,
    }
    told
}

#[test]
fn no_message_breaks_the_codec_or_ends_a_call_twice() {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(2));
    bolero::check!().with_type::<Vec<Said>>().cloned().with_test_time(time).for_each(|all| {
        let mut exchange = Exchange::new(ground(), 3000, &[]);
        let mut tracker = Tracker::new("office".into(), []);
        let (mut now, mut ends) = (SECOND * 1000, Vec::new());
        let id = |call: u8| format!("{}.{}", SECOND + u64::from(call % 3), call % 4);
        let mut take = |reports: Vec<Report>| {
            for report in reports {
                let events = match report {
                    Report::Call(signal) | Report::Past(signal) => tracker.apply(signal),
                    Report::Resynced { alive, at } => tracker.reconcile(&alive, at),
                    _ => Vec::new(),
                };
                ends.extend(events.into_iter().filter(|event| event.what.name() == "ended").map(|event| event.chain));
            }
        };
        for said in all {
            now += 100;
            let message = match said {
                Said::Members { kind, call, members } => {
                    let kind = [30011, 30011, 30011, 30013, 30014, 30015, 30016, 30017][usize::from(kind) % 8];
                    let members: Vec<_> = members.into_iter().take(20).map(member).collect();
                    json!({ "type": kind, "msg": { "call_id": id(call), "members": members, "info": "1", "reason": "486" } })
                }
                Said::Record { call, status, kind, total, talk } => json!({ "type": 30012, "msg": {
                    "call_id": id(call), "status": word(&["ANSWERED", "NO ANSWER", "BUSY", "VOICEMAIL", " "], status),
                    "type": word(&["Inbound", "outbound", "Internal", ""], kind), "call_from": CALLER, "call_to": "202",
                    "call_duration": total, "talk_duration": talk, "uid": id(status), "recording": "a.wav" } }),
                Said::Noise(bytes) => {
                    let _ = Event::read(&bytes);
                    continue;
                }
                Said::Waits(wait) => {
                    now += u64::from(wait);
                    take(exchange.tick(Millis(now)));
                    continue;
                }
                Said::Asks { listed, rows, gap } => {
                    let rows = rows.into_iter().take(8).map(|row| Cdr::of_row(&found(row), &times())).collect();
                    let listed = listed.into_iter().take(4).map(|call| {
                        crate::yeastar::event::Members::read(members_of(&id(call), &[inbound("ANSWERED")])).unwrap()
                    });
                    let mut roll = exchange.roll(listed.collect(), Millis(now), Millis(now + 10));
                    now += 10;
                    take(std::mem::take(&mut roll.reports));
                    take(exchange.past(roll, rows, gap.map(|after| Gap { since: Some(SECOND + u64::from(after)), sure: true })));
                    continue;
                }
            };
            let event = Event::read(message.to_string().as_bytes()).unwrap();
            take(exchange.apply(event, Millis(now)).reports);
        }
        let all = ends.len();
        ends.sort();
        ends.dedup();
        assert_eq!(all, ends.len(), "a call ended twice");
    });
}
