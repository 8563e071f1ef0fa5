//! Calls that somebody asked for.

use std::time::Duration;

use hookswitch_call::{Chain, Millis};
use hookswitch_journal::{
    dials::{Dial, DialId, Never, NewDial, Order, State, Step, Taken, standing_for, stands_for},
    retention::Retention,
};

use crate::world::{World, accepted, call, ended, job};

fn wish(origin: &str, key: &str) -> NewDial {
    NewDial {
        origin: origin.into(),
        key: key.into(),
        pbx: "office".into(),
        number: Some("+4930123456".into()),
        order: Order { from: "201".into(), digits: "030123456".into(), ..Order::default() },
    }
}

async fn accept(world: &World, dial: NewDial, alike_since: Option<u64>, now: u64) -> Taken {
    world.journal.write(move |txn| txn.accept_dial(&dial, alike_since.map(Millis), Millis(now))).await.unwrap()
}

async fn take(world: &World, origin: &str, key: &str) -> DialId {
    match accept(world, wish(origin, key), None, 1_000).await {
        Taken::New(id) => id,
        Taken::Known(known) => panic!("known: {known:?}"),
    }
}

async fn go(world: &World, id: DialId, step: Step) -> bool {
    world.journal.write(move |txn| txn.move_dial(id, &step, Millis(2_000))).await.unwrap()
}

async fn find(world: &World, id: DialId) -> Option<Dial> {
    world.journal.read(move |view| view.dial(id)).await.unwrap()
}

fn never() -> Never {
    Never { reason: "rejected".into(), problem: "barred".into(), text: "no".into() }
}

#[tokio::test]
async fn who_asks_twice_with_one_key_asks_once() {
    let world = World::new();
    let id = take(&world, "crm", "call-1").await;
    assert!(matches!(accept(&world, wish("crm", "call-1"), None, 9_000).await, Taken::Known(known) if known.id == id));
    assert_ne!(take(&world, "other", "call-1").await, id, "another origin has keys of its own");
    let world = world.restart().await;
    assert!(matches!(accept(&world, wish("crm", "call-1"), None, 9_000).await, Taken::Known(known) if known.id == id));
}

#[tokio::test]
async fn what_only_looks_alike_is_the_same_for_a_while() {
    let world = World::new();
    let first = accept(&world, wish("crm", "hash"), Some(0), 10_000).await;
    assert!(matches!(first, Taken::New(_)));
    assert!(matches!(accept(&world, wish("crm", "hash"), Some(5_000), 12_000).await, Taken::Known(_)));
    let later = accept(&world, wish("crm", "hash"), Some(30_000), 40_000).await;
    assert!(matches!(later, Taken::New(_)), "{later:?}");
    assert_eq!(world.journal.read(|view| view.dials(10)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_dial_is_given_once_and_ends_one_way() {
    let world = World::new();
    let became = || Step::Became(Chain::from("c-1"));
    let ways: [(&[Step], &[Step]); 4] = [
        (&[Step::Given], &[Step::Given, Step::Dialling(None)]),
        (&[Step::Given, Step::InDoubt], &[Step::Given, became(), Step::Over(never()), Step::Dialling(None)]),
        (&[Step::Given, became()], &[Step::Over(never()), became(), Step::Dialling(None)]),
        (&[Step::Over(never())], &[Step::Given, became(), Step::Over(never())]),
    ];
    for (at, (good, bad_after)) in ways.into_iter().enumerate() {
        let id = take(&world, "crm", &format!("key {at}")).await;
        for step in good {
            assert!(go(&world, id, step.clone()).await, "{at} {step:?}");
        }
        let last = bad_after.last().unwrap().clone();
        assert_eq!(go(&world, id, last).await, at < 1, "{at}");
    }
    let under_way = world.journal.read(|view| view.dials_under_way()).await.unwrap();
    let states: Vec<_> = under_way.iter().map(|dial| dial.state).collect();
    assert_eq!(states, [State::Dialling, State::InDoubt]);
    assert!(!go(&world, DialId(99), Step::Given).await, "there is none");
    let over = find(&world, DialId(4)).await.unwrap();
    assert_eq!((over.state, over.never), (State::Over, Some(never())));
}

#[tokio::test]
async fn dials_go_with_time_and_on_demand_but_not_while_something_is_to_come_of_them() {
    let world = World::new();
    let waiting = take(&world, "crm", "waiting").await;
    let became = take(&world, "crm", "became").await;
    let told = take(&world, "crm", "told").await;
    go(&world, became, Step::Given).await;
    go(&world, became, Step::Became(Chain::from("c-1"))).await;
    go(&world, told, Step::Over(never())).await;
    // What is to be told of it has not been told yet.
    let standing = standing_for("office", told);
    let call = ended(call(standing.chain.as_str(), 1_000), 2_000, hookswitch_call::event::Outcome::Missed);
    world.accept(accepted(call, [1], vec![job("crm", "finished")])).await;
    assert_eq!(stands_for(&standing.chain), Some(told));
    assert_eq!(world.journal.read(|view| view.newest_call("office")).await.unwrap(), None, "it stands for a dial");

    let keep = Retention { calls_for: Duration::ZERO, runs_for: Duration::ZERO, bytes: u64::MAX };
    let pruned = world.journal.prune(keep, Millis(10_000)).await.unwrap();
    assert_eq!(pruned.dials, 1, "{pruned:?}");
    assert!(find(&world, became).await.is_none());
    let again = take(&world, "crm", "became").await;
    go(&world, again, Step::Over(never())).await;
    let (erased, _) = world.journal.erase("+4930123456").await.unwrap();
    assert_eq!((erased.dials, erased.unfinished), (1, 1), "{erased:?}");
    assert!(find(&world, waiting).await.is_some() && find(&world, told).await.is_some());
}
