use hookswitch_journal::directory::Person;
use proptest::prelude::*;

use super::{report::Gap, *};
use crate::sites;

fn user(id: &str, email: &str, extensions: &[&str], active: bool) -> User {
    let extensions = extensions.iter().map(|&text| text.into()).collect();
    User { email: email.into(), extensions, active, ..unknown(id) }
}

/// A configuration of a plugin with these lines.
fn plugin(lines: &str) -> Plugin {
    toml::from_str(&format!("component = \"x.wasm\"\n{lines}")).unwrap()
}

fn person(extension: &str, email: &str) -> Person {
    Person { extension: extension.into(), name: String::new(), email: email.into() }
}

fn office(people: &[(&str, &str)]) -> People {
    let people = people.iter().map(|(extension, email)| person(extension, email)).collect();
    sites::people(vec![("office".into(), people)])
}

fn users(directory: Vec<User>, lines: &str, people: People) -> Users {
    Users::new(Some(Directory { fetched: Millis(1), users: directory }), &plugin(lines), people)
}

#[test]
fn the_admins_table_comes_first_then_the_crms_field_then_the_address() {
    let directory = vec![
        user("7", "ann@example.com", &["201"], true),
        user("9", "Bob@Example.com", &["202", "2020"], true),
        user("11", "eve@example.com", &["203"], false),
        user("13", "", &[" "], true),
    ];
    let people = office(&[
        ("201", "bob@example.com"),
        ("204", " BOB@example.com"),
        ("205", "eve@example.com"),
        ("206", ""),
        ("207", "ann@example.com"),
    ]);
    let lines = "users = { 2020 = \"7\", 300 = \"55\", 301 = \"Ann@Example.com\", 302 = \"11\", \
                 303 = \"eve@example.com\", 207 = \"nobody\", \"branch:202\" = \"7\" }";
    let users = users(directory, lines, people);
    let of = |extension| users.seat("office", extension).map(|seat| (seat.user.id.as_str(), seat.how));
    for (extension, wanted) in [
        ("201", Some(("7", How::CrmField))),
        ("202", Some(("9", How::CrmField))),
        ("2020", Some(("7", How::Table))),
        ("203", None),
        ("204", Some(("9", How::Email))),
        ("205", None),
        ("206", None),
        ("207", None),
        ("300", Some(("55", How::Table))),
        ("301", Some(("7", How::Table))),
        ("302", None),
        ("303", None),
        ("", None),
    ] {
        assert_eq!(of(extension), wanted, "{extension}");
    }
    assert_eq!(users.at("branch", "202").unwrap().id, "7");
    assert_eq!(users.extension_of(Some("branch"), "7"), Some("201"));
    assert_eq!(users.extension_of(Some("office"), "9"), Some("204"), "the phone system knows this one");
    assert_eq!(users.extension_of(None, "11"), None);
    assert_eq!(users.by_extension("204").unwrap().id, "9");
}

#[test]
fn a_row_that_leads_nowhere_leaves_room_for_what_others_say() {
    let directory = vec![user("7", "ann@example.com", &["201"], true)];
    let users = users(directory, "users = { 201 = \"gone@example.com\" }", People::new());
    assert_eq!(users.seat("office", "201").unwrap().how, How::CrmField);
    let gaps = users.association("crm").gaps;
    assert!(matches!(&gaps[..], [Gap::NoSuchUser { key, .. }] if key == "users.\"201\""), "{gaps:?}");
}

