use hookswitch_call::{Millis, event::Outcome, signal::Direction};
use hookswitch_journal::{
    Error, Reader,
    calls::{Filter, Receipt},
    jobs::State,
};

use crate::world::{World, accepted, call, ended, event, job, kept, reference};

#[tokio::test]
async fn events_the_call_and_its_jobs_are_there_after_a_restart_as_they_were_accepted() {
    let world = World::new();
    let first = accepted(call("c1", 100), 1..=2, vec![job("crm", "begin"), job("other", "begin")]);
    let jobs = kept(world.accept(first.clone()).await);
    let world = world.restart().await;

    let (entry, events, found) = world
        .journal
        .read(|view| {
            let call = reference("c1");
            Ok((view.call(&call)?, view.events_of(&call)?, view.jobs_of(&call)?))
        })
        .await
        .unwrap();

    let entry = entry.unwrap();
    assert_eq!(entry.call, first.call);
    assert_eq!(entry.number.as_deref(), Some("+4930123456"));
    assert_eq!(events, first.events);
    assert_eq!(found.iter().map(|job| job.id).collect::<Vec<_>>(), jobs);
    let crm = &found[0];
    assert_eq!((crm.plugin.as_str(), crm.kind.as_str(), crm.state), ("crm", "begin", State::Waiting));
    assert_eq!((crm.attempt, crm.due, crm.finished), (0, Millis(5_000), None));
}

#[tokio::test]
async fn an_acceptance_that_comes_twice_changes_nothing_the_second_time() {
    let world = World::new();
    let first = accepted(call("c1", 100), 1..=2, vec![job("crm", "begin")]);
    kept(world.accept(first.clone()).await);
    assert_eq!(world.accept(first).await, Receipt::Repeated);

    let (events, jobs) = world
        .journal
        .read(|view| Ok((view.events_of(&reference("c1"))?.len(), view.jobs_of(&reference("c1"))?.len())))
        .await
        .unwrap();
    assert_eq!((events, jobs), (2, 1));
}

#[tokio::test]
async fn a_repeated_older_acceptance_does_not_take_the_call_back() {
    let world = World::new();
    let ring = accepted(call("c1", 100), 1..=1, vec![]);
    world.accept(ring.clone()).await;
    world.accept(accepted(ended(call("c1", 100), 900, Outcome::Missed), 2..=2, vec![])).await;
    assert_eq!(world.accept(ring).await, Receipt::Repeated);

    let entry = world.journal.read(|view| view.call(&reference("c1"))).await.unwrap().unwrap();
    assert!(!entry.call.is_open());
    assert_eq!(entry.call.seq, 2);
}

#[tokio::test]
async fn an_event_with_the_number_of_another_one_is_refused_and_nothing_of_its_acceptance_kept() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    let mut other = accepted(call("c1", 100), 1..=2, vec![job("crm", "begin")]);
    other.events[0].at = Millis(77);

    let error = world.journal.write(move |txn| txn.accept(vec![other])).await.unwrap_err();
    assert!(matches!(error, Error::Contradiction { seq: 1, .. }), "{error}");
    let (events, jobs) =
        world.journal.read(|view| Ok((view.events_of(&reference("c1"))?, view.unfinished_jobs()?))).await.unwrap();
    assert_eq!(events, [event("c1", 1)]);
    assert!(jobs.is_empty());
}

#[tokio::test]
async fn an_event_of_another_call_is_refused() {
    let world = World::new();
    let mut mixed = accepted(call("c1", 100), 1..=1, vec![]);
    mixed.events.push(event("c2", 2));
    let error = world.journal.write(move |txn| txn.accept(vec![mixed])).await.unwrap_err();
    assert!(matches!(error, Error::Misplaced { .. }), "{error}");
}

#[tokio::test]
async fn the_tracker_gets_back_calls_that_are_open_or_changed_lately() {
    let world = World::new();
    world.accept(accepted(call("open", 300), 1..=1, vec![])).await;
    world.accept(accepted(ended(call("old", 100), 200, Outcome::Missed), 1..=1, vec![])).await;
    world.accept(accepted(ended(call("recent", 200), 900, Outcome::Missed), 1..=1, vec![])).await;
    let mut elsewhere = accepted(call("elsewhere", 300), [], vec![]);
    elsewhere.call.pbx = "branch".into();
    world.accept(elsewhere).await;

    let calls = world.journal.read(|view| view.open_calls(&"office".into(), Millis(900))).await.unwrap();
    assert_eq!(calls.iter().map(|call| call.chain.as_str()).collect::<Vec<_>>(), ["recent", "open"]);
}

