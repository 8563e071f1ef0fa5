//! Guests that were built against WASI find stand-ins: all of them, inert, and the same at every run.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod guest;

use guest::{Guest, World, componentize, engine, load};
use hookswitch_runtime::{CallError, contract::logging::Level};
use wit_component::dummy_module;
use wit_parser::ManglingAndAbi;

#[tokio::test]
async fn every_function_of_wasi_has_a_stand_in_of_the_right_type() {
    let world = "package test:guest; world guest {
        include wasi:cli/imports@0.2.12;
        include wasi:http/imports@0.2.12;
        include hookswitch:plugin/everything@0.1.0;
    }";
    let bytes = componentize(world, |resolve, world| {
        dummy_module(resolve, world, ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync))
    });
    let component = engine().load(bytes).await.expect("it loads");
    let exports = component.exports();
    assert!(exports.plugin && exports.lookup && exports.tickets && exports.speech);
}

/// A guest with core imports of WASI, each `(func $name type) = interface.function`.
fn wasi(interfaces: &[&str], imports: &str, module: &str, prepare: &str) -> Guest {
    Guest {
        world: interfaces.iter().map(|name| format!("import {name}@0.2.12; ")).collect(),
        imports: imports.into(),
        module: module.into(),
        ..Guest::preparing(prepare)
    }
}

#[tokio::test]
async fn output_becomes_lines_of_the_log() {
    let guest = wasi(
        &["wasi:cli/stdout", "wasi:cli/stderr", "wasi:io/streams"],
        r#"(import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
           (import "wasi:cli/stderr@0.2.12" "get-stderr" (func $stderr (result i32)))
           (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
               (func $write (param i32 i32 i32 i32)))"#,
        r#"(data (i32.const 1024) "first\nsecond \1b[1mline\0ano end")"#,
        "(call $write (call $stdout) (i32.const 1024) (i32.const 8) (i32.const 4096))
         (call $write (call $stderr) (i32.const 1024) (i32.const 2) (i32.const 4096))
         (call $write (call $stdout) (i32.const 1032) (i32.const 20) (i32.const 4096))
         unreachable",
    );
    let world = World::default();
    let outcome = load(&engine(), &guest).await.prepare(world.job()).await;
    let Err(CallError::Trap { last_words, .. }) = outcome.result else { panic!("{:?}", outcome.result) };
    assert_eq!(last_words, "fi", "standard error tells why it crashed");
    assert_eq!(world.messages(), ["first", r"second \u{1b}[1mline", "no end", "fi"]);
    assert!(world.log.lock().unwrap().iter().all(|(level, _, _)| *level == Level::Debug));
}

#[tokio::test]
async fn a_stand_in_gives_back_the_handles_that_it_was_lent() {
    // Asks the output when it is ready, and waits for that.
    let guest = wasi(
        &["wasi:cli/stdout", "wasi:io/streams", "wasi:io/poll"],
        r#"(import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
           (import "wasi:io/streams@0.2.12" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
           (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))"#,
        "",
        "(call $block (call $subscribe (call $stdout)))",
    );
    load(&engine(), &guest).await.prepare(World::default().job()).await.result.expect("it is ready at once");
}

#[tokio::test]
async fn exit_ends_the_call_with_its_code() {
    let guest = wasi(
        &["wasi:cli/exit"],
        r#"(import "wasi:cli/exit@0.2.12" "exit" (func $exit (param i32)))"#,
        "",
        "(call $exit (i32.const 1))",
    );
    let outcome = load(&engine(), &guest).await.prepare(World::default().job()).await;
    assert!(matches!(outcome.result, Err(CallError::Exit { code: 1 })), "{:?}", outcome.result);
}

