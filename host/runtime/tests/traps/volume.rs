//! Traps of sheer number: what a guest may do once, done a million times.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use hookswitch_runtime::{CallError, Limits};
use tokio::time::timeout;

use crate::{
    SOON, cpu, engine,
    guest::{Guest, World, componentize, load},
    services::{Strict, WALL},
    tests,
};

tests!(
    a_million_log_lines_become_a_thousand_and_a_word_about_the_rest,
    a_million_empty_writes_leave_nothing_behind,
    lines_of_ten_megabytes_with_escapes_are_cut_and_escaped,
    more_output_than_a_stream_takes_at_once_is_a_fault,
    handles_of_the_host_are_bounded,
    handles_of_the_guests_own_are_bounded,
    an_answer_as_large_as_its_type_says_is_not_made,
    a_guest_that_calls_the_host_in_an_endless_loop_is_stopped,
);

/// A loop of so many rounds.
fn times(rounds: u32, body: &str) -> String {
    format!(
        "(local $i i32) (loop {body} (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {rounds}))))"
    )
}

/// Nothing but the limits in question is in the way.
fn patient() -> Limits {
    Limits { wall: WALL, guest_cpu: Some(WALL), host_calls: u32::MAX, ..Limits::default() }
}

async fn a_million_log_lines_become_a_thousand_and_a_word_about_the_rest() {
    let guest = Guest::logging("line", &times(1_000_000, "(call $log (i32.const 4))"));
    let (component, services) = (load(&engine(), &guest).await, Strict::default());
    let outcome = timeout(SOON, component.prepare(services.job_within(patient()))).await.expect("it does not hang");
    outcome.result.expect("who logs too much is not stopped");
    assert_eq!(outcome.usage.host_calls, 1_000_000);
    assert_eq!(services.log_lines.load(Relaxed), 1_000);
    // And by the usual limits it is stopped long before.
    let outcome = component.prepare(services.job()).await;
    assert!(matches!(outcome.result, Err(CallError::Quota { limit: 100_000, .. })), "{:?}", outcome.result);
}

/// A guest with the standard output of WASI.
fn writing(prepare: &str) -> Guest {
    Guest {
        world: "import wasi:cli/stdout@0.2.12; import wasi:io/streams@0.2.12;".into(),
        imports: r#"(import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
            (import "wasi:io/streams@0.2.12" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
            (import "wasi:io/streams@0.2.12" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))"#
            .into(),
        ..Guest::preparing(&format!("(local $out i32) (local.set $out (call $stdout)) {prepare}"))
    }
}

async fn a_million_empty_writes_leave_nothing_behind() {
    let write = "(call $write (local.get $out) (i32.const 1024) (i32.const 0) (i32.const 4096))";
    let body = times(1_000_000, write);
    let (locals, body) = body.split_once(')').expect("it begins with its local");
    let guest = Guest { prepare: String::new(), ..writing("") };
    let prepare = format!("(local $out i32) {locals}) (local.set $out (call $stdout)) {body} (i32.const 64)");
    let (component, services) = (load(&engine(), &Guest { prepare, ..guest }).await, Strict::default());
    let outcome = timeout(SOON, component.prepare(services.job_within(patient()))).await.expect("it does not hang");
    outcome.result.expect("nothing is nothing");
    assert_eq!(services.log_lines.load(Relaxed), 0);

    let guest = Guest::logging("", &times(1_000_000, "(call $log (i32.const 0))"));
    let outcome = load(&engine(), &guest).await.prepare(services.job_within(patient())).await;
    outcome.result.expect("empty lines are lines");
    assert_eq!(services.log_lines.load(Relaxed), 1_000);
    assert!(services.log_bytes.load(Relaxed) < 200);
}

async fn lines_of_ten_megabytes_with_escapes_are_cut_and_escaped() {
    // 8 MiB pass as an argument; ten are too much for any.
    let fill = "(memory.fill (i32.const 65536) (i32.const 0x1b) (i32.const 10485760))";
    let log = |bytes: u32| {
        format!(
            "{fill} (call $raw_log (i32.const 2) (i32.const 65536) (i32.const {bytes}) (i32.const 0) (i32.const 0))"
        )
    };
    let guest = |bytes| Guest { pages: 300, ..Guest::logging("", &log(bytes)) };
    let services = Strict::default();
    load(&engine(), &guest(8 << 20)).await.prepare(services.job()).await.result.expect("it is only a long line");
    assert_eq!(services.log_lines.load(Relaxed), 1);
    assert!(services.log_bytes.load(Relaxed) < 5 << 10);
    let outcome = load(&engine(), &guest(10 << 20)).await.prepare(services.job()).await;
    assert!(matches!(outcome.result, Err(CallError::Trap { .. })), "{:?}", outcome.result);
    // What is no UTF-8 does not pass at all.
    let broken = log(16).replace("0x1b", "0xfe");
    let outcome = load(&engine(), &Guest { pages: 300, ..Guest::logging("", &broken) }).await;
    let outcome = outcome.prepare(services.job()).await;
    assert!(matches!(outcome.result, Err(CallError::Trap { .. })), "{:?}", outcome.result);
}