#[tokio::test]
async fn calls_are_found_by_each_condition_newest_first() {
    let world = World::new();
    let mut outbound = accepted(ended(call("c1", 100), 150, Outcome::Answered), 1..=1, vec![]);
    outbound.call.direction = Direction::Outbound;
    outbound.call.external = Some("0171 555-77".to_owned());
    outbound.number = Some("+4917155577".to_owned());
    world.accept(outbound).await;
    world.accept(accepted(ended(call("c2", 200), 250, Outcome::Missed), 1..=1, vec![])).await;
    world.accept(accepted(call("c3", 300), 1..=1, vec![])).await;
    let mut merged = accepted(call("c4", 400), 1..=1, vec![]);
    merged.call.merged_into = Some("c3".into());
    world.accept(merged).await;

    let all = Filter::default();
    let number = |text: &str| Filter { number: Some(text.to_owned()), ..Filter::default() };
    let cases = [
        ("all but parts of others", all.clone(), vec!["c3", "c2", "c1"]),
        ("parts too", Filter { parts: true, ..all.clone() }, vec!["c4", "c3", "c2", "c1"]),
        ("limit", Filter { limit: 1, ..all.clone() }, vec!["c3"]),
        ("open only", Filter { open_only: true, ..all.clone() }, vec!["c3"]),
        ("missed", Filter { outcome: Some(Outcome::Missed), ..all.clone() }, vec!["c2"]),
        ("outbound", Filter { direction: Some(Direction::Outbound), ..all.clone() }, vec!["c1"]),
        ("since", Filter { since: Some(Millis(200)), ..all.clone() }, vec!["c3", "c2"]),
        ("until", Filter { until: Some(Millis(200)), ..all.clone() }, vec!["c1"]),
        ("another pbx", Filter { pbx: Some("branch".into()), ..all.clone() }, vec![]),
        ("digits of E.164", number("+49 171"), vec!["c1"]),
        ("digits as the PBX spells them", number("0171555"), vec!["c1"]),
        ("the end of a number", number("3456"), vec!["c3", "c2"]),
        ("digits across the two spellings", number("770171"), vec![]),
        ("two conditions", Filter { since: Some(Millis(150)), outcome: Some(Outcome::Answered), ..all }, vec![]),
    ];
    for (name, filter, expected) in cases {
        let found = world.journal.read(move |view| view.find_calls(&filter)).await.unwrap();
        let chains: Vec<_> = found.iter().map(|entry| entry.call.chain.as_str()).collect();
        assert_eq!(chains, expected, "{name}");
    }
}

#[tokio::test]
async fn a_call_is_named_in_full_or_by_the_beginning_of_its_chain() {
    let world = World::new();
    for (chain, started) in [("1700.1", 100), ("1700.12", 200), ("1800_5", 300), ("1800x5", 350), ("a/b", 400)] {
        world.accept(accepted(call(chain, started), 1..=1, vec![])).await;
    }
    let cases = [
        ("1700.1", vec!["1700.1"]),
        ("1700", vec!["1700.12", "1700.1"]),
        ("office/1700.12", vec!["1700.12"]),
        ("office/1700", vec!["1700.12", "1700.1"]),
        ("branch/1700", vec![]),
        ("office/", vec![]),
        ("1800_", vec!["1800_5"]),
        ("a/b", vec!["a/b"]),
        ("office/a/b", vec!["a/b"]),
        ("%", vec![]),
        ("", vec![]),
    ];
    for (text, expected) in cases {
        let found = world.journal.read(move |view| view.calls_named(text, 10)).await.unwrap();
        let chains: Vec<_> = found.iter().map(|entry| entry.call.chain.as_str()).collect();
        assert_eq!(chains, expected, "{text:?}");
    }
}

#[tokio::test]
async fn a_reader_sees_one_state_however_many_questions_it_asks() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    let reader = Reader::open(world.path()).unwrap();
    let journal = world.journal.clone();
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let (before, after) = reader
            .read(|view| {
                let before = view.events_of(&reference("c1"))?.len();
                let next = accepted(call("c1", 100), 2..=2, vec![]);
                runtime.block_on(journal.write(move |txn| txn.accept(vec![next])))?;
                Ok((before, view.events_of(&reference("c1"))?.len()))
            })
            .unwrap();
        assert_eq!((before, after), (1, 1));
        assert_eq!(reader.read(|view| view.events_of(&reference("c1"))).unwrap().len(), 2);
    })
    .await
    .unwrap();
}
