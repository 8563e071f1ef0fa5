//! Recordings from the event that tells of them to their removal.

use std::time::Duration;

use hookswitch_call::{
    Call, Millis,
    event::{Outcome, What},
};
use hookswitch_journal::{
    RecordingId, Txn,
    calls::Accepted,
    jobs::{self, Finish, NewJob},
    recordings::{Access, Part, Progress, Ready, Recording, Removal, State, Words},
    retention::Retention,
};
use serde_json::json;

use crate::world::{World, accepted, call, ended, event, reference};

const NUMBER: &str = "+4930123456";

/// A call that is over, of which these things were told.
fn told(chain: &str, told: Vec<What>) -> Accepted {
    with(ended(call(chain, 100), 200, Outcome::Answered), told)
}

fn with(mut call: Call, told: Vec<What>) -> Accepted {
    let chain = call.chain.to_string();
    let events: Vec<_> =
        (1..).zip(told).map(|(seq, what)| hookswitch_call::Event { what, ..event(&chain, seq) }).collect();
    call.seq = events.len() as u64;
    Accepted { events, ..accepted(call, [], Vec::new()) }
}

fn recorded(file: &str) -> What {
    What::Recorded { file: file.to_owned() }
}

async fn due(world: &World, state: State, now: u64) -> Vec<Recording> {
    world.journal.read(move |view| view.recordings_due(state, Millis(now), 10)).await.unwrap()
}

async fn change<T: Send + 'static>(
    world: &World,
    change: impl FnOnce(&Txn<'_>) -> Result<T, hookswitch_journal::Error> + Send + 'static,
) -> T {
    world.journal.write(change).await.unwrap()
}

async fn known(world: &World, id: RecordingId) -> Recording {
    world.journal.read(move |view| view.recording(id)).await.unwrap().unwrap()
}

/// Fetched as `original`, made `file`, told to plugins.
async fn finish(world: &World, id: RecordingId, original: &'static str, file: &'static str, keeps_original: bool) {
    let part = Part { name: "left".into(), file: format!("{file}-left"), bytes: 5, facts: json!({}) };
    let ready = Ready { file: file.into(), bytes: 10, facts: json!({ "size": 10 }), parts: vec![part], keeps_original };
    assert!(change(world, move |txn| txn.recording_fetched(id, original, 100, Millis(300))).await);
    assert!(change(world, move |txn| txn.recording_ready(id, &ready, Millis(400))).await);
    change(world, move |txn| txn.recording_told(id)).await;
}

async fn needs(world: &World, hash: &'static str) -> bool {
    world.journal.read(move |view| view.needs_file(hash)).await.unwrap()
}

#[tokio::test]
async fn each_file_that_is_told_of_is_awaited_once_and_survives_a_restart() {
    let world = World::new();
    let events = vec![recorded("a.wav"), recorded("b.wav"), recorded("a.wav")];
    world.accept(told("1.1", events.clone())).await;
    world.accept(told("1.1", events)).await;
    let world = world.restart().await;
    let found = due(&world, State::Awaited, 1_000).await;
    let told: Vec<_> = found.iter().map(|one| (one.source.as_str(), one.leg, one.place)).collect();
    assert_eq!(told, [("a.wav", 0, 0), ("b.wav", 0, 1)]);
    assert_eq!(found[0].call, reference("1.1"));
}

#[tokio::test]
async fn what_failed_waits_and_is_given_up_or_asked_for_again() {
    let world = World::new();
    world.accept(told("1.1", vec![recorded("a.wav")])).await;
    let id = due(&world, State::Awaited, 1_000).await[0].id;
    change(&world, move |txn| txn.put_recording_off(id, Millis(5_000), "not yet", true)).await;
    assert!(due(&world, State::Awaited, 4_999).await.is_empty());
    assert_eq!(world.journal.read(|view| view.next_due()).await.unwrap(), Some(Millis(5_000)));
    change(&world, |txn| txn.hurry_recordings(Millis(2_000))).await;
    assert_eq!(due(&world, State::Awaited, 2_000).await[0].failures, 1);
    change(&world, move |txn| txn.give_recording_up(id, "never")).await;
    assert_eq!(world.journal.read(|view| view.next_due()).await.unwrap(), None);
    assert!(change(&world, move |txn| txn.await_recording(id, Millis(9_000))).await);
    let again = known(&world, id).await;
    assert_eq!((again.state, again.failures, again.created), (State::Awaited, 0, Millis(9_000)));
    finish(&world, id, "o", "f", false).await;
    assert!(!change(&world, move |txn| txn.await_recording(id, Millis(9_000))).await, "it is here");
}

