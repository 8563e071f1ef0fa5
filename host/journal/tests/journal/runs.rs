use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, JobId, RunId,
    runs::{Answer, Begun, Body, Effect, Ended, Intent, Reply, Request, Run, START, WHOLE},
};
use serde_json::json;

use crate::world::{World, accepted, call, job, kept, reference};

fn begun(id: RunId, job: Option<JobId>) -> Begun {
    Begun {
        id,
        job,
        call: Some(reference("c1")),
        plugin: "crm".to_owned(),
        function: "journal.write".to_owned(),
        attempt: 1,
        input: Some(json!({"call": "c1"})),
        build: Some("sha256:aa/1".to_owned()),
        started: Millis(1_000),
    }
}

fn intent(run: RunId, ordinal: u32, effect: Effect, body: &[u8]) -> Intent {
    Intent {
        run,
        ordinal,
        at: Millis(1_001),
        kind: "http".to_owned(),
        effect,
        method: "POST".to_owned(),
        url: format!("crm.lead.add.json?n={ordinal}"),
        key: Some("k-1".to_owned()),
        headers: vec![("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())],
        body: Body::of(body),
        rule: Some("plugin.crm allow".to_owned()),
    }
}

fn response(body: &[u8]) -> Answer {
    Answer {
        at: Millis(1_100),
        reply: Reply::Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Body::of(body),
        },
        timings: json!({"dns_us": 12}),
    }
}

async fn with_job() -> (World, JobId) {
    let world = World::new();
    let id = kept(world.accept(accepted(call("c1", 100), 1..=1, vec![job("crm", "write")])).await)[0];
    (world, id)
}

#[tokio::test]
async fn every_try_of_a_job_gives_its_requests_and_whole_answers_back_in_order() {
    let (world, job) = with_job().await;
    let journal = &world.journal;
    let (first, second) = (journal.next_run(), journal.next_run());
    let not_utf8 = [0xff, 0x00, 0x41];
    journal.later("run", move |txn| txn.begin_run(&begun(first, Some(job)))).await.unwrap();
    journal.intend(intent(first, 1, Effect::Read, b"")).await.unwrap();
    journal.later("answer", move |txn| txn.record_answer(first, 1, &response(&not_utf8))).await.unwrap();
    journal.intend(intent(first, 2, Effect::Once, b"lead")).await.unwrap();
    journal.later("run", move |txn| txn.begin_run(&begun(second, Some(job)))).await.unwrap();
    journal.intend(intent(second, 1, Effect::Idempotent, b"hide")).await.unwrap();
    let failed = Answer {
        at: Millis(1_200),
        reply: Reply::Error { kind: "not-sent".to_owned(), text: "connection refused".to_owned() },
        timings: json!(null),
    };
    let answer = failed.clone();
    journal.later("answer", move |txn| txn.record_answer(second, 1, &answer)).await.unwrap();
    let world = world.restart().await;

    let found = world.journal.read(move |view| view.answers_of(job)).await.unwrap();
    let expected = [
        (intent(first, 1, Effect::Read, b""), Some(response(&not_utf8))),
        (intent(first, 2, Effect::Once, b"lead"), None),
        (intent(second, 1, Effect::Idempotent, b"hide"), Some(failed)),
    ];
    let found: Vec<_> = found.into_iter().map(|request| (request.intent, request.answer)).collect();
    assert_eq!(found, expected);
    let of_first = world.journal.read(move |view| view.requests_of(first)).await.unwrap();
    assert_eq!(of_first.len(), 2);
}

#[tokio::test]
async fn bodies_are_kept_whole_up_to_the_bound_and_by_hash_size_and_beginning_above() {
    let (world, job) = with_job().await;
    let run = world.journal.next_run();
    world.journal.later("run", move |txn| txn.begin_run(&begun(run, Some(job)))).await.unwrap();
    let whole = vec![7; WHOLE];
    let mut large = whole.clone();
    large.push(8);
    world.journal.intend(intent(run, 1, Effect::Once, &whole)).await.unwrap();
    world.journal.intend(intent(run, 2, Effect::Once, &large)).await.unwrap();

    let found = world.journal.read(move |view| view.requests_of(run)).await.unwrap();
    assert_eq!(found[0].intent.body.whole(), Some(whole.as_slice()));
    let body = &found[1].intent.body;
    assert_eq!((body.whole(), body.start(), body.size()), (None, &large[..START], WHOLE as u64 + 1));
    // sha256sum of 262,144 bytes 07 and one byte 08.
    let hash: String = body.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "9d8ffa7a87c54bd694fb3d5e0cb1339e26e3093de8c9165b2558974d9a458af4");
}

#[tokio::test]
async fn the_intent_of_a_write_brings_what_was_queued_before_it_along() {
    let (world, job) = with_job().await;
    let run = world.journal.next_run();
    world.journal.later("run", move |txn| txn.begin_run(&begun(run, Some(job)))).await.unwrap();
    world.journal.intend(intent(run, 1, Effect::Once, b"x")).await.unwrap();
    let runs = world.journal.read(|view| view.runs_of(&reference("c1"))).await.unwrap();
    assert_eq!((runs.len(), &runs[0].begun, &runs[0].ended), (1, &begun(run, Some(job)), &None));
}