async fn more_output_than_a_stream_takes_at_once_is_a_fault() {
    // Lines of one byte: four million, if they were taken.
    let write = |bytes: u32| {
        writing(&format!(
            "(memory.fill (i32.const 65536) (i32.const 10) (i32.const {bytes}))
            (call $write (local.get $out) (i32.const 65536) (i32.const {bytes}) (i32.const 4096))"
        ))
    };
    let job = || Strict::default().job();
    let outcome = load(&engine(), &Guest { pages: 200, ..write(8 << 20) }).await.prepare(job()).await;
    assert!(matches!(outcome.result, Err(CallError::Quota { limit: 0x1_0000, .. })), "{:?}", outcome.result);
    load(&engine(), &Guest { pages: 200, ..write(1 << 16) })
        .await
        .prepare(job())
        .await
        .result
        .expect("as much as said");
}

async fn handles_of_the_host_are_bounded() {
    // The output's handle, again and again; and what one waits with.
    for body in ["(drop (call $stdout))", "(drop (call $subscribe (local.get $out)))"] {
        let guest = writing(&format!("(loop {body} (br 0))"));
        let outcome = load(&engine(), &guest).await.prepare(Strict::default().job_within(patient())).await;
        assert!(matches!(outcome.result, Err(CallError::Trap { .. })), "{body}: {:?}", outcome.result);
        assert!((9_000..11_000).contains(&outcome.usage.host_calls), "{body}: {:?}", outcome.usage);
    }
}

async fn handles_of_the_guests_own_are_bounded() {
    // A resource that the guest itself exports, made in an endless loop.
    let world = "package test:guest;
        interface things { resource thing { constructor(); } }
        world guest { export things; export hookswitch:plugin/plugin@0.1.0; }";
    let guest = Guest {
        imports: r#"(import "[export]test:guest/things" "[resource-new]thing" (func $new (param i32) (result i32)))"#
            .into(),
        module: r#"(func (export "test:guest/things#[constructor]thing") (result i32) (call $new (i32.const 0)))"#
            .into(),
        ..Guest::preparing("(loop (drop (call $new (i32.const 0))) (br 0))")
    };
    let bytes = componentize(world, |_, _| wat::parse_str(guest.core()).expect("it is well-formed"));
    let component = engine().load(bytes).await.expect("it loads");
    let outcome = timeout(SOON, component.prepare(World::default().job_within(patient()))).await.expect("it ends");
    let Err(CallError::Trap { message, .. }) = outcome.result else { panic!("{:?}", outcome.result) };
    println!("{message}");
}

/// A guest that asks a stand-in of WASI for an answer of its own type: ten fields of ten fields of ten …, in all 100,000.
pub(crate) fn wants_a_huge_answer() -> Vec<u8> {
    let types: String = (1..=5)
        .map(|level| {
            let inner = if level == 1 { "u64".to_owned() } else { format!("t{}", level - 1) };
            format!("type t{level} = tuple<{}>; ", vec![inner; 10].join(", "))
        })
        .collect();
    // Under another name at first, since nobody could define WASI anew.
    let world = format!(
        "package test:guest;
        package wasx:filesystem@0.2.0 {{ interface preopens {{ {types} get-directories: func() -> t5; }} }}
        world guest {{ import wasx:filesystem/preopens@0.2.0; export hookswitch:plugin/plugin@0.1.0; }}"
    );
    let guest = Guest {
        imports: r#"(import "wasx:filesystem/preopens@0.2.0" "get-directories" (func $huge (param i32)))"#.into(),
        pages: 20,
        ..Guest::preparing("(call $huge (i32.const 65536))")
    };
    let mut bytes = componentize(&world, |_, _| wat::parse_str(guest.core()).expect("it is well-formed"));
    let name = b"wasx:filesystem";
    for at in 0..bytes.len() - name.len() {
        if bytes[at..].starts_with(name) {
            bytes[at + 3] = b'i';
        }
    }
    bytes
}

async fn an_answer_as_large_as_its_type_says_is_not_made() {
    let component = engine().load(wants_a_huge_answer()).await.unwrap_or_else(|error| panic!("{error}"));
    let outcome = component.prepare(World::default().job()).await;
    let Err(CallError::Trap { message, .. }) = outcome.result else { panic!("{:?}", outcome.result) };
    assert!(message.contains("no stand-in"), "{message}");
}

async fn a_guest_that_calls_the_host_in_an_endless_loop_is_stopped() {
    // Each call makes the host compute: a key from a label of 8 MiB.
    let guest = Guest {
        world: "import hookswitch:plugin/job@0.1.0;".into(),
        imports: r#"(import "hookswitch:plugin/job@0.1.0" "key" (func $key (param i32 i32 i32)))"#.into(),
        pages: 300,
        ..Guest::preparing(
            "(loop (global.set $free (i32.const 32768)) (call $key (i32.const 65536) (i32.const 8388608) (i32.const 4096)) (br 0))",
        )
    };
    let limits = Limits { wall: Duration::from_millis(1_500), ..cpu(60_000) };
    let component = load(&engine(), &guest).await;
    let outcome = timeout(SOON, component.prepare(World::default().job_within(limits))).await.expect("it ends");
    assert!(matches!(outcome.result, Err(CallError::Deadline { .. })), "{:?}", outcome.result);
    assert!(outcome.usage.wall < Duration::from_secs(5), "{:?}", outcome.usage);
}