#[test]
fn the_fallback_owns_what_nobody_has_and_fills_no_gap() {
    let directory = vec![user("1", "boss@example.com", &["200"], true), user("2", "", &[], false)];
    let people = office(&[("200", ""), ("299", "")]);
    let with = |lines: &str| users(directory.clone(), lines, people.clone());
    let boss = with("fallback-user = \"boss@example.com\"");
    assert_eq!(boss.owner("office", "299").map(|seat| (seat.user.id.as_str(), seat.how)), Some(("1", How::Fallback)));
    assert_eq!(boss.owner("office", "200").unwrap().how, How::CrmField);
    assert!(boss.at("office", "299").is_none());
    assert!(
        matches!(&boss.association("crm").gaps[..], [Gap::ExtensionWithoutUser { extension, .. }] if extension == "299")
    );
    let gone = with("fallback-user = \"2\"");
    assert!(gone.owner("office", "299").is_none(), "who is not active owns nothing");
    assert!(
        gone.association("crm")
            .gaps
            .iter()
            .any(|gap| matches!(gap, Gap::NoSuchUser { key, .. } if key == "fallback-user"))
    );
}

#[test]
fn gaps_are_told_on_both_sides() {
    let directory = vec![
        user("7", "a@example.com", &["201"], true),
        user("8", "a@example.com", &["201"], true),
        user("9", "", &[], true),
        user("10", "", &[], false),
    ];
    let people = office(&[("201", "a@example.com"), ("202", ""), ("203", "")]);
    let users = users(directory, "users = { 203 = \"nobody\", 204 = \"99\" }", people);
    let gaps = users.association("crm").gaps;
    let text: Vec<_> = gaps.iter().map(ToString::to_string).collect();
    let text = text.join("\n");
    for part in [
        "extension 202 of office",
        "several CRM users, 7, 8: the first",
        "a@example.com stands",
        "user 9",
        "user 8",
        "names 99",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(gaps.len(), 6, "{text}");
}

proptest! {
    /// Whoever is reached at an extension sits there, whatever the sources say; nobody who is not active sits anywhere.
    #[test]
    fn both_ways_of_the_map_agree(
        directory in proptest::collection::vec((0..4u8, 0..4u8, proptest::collection::vec(0..6u8, 0..3), any::<bool>()), 0..5),
        people in proptest::collection::vec((any::<bool>(), 0..6u8, 0..4u8), 0..8),
        table in proptest::collection::btree_map((any::<bool>(), 0..6u8), 0..6u8, 0..4),
    ) {
        let email = |number: u8| if number == 0 { String::new() } else { format!("{number}@example.com") };
        let mut directory: Vec<_> = directory
            .into_iter()
            .map(|(id, mail, extensions, active)| User {
                email: email(mail),
                extensions: extensions.into_iter().map(|number| format!("20{number}")).collect(),
                active,
                ..unknown(&id.to_string())
            })
            .collect();
        directory.sort_by(|a, b| a.id.cmp(&b.id));
        directory.dedup_by(|a, b| a.id == b.id);
        let rows: Vec<_> = table
            .into_iter()
            .map(|((branch, extension), who)| {
                let place = if branch { format!("\"branch:20{extension}\"") } else { format!("20{extension}") };
                let who = if who > 3 { "2@example.com".to_owned() } else { who.to_string() };
                format!("{place} = \"{who}\"")
            })
            .collect();
        let mut sites = People::new();
        for (branch, extension, mail) in people {
            let told = person(&format!("20{extension}"), &email(mail));
            let pbx = if branch { "branch" } else { "office" };
            sites.entry(pbx.into()).or_default().insert(told.extension.clone(), told);
        }
        let users = users(directory.clone(), &format!("users = {{ {} }}", rows.join(", ")), sites);
        for pbx in ["office", "branch"] {
            for number in 0..6 {
                let extension = format!("20{number}");
                if let Some(seat) = users.seat(pbx, &extension) {
                    prop_assert!(seat.user.active);
                    prop_assert!(users.extensions_at(pbx, &seat.user.id).contains(extension.as_str()));
                }
            }
            for user in &directory {
                if let Some(extension) = users.extension_of(Some(pbx), &user.id) {
                    prop_assert_eq!(&users.at(pbx, extension).unwrap().id, &user.id);
                }
            }
        }
    }
}
