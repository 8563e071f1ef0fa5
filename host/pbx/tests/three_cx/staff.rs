//! Extensions and queues: what is told of the difference between two looks.

use hookswitch_call::site::{Membership, News, Site, Trait};
use hookswitch_pbx::three_cx::{Staff, differences};
use serde_json::{Value, json};

fn user(number: &str, profile: &str, queues: &str) -> Value {
    json!({
        "Number": number, "FirstName": "Ann", "LastName": number, "IsRegistered": true, "CurrentProfileName": profile,
        "QueueStatus": queues, "ForwardingProfiles": [
            { "Name": "Available", "AwayRoute": null },
            { "Name": "Away", "AwayRoute": { "External": { "To": "External", "External": "+4420000555", "Number": "" } } },
            { "Name": "Lunch", "AwayRoute": { "External": { "To": "VoiceMail" } } },
            { "Name": "Home", "AwayRoute": { "External": { "To": "None" } } },
        ],
    })
}

fn queue(number: &str, agents: &[&str]) -> Value {
    json!({ "Number": number, "Agents": agents.iter().map(|agent| json!({ "Number": agent })).collect::<Vec<_>>() })
}

fn first() -> Staff {
    Staff::read(
        vec![user("101", "Available", "LoggedIn"), user("102", "Away", "LoggedOut"), json!({ "Number": "" }), json!(7)],
        vec![queue("804", &["101", "102"])],
    )
}

#[test]
fn the_first_look_tells_everything_and_the_same_again_nothing() {
    let mut site = Site::default();
    for news in differences(&Staff::default(), &first()) {
        site.apply(&news);
    }
    let shown = serde_json::to_value(&site).unwrap();
    assert_eq!(
        shown,
        json!({
            "101": { "name": "Ann 101", "registered": true, "presence": "Available", "in-queues": true,
                     "queues": { "804": "logged-in" } },
            "102": { "name": "Ann 102", "registered": true, "presence": "Away", "forwarding": "+4420000555",
                     "in-queues": false, "queues": { "804": "logged-out" } },
        })
    );
    assert_eq!(differences(&first(), &first()), []);
}

#[test]
fn every_change_is_told_once() {
    let now = Staff::read(
        vec![user("102", "Lunch", "LoggedIn"), user("103", "Home", "")],
        vec![queue("804", &["102", "103"])],
    );
    let told = differences(&first(), &now);
    let extension = |number: &str, now| News::Extension { extension: number.into(), now };
    let member = |number: &str, change| News::Member { queue: "804".into(), extension: number.into(), change };
    for news in [
        News::Removed { extension: "101".into() },
        News::Added { extension: "103".into(), name: "Ann 103".into(), email: String::new() },
        extension("102", Trait::Presence("Lunch".into())),
        extension("102", Trait::Forwarding(Some("VoiceMail".into()))),
        extension("102", Trait::InQueues(true)),
        extension("103", Trait::Registered(true)),
        extension("103", Trait::Presence("Home".into())),
        member("101", Membership::Removed),
        member("102", Membership::LoggedIn),
        member("103", Membership::Added),
    ] {
        assert_eq!(told.iter().filter(|one| **one == news).count(), 1, "{news:?} in {told:#?}");
    }
    assert_eq!(told.len(), 10, "{told:#?}");
    let mut site = Site::default();
    for news in differences(&Staff::default(), &first()).iter().chain(&told) {
        site.apply(news);
    }
    let left: Vec<_> = site.stations().map(|(extension, _)| extension.as_str()).collect();
    assert_eq!(left, ["102", "103"], "nothing is left of whoever is gone");
}

#[test]
fn a_queue_that_is_gone_has_no_agents_and_one_that_says_it_itself_is_believed() {
    let told = differences(&first(), &Staff::read(vec![user("101", "Available", "LoggedIn")], Vec::new()));
    assert_eq!(told.iter().filter(|one| matches!(one, News::Member { change: Membership::Removed, .. })).count(), 2);
    let agents = json!({ "Number": "805", "Agents": [{ "Number": "101", "QueueStatus": "LoggedOut" }] });
    let told = differences(&Staff::default(), &Staff::read(vec![user("101", "Available", "LoggedIn")], vec![agents]));
    assert!(told.contains(&News::Member {
        queue: "805".into(),
        extension: "101".into(),
        change: Membership::LoggedOut
    }));
}
