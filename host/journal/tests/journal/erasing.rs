//! One person's calls are forgotten, down to the bytes.

use std::fs;

use hookswitch_call::{Millis, event::Outcome};
use hookswitch_journal::{
    Error, JobId, Journal, Reader,
    calls::Filter,
    jobs::Finish,
    retention::Erased,
    runs::{Answer, Begun, Body, Effect, Intent, Reply, Request},
    storage::{Content, Key, Put, Quota, Scope},
};
use serde_json::json;

use crate::world::{World, accepted, call, ended, job, kept, reference};

const NOW: Millis = Millis(9_000);

/// Accepts a call that is over with the outside number `number`, spelled as `spelled`: with a job that is done, and what
/// a plugin asked and was answered (`secret`, in bodies of several pages).
async fn past_call(world: &World, chain: &str, number: Option<&str>, spelled: &str, secret: &str) -> JobId {
    let mut over = accepted(ended(call(chain, 100), 200, Outcome::Answered), 1..=3, vec![job("crm", "write")]);
    over.number = number.map(str::to_owned);
    over.call.external = Some(spelled.to_owned());
    let id = kept(world.accept(over).await)[0];
    let (run, call) = (world.journal.next_run(), reference(chain));
    let body = Body::of(secret.repeat(1_000).as_bytes());
    world
        .journal
        .write(move |txn| {
            txn.start_job(id, 1, "sha256:aa")?;
            txn.begin_run(&Begun {
                id: run,
                job: Some(id),
                call: Some(call.clone()),
                plugin: "crm".to_owned(),
                function: "journal.write".to_owned(),
                attempt: 1,
                input: None,
                build: None,
                started: NOW,
            })?;
            let intent = Intent {
                run,
                ordinal: 1,
                at: NOW,
                kind: "http".to_owned(),
                effect: Effect::Once,
                method: "POST".to_owned(),
                url: "x".to_owned(),
                key: None,
                headers: vec![],
                body: body.clone(),
                rule: None,
            };
            let reply = Reply::Response { status: 200, headers: vec![], body };
            let answer = Some(Answer { at: NOW, reply, timings: json!(null) });
            txn.record_request(&Request { intent, answer })?;
            let key = Key { plugin: "crm".to_owned(), scope: Scope::Call(call.clone()), name: "k".to_owned() };
            let put = Put { value: Content::Text("v".to_owned()), expected: None, expires: None };
            txn.put(&key, &put, Quota::default(), NOW)?.unwrap();
            // Overwritten: the old value must not stay behind in the file either.
            txn.put_dossier(&call, "crm", &json!({ "early": number_text(&call.chain.to_string()) }))?;
            txn.put_dossier(&call, "crm", &json!({}))?;
            txn.finish_job(id, Finish::Done { result: json!(1) }, NOW)
        })
        .await
        .unwrap();
    id
}

fn number_text(chain: &str) -> String {
    format!("dossier-of-{chain}")
}

async fn chains(world: &World) -> Vec<String> {
    let found = world.journal.read(|view| view.find_calls(&Filter { limit: 1_000, ..Filter::default() }));
    let mut chains: Vec<_> = found.await.unwrap().into_iter().map(|entry| entry.call.chain.to_string()).collect();
    chains.sort();
    chains
}

