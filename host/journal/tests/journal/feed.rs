use std::time::Duration;

use hookswitch_call::{Millis, event::Outcome};
use hookswitch_journal::{
    CallRef,
    calls::Receipt,
    feed::{Batch, BatchEnd, Room, Span, Told},
    retention::Retention,
    runs::Begun,
};
use serde_json::json;

use crate::world::{World, accepted, call, ended, reference};

const ROOM: Room = Room { events: 100, bytes: 1 << 20 };

/// Accepts events of a call of which `copies` is told from `since` on; how many were lost.
async fn told(world: &World, chain: &'static str, seqs: std::ops::RangeInclusive<u64>, since: u64, room: Room) -> u64 {
    let over = ended(call(chain, 1_000), 2_000, Outcome::Answered);
    let change = accepted(over, seqs, Vec::new());
    let told = Told { plugin: "copies".to_owned(), since, view: json!({ "chain": chain }) };
    let changes = move |txn: &hookswitch_journal::Txn<'_>| {
        let receipts = txn.accept(vec![change.clone()])?;
        assert!(matches!(receipts[0], Receipt::Kept(_)));
        txn.tell(&reference(chain), &told, room)
    };
    world.journal.write(changes).await.unwrap()
}

async fn next(world: &World, most: u64) -> Option<Batch> {
    world.journal.read(move |view| view.next_batch("copies", most)).await.unwrap()
}

fn span(batch: &Batch) -> Span {
    let (first, last) = (batch.items[0].id, batch.items[batch.items.len() - 1].id);
    Span { plugin: "copies".to_owned(), first, last }
}

/// Chain and number of each event.
fn events(batch: &Batch) -> Vec<(String, u64)> {
    batch.items.iter().map(|item| (item.event.chain.to_string(), item.event.seq)).collect()
}

async fn start(world: &World, batch: &Batch) -> Span {
    let (span, run) = (span(batch), world.journal.next_run());
    let begun = Begun {
        id: run,
        job: None,
        call: None,
        plugin: "copies".to_owned(),
        function: "feed.deliver".to_owned(),
        attempt: 1,
        input: None,
        build: None,
        started: Millis(3_000),
    };
    let started = span.clone();
    let change = move |txn: &hookswitch_journal::Txn<'_>| {
        txn.begin_run(&begun)?;
        txn.start_batch(&started, run, 1)
    };
    world.journal.write(change).await.unwrap();
    span
}

async fn end(world: &World, span: &Span, end: BatchEnd) {
    let span = span.clone();
    world.journal.write(move |txn| txn.finish_batch(&span, &end)).await.unwrap();
}

#[tokio::test]
async fn events_are_delivered_in_the_order_in_which_they_were_accepted() {
    let world = World::new();
    told(&world, "a", 1..=2, 1, ROOM).await;
    told(&world, "b", 1..=1, 1, ROOM).await;
    // The first of them the plugin was told of before.
    told(&world, "a", 3..=4, 3, ROOM).await;
    let batch = next(&world, 4).await.unwrap();
    let all = [("a", 1), ("a", 2), ("b", 1), ("a", 3), ("a", 4)].map(|(chain, seq)| (chain.to_owned(), seq));
    assert_eq!(events(&batch), all[..4]);
    let tried = start(&world, &batch).await;
    // What comes meanwhile is not of the batch that is tried.
    assert_eq!(events(&next(&world, 500).await.unwrap()), all[..4]);
    end(&world, &tried, BatchEnd::Delivered).await;
    assert_eq!(events(&next(&world, 500).await.unwrap()), all[4..]);
}

#[tokio::test]
async fn a_batch_that_is_refused_comes_again_one_by_one_and_only_the_refused_event_is_held() {
    let world = World::new();
    told(&world, "a", 1..=3, 1, ROOM).await;
    let batch = start(&world, &next(&world, 500).await.unwrap()).await;
    end(&world, &batch, BatchEnd::OneByOne { problem: "no".into() }).await;
    told(&world, "b", 1..=2, 1, ROOM).await;
    let first = next(&world, 500).await.unwrap();
    assert_eq!(events(&first), [("a".to_owned(), 1)]);
    assert_eq!(
        world
            .journal
            .read({
                let span = span(&first);
                move |view| view.runs_of_span(&span)
            })
            .await
            .unwrap()
            .len(),
        1,
        "the run of the whole batch tells what it did for this event"
    );
    let first = start(&world, &first).await;
    end(&world, &first, BatchEnd::Delivered).await;
    let second = start(&world, &next(&world, 500).await.unwrap()).await;
    end(&world, &second, BatchEnd::Held { problem: "no".into() }).await;
    let feed = world.journal.read(|view| view.feed("copies")).await.unwrap().unwrap();
    assert!(feed.held && feed.waiting == 4 && feed.problem.as_deref() == Some("no"), "{feed:?}");
    assert_eq!(world.journal.write(|txn| txn.skip_feed("copies", false)).await.unwrap(), Some(1));
    assert_eq!(world.journal.write(|txn| txn.skip_feed("copies", false)).await.unwrap(), None, "it is held no more");
    assert_eq!(events(&next(&world, 500).await.unwrap()), [("a".to_owned(), 3)]);
}

#[tokio::test]
async fn there_is_room_for_so_much_and_what_is_lost_is_counted() {
    let world = World::new();
    let room = Room { events: 3, bytes: 1 << 20 };
    assert_eq!(told(&world, "a", 1..=3, 1, room).await, 0);
    assert_eq!(told(&world, "b", 1..=2, 1, room).await, 2);
    let feed = world.journal.read(|view| view.feed("copies")).await.unwrap().unwrap();
    assert_eq!((feed.waiting, feed.lost), (3, 2));
    let little = Room { events: 100, bytes: 10 };
    assert_eq!(told(&world, "c", 1..=1, 1, little).await, 1);
    let batch = start(&world, &next(&world, 500).await.unwrap()).await;
    end(&world, &batch, BatchEnd::Delivered).await;
    assert_eq!(told(&world, "d", 1..=1, 1, little).await, 0);
}

#[tokio::test]
async fn what_is_not_delivered_keeps_its_call_and_what_is_goes_with_it() {
    let world = World::new();
    told(&world, "a", 1..=1, 1, ROOM).await;
    let batch = start(&world, &next(&world, 500).await.unwrap()).await;
    let keep = Retention { calls_for: Duration::ZERO, runs_for: Duration::from_millis(90_000), bytes: u64::MAX };
    let prune = || async { world.journal.prune(keep, Millis(80_000)).await.unwrap().calls };
    assert_eq!(prune().await, 0);
    end(&world, &batch, BatchEnd::Delivered).await;
    let runs = world.journal.read(|view| view.runs_of(&CallRef { pbx: "office".into(), chain: "a".into() }));
    assert_eq!(runs.await.unwrap().len(), 1);
    assert_eq!(prune().await, 1);
    assert!(world.journal.read(|view| view.all_runs()).await.unwrap().is_empty(), "the run held the call's number");
}