#[tokio::test]
async fn files_are_needed_from_when_they_are_named_until_they_are_not() {
    let world = World::new();
    world.accept(told("1.1", vec![recorded("a.wav")])).await;
    world.accept(told("1.2", vec![recorded("b.wav")])).await;
    let ids: Vec<_> = due(&world, State::Awaited, 1_000).await.iter().map(|one| one.id).collect();
    finish(&world, ids[0], "original-1", "same", true).await;
    finish(&world, ids[1], "original-2", "same", false).await;
    assert_eq!((known(&world, ids[0]).await.bytes, known(&world, ids[1]).await.bytes), (115, 15));
    for (hash, needed) in
        [("original-1", true), ("original-2", false), ("same", true), ("same-left", true), ("x", false)]
    {
        assert_eq!(needs(&world, hash).await, needed, "{hash}");
    }
    let first = ids[0];
    change(&world, move |txn| txn.remove_recording(first, "gone")).await;
    assert!(needs(&world, "same").await && !needs(&world, "original-1").await);
    let second = ids[1];
    change(&world, move |txn| txn.remove_recording(second, "gone")).await;
    assert!(!needs(&world, "same").await && !needs(&world, "same-left").await);
}

#[tokio::test]
async fn a_recording_keeps_its_call_and_a_held_call_keeps_its_recording() {
    let world = World::new();
    world.accept(told("1.1", vec![recorded("a.wav")])).await;
    let id = due(&world, State::Awaited, 1_000).await[0].id;
    let retention = Retention { calls_for: Duration::ZERO, runs_for: Duration::ZERO, bytes: u64::MAX };
    let prune = async || world.journal.prune(retention, Millis(10_000_000)).await.unwrap().calls;
    assert_eq!(prune().await, 0, "its recording is awaited");
    finish(&world, id, "o", "f", false).await;
    assert_eq!(prune().await, 0, "its recording is here");
    let removable =
        async || world.journal.read(|view| view.recordings_to_remove(Millis(u64::MAX >> 1), 10)).await.unwrap();
    assert_eq!(removable().await, [(id, 15)]);
    assert!(change(&world, |txn| txn.hold_call(&reference("1.1"), "court", Millis(1))).await);
    assert!(!change(&world, |txn| txn.hold_call(&reference("1.1"), "court again", Millis(2))).await);
    assert!(removable().await.is_empty());
    let (erased, files) = world.journal.erase(NUMBER).await.unwrap();
    assert_eq!((erased.calls, erased.held, files.len()), (0, 1, 0));
    assert_eq!(change(&world, move |txn| txn.remove_recording(id, "gone")).await, Removal::Held);
    assert_eq!(known(&world, id).await.state, State::Ready);
    assert_eq!(prune().await, 0, "somebody holds it");
    assert!(change(&world, |txn| txn.release_call(&reference("1.1"))).await);
    let files = ["f", "f-left"].map(str::to_owned).into();
    assert_eq!(change(&world, move |txn| txn.remove_recording(id, "gone")).await, Removal::Removed(files));
    assert_eq!(prune().await, 1);
}

#[tokio::test]
async fn what_a_job_says_of_a_recording_that_goes_meanwhile_goes_with_it() {
    let world = World::new();
    world.accept(told("1.1", vec![recorded("a.wav"), What::Transcript { text: "SPOKEN".into() }])).await;
    let id = due(&world, State::Awaited, 1_000).await[0].id;
    finish(&world, id, "o", "f", false).await;
    let listen = NewJob { plugin: "speech".into(), kind: "listen".into(), recording: Some(id), due: Millis(1) };
    let jobs = change(&world, move |txn| txn.add_jobs(&reference("1.1"), &[listen], Millis(1))).await;
    let job = jobs[0];
    change(&world, move |txn| txn.start_job(job, 1, "component")).await;
    assert!(matches!(change(&world, move |txn| txn.remove_recording(id, "gone")).await, Removal::Removed(_)));
    let done = Finish::Done { result: json!("HEARD") };
    change(&world, move |txn| txn.finish_job(job, done, Millis(2))).await;
    let known = world.journal.read(move |view| view.job(job)).await.unwrap().unwrap();
    assert_eq!((known.state, known.result), (jobs::State::Done, None));
    let events = world.journal.read(|view| view.events_of(&reference("1.1"))).await.unwrap();
    let record = world.journal.read(|view| view.call(&reference("1.1"))).await.unwrap().unwrap().call;
    assert!(!format!("{events:?}{record:?}").contains("SPOKEN"), "{events:?}");
    assert_eq!(events.len(), 2, "that something was said is known");
}

#[tokio::test]
async fn what_was_held_is_held_as_a_part_of_another_call_and_has_a_place_of_its_own() {
    let world = World::new();
    world.accept(told("1.1", vec![recorded("a.wav")])).await;
    world.accept(told("1.2", vec![recorded("a.wav"), recorded("b.wav")])).await;
    let part: Vec<_> = due(&world, State::Awaited, 1_000).await.iter().map(|one| one.id).collect();
    change(&world, |txn| txn.hold_call(&reference("1.2"), "court", Millis(1))).await;
    let (same, other) = (part[1], part[2]);
    assert!(!change(&world, move |txn| txn.move_recording(same, &reference("1.1"))).await, "it is there already");
    assert!(change(&world, move |txn| txn.move_recording(other, &reference("1.1"))).await);
    let moved = known(&world, other).await;
    assert_eq!((moved.call, moved.place), (reference("1.1"), 1));
    let hold = world.journal.read(|view| view.hold_of(&reference("1.1"))).await.unwrap();
    assert_eq!(hold.map(|hold| hold.reason).as_deref(), Some("court"));
}

