//! What one tenant leaves behind in its slot, the next must not find: however the first one ended, and whatever shape
//! the second one's memory has.

use std::time::Duration;

use hookswitch_runtime::{CallError, Component, Engine, Limits};
use tokio::time::timeout;

use crate::{
    cpu,
    guest::{Guest, World, engine_for, load},
    tests,
};

tests!(
    nothing_of_a_tenant_is_left_for_the_next,
    nothing_is_left_after_a_crash_in_the_midst_of_a_bulk_operation,
    globals_and_tables_are_new_in_every_call,
);

/// Rounds of filling and searching: 300, or `HOOKSWITCH_CANARY_ROUNDS`.
fn rounds() -> u32 {
    std::env::var("HOOKSWITCH_CANARY_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

/// Looks at so many pages of every memory of its own, and crashes where a byte is not as it must be. Its own data ends
/// before 40,000.
fn searching() -> Vec<Guest> {
    let search = |memory: &str, from: u32, pages: u32| {
        format!(
            "(local.set $at (i32.const {from}))
            (loop
                (if (i64.ne (i64.load {memory} (local.get $at)) (i64.const 0)) (then unreachable))
                (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const {}))))",
            (pages << 16) - 8
        )
    };
    vec![
        // One page that grows.
        Guest::preparing(&format!("(local $at i32) (drop (memory.grow (i32.const 79))) {}", search("", 40_000, 80))),
        // Large from the start.
        Guest { pages: 100, ..Guest::preparing(&format!("(local $at i32) {}", search("", 40_000, 100))) },
        // With data far behind, so that the slot has an image of its own.
        Guest {
            pages: 90,
            module: r#"(data (i32.const 4980728) "own data")"#.into(),
            ..Guest::preparing(&format!(
                "(local $at i32) {} (if (i64.ne (i64.load (i32.const 4980728)) (i64.const 0x61746164206e776f)) (then unreachable))",
                search("", 40_000, 76)
            ))
        },
        // Several memories.
        Guest {
            module: "(memory $second 3) (memory $third 64)".into(),
            ..Guest::preparing(&format!("(local $at i32) {} {}", search("$second", 0, 3), search("$third", 0, 64)))
        },
    ]
}

/// Fills 96 pages in each of two memories with a canary, and then does something else.
fn filling(then: &str) -> Guest {
    Guest {
        pages: 96,
        module: "(memory $second 96) (data $some \"abc\") (func $deeper (result i32) (i32.add (call $deeper) (call $deeper)))"
            .into(),
        ..Guest::preparing(&format!(
            "(memory.fill (i32.const 32768) (i32.const 0x5a) (i32.const 6258688))
            (memory.fill $second (i32.const 0) (i32.const 0x5a) (i32.const 6291456)) {then}"
        ))
    }
}

async fn load_all(engine: &Engine, guests: Vec<Guest>) -> Vec<Component> {
    let mut components = Vec::new();
    for guest in guests {
        components.push(load(engine, &guest).await);
    }
    components
}

async fn search(searchers: &[Component], round: u32, after: &str) {
    for (shape, searcher) in searchers.iter().enumerate() {
        let outcome = searcher.prepare(World::default().job()).await;
        assert!(outcome.result.is_ok(), "round {round}, shape {shape}, after {after}: {:?}", outcome.result);
    }
}

async fn nothing_of_a_tenant_is_left_for_the_next() {
    // One slot, so that the next tenant gets just that one.
    let engine = engine_for(1);
    let searchers = load_all(&engine, searching()).await;
    let filler = load(&engine, &filling("")).await;
    for round in 0..rounds() {
        filler.prepare(World::default().job()).await.result.expect("it has room");
        search(&searchers, round, "a fill").await;
    }
    println!("{} rounds, {} shapes of memory", rounds(), searchers.len());
}

async fn nothing_is_left_after_a_crash_in_the_midst_of_a_bulk_operation() {
    let engine = engine_for(1);
    let searchers = load_all(&engine, searching()).await;
    let endings = [
        // The second half is outside of memory.
        ("a copy beyond the end", "(memory.copy (i32.const 0) (i32.const 3145728) (i32.const 6291456))"),
        ("a fill beyond the end", "(memory.fill (i32.const 6291455) (i32.const 0x5a) (i32.const 2))"),
        ("an initialisation beyond the end", "(memory.init $some (i32.const 6291455) (i32.const 0) (i32.const 3))"),
        ("a crash", "unreachable"),
        ("endless recursion", "(drop (call $deeper))"),
    ];
    for (what, ending) in endings {
        let filler = load(&engine, &filling(ending)).await;
        for round in 0..rounds() / 30 {
            let outcome = filler.prepare(World::default().job()).await;
            assert!(matches!(outcome.result, Err(CallError::Trap { .. })), "{what}: {:?}", outcome.result);
            search(&searchers, round, what).await;
        }
    }
    // 64 MiB are copied again and again, until the time is over or the caller has gone.
    let copying = Guest {
        pages: 1_900,
        ..Guest::preparing(
            "(memory.fill (i32.const 32768) (i32.const 0x5a) (i32.const 60000000))
            (loop (memory.copy (i32.const 57344000) (i32.const 32768) (i32.const 67108864)) (br 0))",
        )
    };
    let copying = load(&engine, &copying).await;
    for round in 0..rounds() / 30 {
        let wall = Duration::from_millis(60 + u64::from(round) * 7);
        let outcome = copying.prepare(World::default().job_within(Limits { wall, ..cpu(60_000) })).await;
        assert!(matches!(outcome.result, Err(CallError::Deadline { .. })), "{:?}", outcome.result);
        search(&searchers, round, "a deadline within a copy").await;
        let outcome = copying.prepare(World::default().job_within(cpu(60 + u64::from(round) * 7))).await;
        assert!(matches!(outcome.result, Err(CallError::CpuBudget { .. })), "{:?}", outcome.result);
        search(&searchers, round, "a spent budget within a copy").await;
        let given_up = timeout(wall, copying.prepare(World::default().job_within(cpu(60_000)))).await;
        assert!(given_up.is_err(), "it never ends");
        search(&searchers, round, "a copy that was given up").await;
    }
}

async fn globals_and_tables_are_new_in_every_call() {
    let engine = engine_for(1);
    let once = Guest {
        module: "(global $calls (mut i32) (i32.const 0)) (table $table 4000 funcref) (elem declare func $check)".into(),
        ..Guest::preparing(
            "(if (global.get $calls) (then unreachable)) (global.set $calls (i32.const 1))
            (if (i32.eqz (ref.is_null (table.get $table (i32.const 3999)))) (then unreachable))
            (table.fill $table (i32.const 0) (ref.func $check) (i32.const 4000))",
        )
    };
    // And another one, whose table is longer.
    let other = Guest {
        module: "(table $table 8000 funcref)".into(),
        ..Guest::preparing(
            "(local $at i32) (loop
                (if (i32.eqz (ref.is_null (table.get $table (local.get $at)))) (then unreachable))
                (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 8000))))",
        )
    };
    let (once, other) = (load(&engine, &once).await, load(&engine, &other).await);
    for _ in 0..20 {
        once.prepare(World::default().job()).await.result.expect("each call is the first");
        other.prepare(World::default().job()).await.result.expect("nobody was here before");
    }
}
