//! When calls began: local times in ids, the hour that a clock shows twice, and clocks that are wrong.

use crate::office::{Office, utc};

fn began(heard: &str, id: &str) -> u64 {
    let mut office = Office::at(heard);
    office.post(&format!(r#"{{"event":"ringing","callerid":"+442","user":"101","usertype":"ext","id":"{id}-0"}}"#));
    office.call(id).started.0
}

#[test]
fn a_call_began_when_its_id_says_in_either_half_of_the_doubled_hour() {
    assert_eq!(began("2024-10-27T00:30:10Z", "241027023000_5"), utc("2024-10-27T00:30:00Z"));
    assert_eq!(began("2024-10-27T01:30:10Z", "241027023000_5"), utc("2024-10-27T01:30:00Z"));
}

#[test]
fn a_call_goes_on_over_the_change_of_the_clocks() {
    let mut office = Office::at("2024-10-27T00:59:00Z");
    let id = "241027025855_5";
    for (minutes, event) in [
        (0, r#""event":"ringing","user":"101","usertype":"ext""#),
        (1, r#""event":"hangupincoming","user":"101","trtype":"NotDef""#),
        (70, r#""event":"incoming","user":"101","finishtype":"Ok","transfer":"false""#),
    ] {
        office.now += minutes * 60_000;
        let link = u32::from(minutes > 0);
        office.post(&format!(r#"{{{event},"callerid":"+442","id":"{id}-{link}"}}"#));
    }
    let call = office.call(id);
    assert_eq!(call.started.0, utc("2024-10-27T00:58:55Z"));
    assert_eq!(call.talk_ms(call.ended.as_ref().unwrap().at) / 60_000, 70);
}

#[test]
fn a_clock_that_is_hours_off_is_not_believed() {
    // An hour ahead: the zone is wrong.
    assert_eq!(began("2024-03-05T08:15:00Z", "240305101500_77"), utc("2024-03-05T08:15:01Z"));
    // An hour behind: nothing rings for the first time an hour after it came.
    assert_eq!(began("2024-03-05T08:15:00Z", "240305081500_77"), utc("2024-03-05T08:15:01Z"));
    // And not by the posts that follow.
    let mut office = Office::at("2024-03-05T08:15:00Z");
    for (event, link) in [("ringing", 0), ("hangupincoming", 1), ("incoming", 1)] {
        let post = format!(
            r#"{{"event":"{event}","callerid":"+442","user":"101","usertype":"ext","finishtype":"Ok","transfer":"false","id":"240305081500_77-{link}"}}"#
        );
        office.post(&post);
    }
    assert_eq!(office.call("240305081500_77").started.0, utc("2024-03-05T08:15:01Z"));
}

#[test]
fn the_end_of_a_long_call_of_which_nothing_else_was_heard_still_says_when_it_began() {
    let mut office = Office::at("2024-03-05T11:00:00Z");
    office.post(r#"{"event":"incoming","callerid":"+442","user":"101","finishtype":"Ok","transfer":"false","id":"240305091500_77-1"}"#);
    assert_eq!(office.call("240305091500_77").started.0, utc("2024-03-05T08:15:00Z"));
}