#[tokio::test]
async fn who_is_forgotten_leaves_no_recording_and_the_files_are_named() {
    let world = World::new();
    world.accept(told("1.1", vec![recorded("a.wav"), recorded("b.wav")])).await;
    let ids: Vec<_> = due(&world, State::Awaited, 1_000).await.iter().map(|one| one.id).collect();
    finish(&world, ids[0], "o", "f", true).await;
    let words =
        Words { recording: ids[0], progress: Progress::Whole, token: None, record: Some(json!("WORDS")), told: false };
    change(&world, move |txn| txn.put_words(&words, Millis(1))).await;
    let foreseen = world.journal.read(|view| view.erasable(NUMBER)).await.unwrap();
    let (erased, mut files) = world.journal.erase(NUMBER).await.unwrap();
    assert_eq!(erased, foreseen);
    assert_eq!((erased.calls, erased.recordings, erased.transcripts), (1, 2, 1));
    files.sort();
    assert_eq!(files, ["f", "f-left", "o"]);
    let file = std::fs::read(World::file(world.path())).unwrap();
    assert!(!file.windows(5).any(|window| window == b"WORDS" || window == b"a.wav"));
}

#[tokio::test]
async fn words_are_told_once_at_each_step() {
    let world = World::new();
    let spoken = with(
        Call { transcript: Some("Hello.".into()), ..ended(call("1.1", 100), 200, Outcome::Answered) },
        vec![What::Transcript { text: "Hello.".into() }, recorded("a.wav")],
    );
    world.accept(spoken).await;
    let id = due(&world, State::Awaited, 1_000).await[0].id;
    let spoken = async || world.journal.read(|view| view.recordings_spoken(10)).await.unwrap();
    assert!(spoken().await.is_empty(), "it is not here yet");
    finish(&world, id, "o", "f", false).await;
    assert_eq!(spoken().await, [id]);
    change(&world, move |txn| txn.spoken_taken(id)).await;
    assert!(spoken().await.is_empty());
    let due = async |now| world.journal.read(move |view| view.words_due(Millis(now), 10)).await.unwrap();
    for progress in [Progress::Pending, Progress::Heard, Progress::Whole] {
        let words = Words { recording: id, progress, token: Some("t".into()), record: Some(json!({})), told: false };
        let put = words.clone();
        change(&world, move |txn| txn.put_words(&put, Millis(5_000))).await;
        assert_eq!((due(4_999).await.len(), due(5_000).await), (0, vec![words]));
        change(&world, move |txn| txn.words_told(id)).await;
        assert!(due(9_000).await.is_empty(), "{progress:?}");
    }
}

#[tokio::test]
async fn what_was_recorded_of_a_part_belongs_to_the_whole() {
    let world = World::new();
    world.accept(told("1.1", vec![recorded("a.wav")])).await;
    world.accept(told("1.2", vec![recorded("b.wav"), recorded("a.wav")])).await;
    let of = async |chain: &'static str| {
        world.journal.read(move |view| view.recordings_of(&reference(chain))).await.unwrap()
    };
    let mut moved = Vec::new();
    for part in of("1.2").await {
        moved.push(change(&world, move |txn| txn.move_recording(part.id, &reference("1.1"))).await);
    }
    assert_eq!(moved, [true, false]);
    let whole: Vec<_> = of("1.1").await.into_iter().map(|one| (one.source, one.place)).collect();
    assert_eq!(whole, [("a.wav".to_owned(), 0), ("b.wav".to_owned(), 1)], "the same file is there once");
}

#[tokio::test]
async fn a_link_works_once_and_who_listened_is_known() {
    let world = World::new();
    world.accept(told("1.1", vec![recorded("a.wav")])).await;
    let id = due(&world, State::Awaited, 1_000).await[0].id;
    let use_it = async |now| change(&world, move |txn| txn.use_link("nonce", Millis(5_000), Millis(now))).await;
    assert!(use_it(1_000).await && !use_it(4_999).await);
    let access = |at| Access {
        at: Millis(at),
        who: "192.0.2.1".into(),
        link: "ab".into(),
        status: 206,
        range: "bytes=0-".into(),
    };
    for at in 0..1_005 {
        change(&world, move |txn| txn.note_access(id, &access(at))).await;
    }
    let known = world.journal.read(move |view| view.accesses_to(id)).await.unwrap();
    assert_eq!((known.len(), known[0].at, &known[999]), (1_000, Millis(5), &access(1_004)));
}