/// Whether the text stands anywhere in the files of the journal.
fn on_disk(world: &World, text: &str) -> bool {
    let files = fs::read_dir(world.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.into_iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[tokio::test]
async fn every_finished_call_of_a_number_goes_and_its_bytes_are_gone_from_the_files() {
    let world = World::new();
    for number in 0..25 {
        past_call(&world, &format!("gone-{number}"), Some("+4930777001"), "030777001", "GONE-ANSWER").await;
        past_call(&world, &format!("other-{number:02}"), Some("+4930777002"), "030777002", "OTHER-ANSWER").await;
    }
    let texts = ["+4930777001", "030777001", "GONE-ANSWER", "gone-7", "dossier-of-gone-7"];
    assert!(texts[..4].iter().all(|text| on_disk(&world, text)), "there is something to forget");
    let expected = Erased { calls: 25, events: 75, jobs: 25, runs: 25, requests: 25, keys: 25, ..Erased::default() };
    let foreseen = world.journal.read(|view| view.erasable("+49 30 777001")).await.unwrap();
    assert_eq!(foreseen, expected);

    assert_eq!(world.journal.erase("+49 30 777001").await.unwrap().0, expected);
    for text in texts {
        assert!(!on_disk(&world, text), "{text} is still in a file");
    }
    let others: Vec<_> = (0..25).map(|number| format!("other-{number:02}")).collect();
    assert_eq!(chains(&world).await, others);
    assert!(on_disk(&world, "OTHER-ANSWER"));
    assert_eq!(world.journal.erase("+4930777001").await.unwrap().0, Erased::default(), "nothing is left to forget");
    let world = world.restart().await;
    assert_eq!(chains(&world).await, others);
}

#[tokio::test]
async fn what_is_unfinished_stays_and_is_counted() {
    let world = World::new();
    past_call(&world, "over", Some("+4930777001"), "030777001", "x").await;
    let parked = kept(
        world.accept(accepted(ended(call("parked", 100), 200, Outcome::Answered), 1..=1, vec![job("crm", "x")])).await,
    )[0];
    let park = Finish::Parked { problem: "no".to_owned() };
    world.journal.write(move |txn| txn.finish_job(parked, park, NOW)).await.unwrap();
    world.accept(accepted(call("open", 100), 1..=1, vec![])).await;
    let number = "+4930123456";
    past_call(&world, "done", Some(number), "030 123456", "x").await;

    let (erased, _) = world.journal.erase(number).await.unwrap();
    assert_eq!((erased.calls, erased.unfinished), (1, 2));
    assert_eq!(chains(&world).await, ["open", "over", "parked"]);
    world.journal.write(move |txn| txn.skip_job(parked, None, NOW)).await.unwrap();
    let (erased, _) = world.journal.erase(number).await.unwrap();
    assert_eq!((erased.calls, erased.unfinished), (1, 1));
}

#[tokio::test]
async fn only_whole_numbers_match() {
    let cases: [(&str, &[&str]); 9] = [
        ("+4930777001", &["e164"]),
        ("+49 (30) 777-001", &["e164"]),
        // Somebody in another country may have these digits.
        ("030777001", &["as-spelled"]),
        ("030 777 001", &["as-spelled"]),
        ("4930777001", &[]),
        ("777001", &[]),
        ("+493077700", &[]),
        ("+49307770011", &["longer"]),
        ("anonymous", &[]),
    ];
    for (text, expected) in cases {
        let world = World::new();
        past_call(&world, "e164", Some("+4930777001"), "030777001", "x").await;
        past_call(&world, "longer", Some("+49307770011"), "0307770011", "x").await;
        past_call(&world, "as-spelled", None, "030777001", "x").await;
        past_call(&world, "nobody", None, "anonymous", "x").await;
        let before = chains(&world).await;
        world.journal.erase(text).await.unwrap();
        let after = chains(&world).await;
        let gone: Vec<_> = before.into_iter().filter(|chain| !after.contains(chain)).collect();
        assert_eq!(gone, expected, "{text}");
    }
}

#[tokio::test]
async fn a_reader_of_an_old_state_is_named_and_the_rest_is_done_when_it_is_gone() {
    let world = World::new();
    past_call(&world, "gone", Some("+4930777001"), "030777001", "GONE-ANSWER").await;
    let reader = Reader::open(world.path()).unwrap();
    let journal: Journal = world.journal.clone();
    let (begun, begins) = std::sync::mpsc::channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let reading = std::thread::spawn(move || {
        reader.read(|view| {
            let there = view.call(&reference("gone"))?.is_some();
            begun.send(there).unwrap();
            wait.recv().unwrap();
            Ok(())
        })
    });
    assert!(begins.recv().unwrap());
    let error = journal.erase("+4930777001").await.unwrap_err();
    assert!(matches!(error, Error::LogInUse), "{error}");
    // Others' work goes on meanwhile.
    world.accept(accepted(call("new", 100), 1..=1, vec![])).await;
    go.send(()).unwrap();
    reading.join().unwrap().unwrap();
    assert_eq!(journal.erase("+4930777001").await.unwrap().0, Erased::default());
    assert!(!on_disk(&world, "GONE-ANSWER"));
}