#[tokio::test]
async fn clocks_show_the_jobs_time_and_a_sleep_of_an_hour_is_over_at_once() {
    // Crashes unless: now is the job's clock, and after a wait of an hour it is an hour later.
    let guest = wasi(
        &["wasi:clocks/monotonic-clock", "wasi:io/poll"],
        r#"(import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))
           (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $after (param i64) (result i32)))
           (import "wasi:io/poll@0.2.12" "[method]pollable.ready" (func $ready (param i32) (result i32)))
           (import "wasi:io/poll@0.2.12" "poll" (func $poll (param i32 i32 i32)))"#,
        "",
        "(local $timer i32)
         (if (i64.ne (call $now) (i64.const 5000000000)) (then unreachable))
         (local.set $timer (call $after (i64.const 3600000000000)))
         (if (call $ready (local.get $timer)) (then unreachable))
         (i32.store (i32.const 4096) (local.get $timer))
         (call $poll (i32.const 4096) (i32.const 1) (i32.const 4104))
         (if (i32.ne (i32.load (i32.const 4108)) (i32.const 1)) (then unreachable))
         (if (i32.eqz (call $ready (local.get $timer))) (then unreachable))
         (if (i64.ne (call $now) (i64.const 3605000000000)) (then unreachable))",
    );
    let world = World { now_ms: 5_000, ..World::default() };
    let started = std::time::Instant::now();
    load(&engine(), &guest).await.prepare(world.job()).await.result.expect("time passed as it should");
    assert!(started.elapsed() < std::time::Duration::from_secs(60));
}

#[tokio::test]
async fn random_numbers_are_the_jobs_own() {
    // Writes one random number to standard output, as it is.
    let guest = wasi(
        &["wasi:random/random", "wasi:cli/stdout", "wasi:io/streams"],
        r#"(import "wasi:random/random@0.2.12" "get-random-u64" (func $random (result i64)))
           (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
           (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
               (func $write (param i32 i32 i32 i32)))"#,
        "",
        "(i64.store (i32.const 1024) (i64.or (call $random) (i64.const 0x4040404040404040)))
         (call $write (call $stdout) (i32.const 1024) (i32.const 8) (i32.const 4096))",
    );
    let component = load(&engine(), &guest).await;
    let mut seen = Vec::new();
    for seed in [1, 1, 2] {
        let world = World::default();
        let mut job = world.job();
        job.seed = [seed; 32];
        component.prepare(job).await.result.expect("it runs");
        seen.push(world.messages());
    }
    assert_eq!(seen[0], seen[1], "the same seed gives the same numbers");
    assert_ne!(seen[0], seen[2], "another seed gives others");
}

#[tokio::test]
async fn files_and_sockets_are_refused_and_the_environment_is_empty() {
    // get-directories and get-environment: empty lists. create-tcp-socket: error 1, access-denied.
    let guest = wasi(
        &["wasi:filesystem/preopens", "wasi:cli/environment", "wasi:sockets/tcp-create-socket"],
        r#"(import "wasi:filesystem/preopens@0.2.12" "get-directories" (func $directories (param i32)))
           (import "wasi:cli/environment@0.2.12" "get-environment" (func $environment (param i32)))
           (import "wasi:sockets/tcp-create-socket@0.2.12" "create-tcp-socket" (func $socket (param i32 i32)))"#,
        "",
        "(i64.store (i32.const 4096) (i64.const -1)) (i64.store (i32.const 4104) (i64.const -1))
         (call $directories (i32.const 4096))
         (call $environment (i32.const 4104))
         (if (i32.or (i32.load (i32.const 4100)) (i32.load (i32.const 4108))) (then unreachable))
         (call $socket (i32.const 0) (i32.const 4112))
         (if (i32.ne (i32.load8_u (i32.const 4112)) (i32.const 1)) (then unreachable))
         (if (i32.ne (i32.load8_u (i32.const 4116)) (i32.const 1)) (then unreachable))",
    );
    load(&engine(), &guest).await.prepare(World::default().job()).await.result.expect("nothing is there");
}

#[tokio::test]
async fn an_older_version_of_wasi_gets_the_same_stand_ins() {
    let text = Guest {
        world: "import wasi:cli/environment@0.2.12;".into(),
        imports: r#"(import "wasi:cli/environment@0.2.12" "get-environment" (func $environment (param i32)))"#.into(),
        ..Guest::preparing("(call $environment (i32.const 4096))")
    }
    .component();
    // "@0.2.12" and "@0.2.03" have the same length, but the latter is no version: 0.2.10 is older all the same.
    let mut older = text;
    let name = b"wasi:cli/environment@0.2.12";
    for at in 0..older.len() - name.len() {
        if &older[at..at + name.len()] == name {
            older[at + name.len() - 1] = b'0';
        }
    }
    let component = engine().load(older).await.expect("it loads");
    component.prepare(World::default().job()).await.result.expect("it runs");
}
