//! Guests that go too far are stopped, and nobody else notices.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod guest;

use std::{sync::Arc, time::Duration};

use guest::{Guest, World, engine, engine_for, load};
use hookswitch_runtime::{CallError, Job, Limits};
use tokio::{sync::Semaphore, time::timeout};

const SOON: Duration = Duration::from_secs(20);

fn cpu(ms: u64) -> Limits {
    Limits { guest_cpu: Some(Duration::from_millis(ms)), ..Limits::default() }
}

#[tokio::test]
async fn a_spinning_guest_is_stopped_when_its_cpu_budget_is_spent() {
    let engine = engine();
    let spinning = load(&engine, &Guest::preparing("(loop (br 0))")).await;
    let outcome = spinning.prepare(World::default().job_within(cpu(100))).await;
    assert!(matches!(outcome.result, Err(CallError::CpuBudget { .. })), "{:?}", outcome.result);
    assert!(outcome.usage.guest_cpu >= Duration::from_millis(100), "{:?}", outcome.usage);
    assert!(outcome.usage.guest_cpu < Duration::from_secs(1), "{:?}", outcome.usage);
}

#[tokio::test]
async fn spinning_guests_let_others_run_on_the_same_thread() {
    let engine = engine();
    let spinning = Arc::new(load(&engine, &Guest::preparing("(loop (br 0))")).await);
    let honest = load(&engine, &Guest::default()).await;
    let job = World::default().job_within(cpu(60_000));
    let spin = tokio::spawn({
        let spinning = spinning.clone();
        async move { spinning.prepare(job).await }
    });
    for _ in 0..20 {
        let outcome = timeout(SOON, honest.prepare(World::default().job())).await.expect("it gets its turn");
        outcome.result.expect("it works");
    }
    assert!(!spin.is_finished(), "the other one still spins");
    spin.abort();
    assert!(spin.await.expect_err("it was cancelled").is_cancelled());
}

#[tokio::test]
async fn a_guest_that_only_spins_is_stopped_by_the_wall_clock_too() {
    let spinning = load(&engine(), &Guest::preparing("(loop (br 0))")).await;
    let limits = Limits { wall: Duration::from_millis(100), ..cpu(60_000) };
    let outcome = spinning.prepare(World::default().job_within(limits)).await;
    assert!(matches!(outcome.result, Err(CallError::Deadline { .. })), "{:?}", outcome.result);
}

#[tokio::test]
async fn the_deadline_ends_a_call_that_waits_for_the_host() {
    let sending = load(&engine(), &Guest::sending("(call $send)")).await;
    let world = World::default();
    let limits = Limits { wall: Duration::from_millis(200), ..Limits::default() };
    let outcome = sending.prepare(world.job_within(limits)).await;
    assert!(matches!(outcome.result, Err(CallError::Deadline { .. })), "{:?}", outcome.result);
    assert_eq!(outcome.usage.host_calls, 1);
    assert!(outcome.usage.host_time >= Duration::from_millis(190), "{:?}", outcome.usage);
}

#[tokio::test]
async fn time_that_the_host_takes_is_not_on_the_guests_bill() {
    let sending = load(&engine(), &Guest::sending("(call $send) (call $send) (call $send)")).await;
    let world = World { delay: Duration::from_millis(150), ..World::default() };
    world.answers.add_permits(3);
    let outcome = sending.prepare(world.job_within(cpu(50))).await;
    outcome.result.expect("the guest itself did almost nothing");
    assert!(outcome.usage.guest_cpu < Duration::from_millis(50), "{:?}", outcome.usage);
    assert!(outcome.usage.host_time >= Duration::from_millis(450), "{:?}", outcome.usage);
    assert!(outcome.usage.wall >= outcome.usage.host_time, "{:?}", outcome.usage);
}

#[tokio::test]
async fn a_guest_that_spins_between_host_calls_is_stopped_by_the_sum() {
    let spin =
        "(local.set $n (i32.const 30000000)) (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))";
    let turn = format!("{spin} (call $send)");
    let guest = Guest::sending(&format!("(local $n i32) (loop {turn} (br 0))"));
    let sending = load(&engine(), &guest).await;
    let world = World { answers: Arc::new(Semaphore::new(100_000)), ..World::default() };
    let outcome = sending.prepare(world.job_within(cpu(300))).await;
    assert!(matches!(outcome.result, Err(CallError::CpuBudget { .. })), "{:?}", outcome.result);
    assert!(outcome.usage.host_calls > 1, "{:?}", outcome.usage);
}