#[tokio::test]
async fn a_write_whose_run_was_never_begun_must_not_be_made() {
    let (world, _) = with_job().await;
    let run = world.journal.next_run();
    let error = world.journal.intend(intent(run, 1, Effect::Once, b"x")).await.unwrap_err();
    assert!(matches!(error, Error::UnknownRun(unknown) if unknown == run), "{error}");
}

#[tokio::test]
async fn a_run_says_what_it_took_and_how_it_ended() {
    let (world, _) = with_job().await;
    let (run, outside) = (world.journal.next_run(), world.journal.next_run());
    let ended = Ended {
        wall_us: 1_500,
        cpu_us: 300,
        memory_bytes: 2 << 20,
        outcome: "temporary".to_owned(),
        problem: Some("portal is busy".to_owned()),
    };
    let expected = ended.clone();
    world
        .journal
        .write(move |txn| {
            txn.begin_run(&begun(run, None))?;
            txn.begin_run(&Begun { call: None, ..begun(outside, None) })?;
            txn.finish_run(run, &ended)
        })
        .await
        .unwrap();
    let runs = world.journal.read(|view| view.runs_of(&reference("c1"))).await.unwrap();
    assert_eq!(runs.len(), 1, "the run outside calls is not the call's");
    assert_eq!(runs[0].ended, Some(expected));
}

#[tokio::test]
async fn a_request_that_is_settled_at_once_is_one_record() {
    let (world, job) = with_job().await;
    let run = world.journal.next_run();
    let requests = [
        Request { intent: intent(run, 1, Effect::Once, b"x"), answer: Some(response(b"y")) },
        Request { intent: intent(run, 2, Effect::Read, b""), answer: None },
    ];
    let unknown = Request { intent: intent(RunId(99), 1, Effect::Read, b""), answer: None };
    let expected = requests.clone();
    world
        .journal
        .apply(move |txn| {
            txn.begin_run(&begun(run, Some(job)))?;
            requests.iter().try_for_each(|request| txn.record_request(request))
        })
        .await
        .unwrap();
    assert_eq!(world.journal.read(move |view| view.requests_of(run)).await.unwrap(), expected);
    let error = world.journal.write(move |txn| txn.record_request(&unknown)).await.unwrap_err();
    assert!(matches!(error, Error::UnknownRun(RunId(99))), "{error}");
}

#[tokio::test]
async fn the_run_that_was_cut_off_is_the_last_one_of_its_job_and_counts_how_often_it_goes_on() {
    let (world, job) = with_job().await;
    let (first, second) = (world.journal.next_run(), world.journal.next_run());
    let ended = Ended { wall_us: 1, cpu_us: 1, memory_bytes: 1, outcome: "temporary".to_owned(), problem: None };
    async fn cut_off(world: &World, job: JobId) -> Result<Option<Run>, Error> {
        world.journal.read(move |view| view.cut_off_run(job)).await
    }
    assert_eq!(cut_off(&world, job).await.unwrap(), None, "nothing ran");
    world
        .journal
        .write({
            let ended = ended.clone();
            move |txn| {
                txn.begin_run(&begun(first, Some(job)))?;
                txn.finish_run(first, &ended)
            }
        })
        .await
        .unwrap();
    assert_eq!(cut_off(&world, job).await.unwrap(), None, "it ended");
    world.journal.write(move |txn| txn.begin_run(&begun(second, Some(job)))).await.unwrap();
    let world = world.restart().await;
    let run = cut_off(&world, job).await.unwrap().unwrap();
    assert_eq!((run.begun, run.resumed), (begun(second, Some(job)), 0));
    for resumed in 1..3 {
        assert_eq!(world.journal.write(move |txn| txn.resume_run(second)).await.unwrap(), resumed);
        assert_eq!(cut_off(&world, job).await.unwrap().unwrap().resumed, resumed);
    }
    let error = world.journal.write(move |txn| txn.resume_run(first)).await.unwrap_err();
    assert!(matches!(error, Error::RunEnded(run) if run == first), "{error}");
    let error = world.journal.write(|txn| txn.resume_run(RunId(99))).await.unwrap_err();
    assert!(matches!(error, Error::UnknownRun(RunId(99))), "{error}");
    world.journal.write(move |txn| txn.finish_run(second, &ended)).await.unwrap();
    assert_eq!(cut_off(&world, job).await.unwrap(), None);
    let runs = world.journal.read(move |view| Ok((view.runs_of_job(job)?, view.run(second)?))).await.unwrap();
    assert_eq!(runs.0.iter().map(|run| run.begun.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(runs.1.map(|run| run.resumed), Some(2));
}

#[tokio::test]
async fn ids_of_runs_go_on_after_a_restart() {
    let (world, _) = with_job().await;
    let mut last = RunId(0);
    for _ in 0..3 {
        last = world.journal.next_run();
        world.journal.later("run", move |txn| txn.begin_run(&begun(last, None))).await.unwrap();
    }
    let world = world.restart().await;
    assert!(world.journal.next_run() > last);
}