#[tokio::test]
async fn a_guest_that_wants_more_memory_than_granted_is_told_so() {
    let engine = engine();
    // Grows by 1 MiB until it gets no more, and then gives up as allocators do.
    let grow = "(loop (br_if 0 (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable";
    let greedy = load(&engine, &Guest { prepare: grow.into(), ..Guest::default() }).await;
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let outcome = greedy.prepare(World::default().job_within(limits)).await;
    assert!(matches!(outcome.result, Err(CallError::Memory { limit: 0x80_0000 })), "{:?}", outcome.result);
    assert!((7 << 20..=8 << 20).contains(&outcome.usage.peak_memory_bytes), "{:?}", outcome.usage);

    let outcome = greedy.prepare(World::default().job()).await;
    assert!(matches!(outcome.result, Err(CallError::Memory { .. })), "the engine's own limit: {:?}", outcome.result);

    let large = load(&engine, &Guest { pages: 256, ..Guest::default() }).await;
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let outcome = large.prepare(World::default().job_within(limits)).await;
    assert!(matches!(outcome.result, Err(CallError::Memory { .. })), "from the start: {:?}", outcome.result);
}

#[tokio::test]
async fn memory_that_a_guest_may_not_have_by_its_own_word_is_no_matter_of_the_limit() {
    let guest = Guest {
        module: "(memory $own 1 2)".into(),
        ..Guest::preparing(
            "(drop (memory.grow $own (i32.const 100))) (drop (memory.grow $own (i32.const 1))) unreachable",
        )
    };
    let outcome = load(&engine(), &guest).await.prepare(World::default().job()).await;
    assert!(matches!(outcome.result, Err(CallError::Trap { .. })), "{:?}", outcome.result);
    assert_eq!(outcome.usage.peak_memory_bytes, 3 << 16);
}

#[tokio::test]
async fn endless_recursion_is_a_crash_of_the_guest_alone() {
    let guest = Guest {
        module: "(func $deeper (result i32) (i32.add (call $deeper) (call $deeper)))".into(),
        ..Guest::preparing("(drop (call $deeper))")
    };
    let outcome = load(&engine(), &guest).await.prepare(World::default().job()).await;
    let Err(CallError::Trap { message, backtrace, .. }) = outcome.result else { panic!("{:?}", outcome.result) };
    assert!(message.contains("call stack exhausted"), "{message}");
    assert!(backtrace.len() < 20_000, "{} bytes", backtrace.len());
}

#[tokio::test]
async fn a_crash_says_where() {
    let guest = Guest {
        module: "(func $find_the_customer unreachable)".into(),
        ..Guest::preparing("(call $find_the_customer)")
    };
    let outcome = load(&engine(), &guest).await.prepare(World::default().job()).await;
    let Err(CallError::Trap { message, backtrace, .. }) = outcome.result else { panic!("{:?}", outcome.result) };
    assert!(message.contains("unreachable"), "{message}");
    assert!(backtrace.lines().next().is_some_and(|line| line.contains("find_the_customer")), "{backtrace}");
}

#[tokio::test]
async fn the_names_in_a_backtrace_cannot_deceive_a_terminal() {
    // The name section is the guest's own, and may hold anything.
    let guest = Guest {
        module: r#"(func $"evil\1b[31mname" unreachable)"#.into(),
        ..Guest::preparing(r#"(call $"evil\1b[31mname")"#)
    };
    let outcome = load(&engine(), &guest).await.prepare(World::default().job()).await;
    let Err(CallError::Trap { backtrace, .. }) = outcome.result else { panic!("{:?}", outcome.result) };
    assert!(backtrace.contains("evil"), "{backtrace}");
    assert!(!backtrace.contains('\u{1b}'), "{backtrace:?}");
}

#[tokio::test]
async fn calls_of_the_host_are_counted_and_bounded() {
    let guest = Guest::logging("again", "(loop (call $log (i32.const 5)) (br 0))");
    let world = World::default();
    let limits = Limits { host_calls: 500, ..Limits::default() };
    let outcome = load(&engine(), &guest).await.prepare(world.job_within(limits)).await;
    assert!(matches!(outcome.result, Err(CallError::Quota { limit: 500, .. })), "{:?}", outcome.result);
    assert_eq!(outcome.usage.host_calls, 500);
}

#[tokio::test]
async fn an_argument_of_many_megabytes_never_reaches_the_host() {
    let guest = Guest { pages: 512, ..Guest::logging("", "(call $log (i32.const 30000000))") };
    let world = World::default();
    let outcome = load(&engine(), &guest).await.prepare(world.job()).await;
    assert!(matches!(outcome.result, Err(CallError::Trap { .. })), "{:?}", outcome.result);
    assert!(world.messages().is_empty());
}

#[tokio::test]
async fn a_log_line_is_cut_and_escaped_and_the_log_has_an_end() {
    let text = format!("\u{1b}[2Jerror\r\nforged line {}", "x".repeat(10_000));
    let prepare = format!(
        "(local $n i32) (loop (call $log (i32.const {})) (br_if 0 (i32.lt_s (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))",
        text.len()
    );
    let world = World::default();
    let limits = Limits { log_lines: 10, ..Limits::default() };
    let outcome = load(&engine(), &Guest::logging(&text, &prepare)).await.prepare(world.job_within(limits)).await;
    outcome.result.expect("who logs too much is not stopped");
    let messages = world.messages();
    assert_eq!(messages.len(), 10, "{messages:?}");
    assert!(messages[0].starts_with(r"\u{1b}[2Jerror\u{d}\u{a}forged line xxx"), "{}", messages[0]);
    assert!(messages[0].len() < 5_000 && messages[0].ends_with("bytes cut)"), "{}", messages[0].len());
    assert!(messages[9].contains("logs too much"), "{}", messages[9]);
}

#[tokio::test]
async fn more_callers_than_slots_wait_for_their_turn() {
    let engine = engine_for(2);
    let sending = Arc::new(load(&engine, &Guest::sending("(call $send)")).await);
    let world = World { delay: Duration::from_millis(5), ..World::default() };
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (sending, job) = (sending.clone(), world.job());
            tokio::spawn(async move { sending.prepare(job).await })
        })
        .collect();
    // Two are in; nobody else begins until one of them is done.
    timeout(SOON, world.begun.acquire_many(2)).await.expect("two begin").unwrap().forget();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.begun.available_permits(), 0);
    world.answers.add_permits(20);
    let mut longest = Duration::ZERO;
    for call in calls {
        let outcome = timeout(SOON, call).await.expect("it gets its turn").unwrap();
        outcome.result.expect("it works");
        longest = longest.max(outcome.usage.waited);
    }
    // Ten rounds of 5 ms: the last two have waited for nine of them, which is not on their own clock.
    assert!(longest >= Duration::from_millis(45), "{longest:?}");
}

#[tokio::test]
async fn a_dropped_call_frees_its_slot_wherever_it_was() {
    let engine = engine_for(1);
    let sending = load(&engine, &Guest::sending("(call $send)")).await;
    let spinning = load(&engine, &Guest::preparing("(loop (br 0))")).await;
    let honest = load(&engine, &Guest::default()).await;
    for round in 0..60_u64 {
        let world = World::default();
        let patience = Duration::from_micros(round * 300);
        assert!(timeout(patience, sending.prepare(world.job())).await.is_err(), "nobody answers");
        assert!(timeout(patience, spinning.prepare(world.job_within(cpu(60_000)))).await.is_err(), "it never ends");
        timeout(SOON, honest.prepare(world.job())).await.expect("the slot is free").result.expect("it works");
    }
}

#[tokio::test]
async fn a_guest_under_denial_gets_its_answers_and_no_service() {
    let sending = load(&engine(), &Guest::sending("(call $send)")).await;
    let outcome = sending.prepare(Job::denied()).await;
    outcome.result.expect("a denial is an answer");
    assert_eq!(outcome.usage.host_calls, 1);
}
