//! Traps on the way back: what a function returns, and what the guest does while the host brings it something.

use std::time::Duration;

use hookswitch_runtime::{CallError, Limits, contract::Failure};
use tokio::time::timeout;

use crate::{
    SOON, blames_the_guest, cpu, engine,
    guest::{Guest, World, load},
    tests,
};

tests!(
    a_list_of_a_hundred_megabytes_is_refused_and_never_copied,
    a_list_that_is_said_to_be_longer_than_memory_is_a_crash,
    whatever_room_a_guest_makes_for_what_the_host_brings_only_it_is_harmed,
    a_guest_that_spins_or_traps_after_its_answer_is_stopped,
    a_failure_cannot_steer_the_terminal_that_shows_it,
    lines_of_a_check_are_escaped_and_cut,
);

async fn a_list_of_a_hundred_megabytes_is_refused_and_never_copied() {
    // `check` gives 13 million empty texts, each of eight bytes in the guest and more in the host.
    let guest = Guest {
        pages: 1_700,
        check: "(i64.store (i32.const 104) (i64.const 0x00c65d4000100000)) (i32.const 96)".into(),
        ..Guest::default()
    };
    let outcome = load(&engine(), &guest).await.check(World::default().job()).await;
    let Err(CallError::Trap { message, .. }) = outcome.result else {
        panic!("{:?}", outcome.result.map(|it| it.len()))
    };
    assert!(message.contains("too much data"), "{message}");
}

async fn a_list_that_is_said_to_be_longer_than_memory_is_a_crash() {
    for length in ["0xffffffff", "0x7fffffff", "0x20000000", "8192"] {
        let check = format!(
            "(i32.store (i32.const 104) (i32.const 1024)) (i32.store (i32.const 108) (i32.const {length})) (i32.const 96)"
        );
        let outcome = load(&engine(), &Guest { check, ..Guest::default() }).await.check(World::default().job()).await;
        assert!(matches!(outcome.result, Err(CallError::Trap { .. })), "{length}: {:?}", outcome.result);
    }
}

async fn whatever_room_a_guest_makes_for_what_the_host_brings_only_it_is_harmed() {
    let files = vec![("a".to_owned(), "b".repeat(1_000))];
    for (what, realloc) in [
        ("it traps", "unreachable"),
        ("it spins", "(loop (br 0)) (i32.const 0)"),
        ("it recurses", "(call $deeper)"),
        ("outside of memory", "(i32.const -16)"),
        ("at the very end of memory", "(i32.const 65535)"),
        ("not aligned", "(i32.const 1025)"),
        ("it calls the host", "(drop (call $now)) (i32.const 4096)"),
    ] {
        let guest = Guest {
            world: "import hookswitch:plugin/clock@0.1.0;".into(),
            imports: r#"(import "hookswitch:plugin/clock@0.1.0" "now-ms" (func $now (result i64)))"#.into(),
            module: "(func $deeper (result i32) (i32.add (call $deeper) (i32.const 1)))".into(),
            realloc: realloc.into(),
            ..Guest::default()
        };
        let component = load(&engine(), &guest).await;
        let limits = Limits { wall: Duration::from_secs(10), ..cpu(100) };
        let outcome = timeout(SOON, component.manifest(World::default().job_within(limits), &files)).await;
        let error = outcome.expect("it does not hang").result.expect_err(what);
        assert!(blames_the_guest(&error), "{what}: {error}");
        assert_eq!(matches!(error, CallError::CpuBudget { .. }), what == "it spins", "{what}: {error}");
    }
}

async fn a_guest_that_spins_or_traps_after_its_answer_is_stopped() {
    for (what, body) in [("spins", "(loop (br 0))"), ("traps", "unreachable")] {
        let module =
            format!(r#"(func (export "cabi_post_hookswitch:plugin/plugin@0.1.0#manifest") (param i32) {body})"#);
        let component = load(&engine(), &Guest { module, ..Guest::default() }).await;
        let job = World::default().job_within(cpu(100));
        let outcome = timeout(SOON, component.manifest(job, &Vec::new())).await.expect("it does not hang");
        let error = outcome.result.expect_err(what);
        assert!(matches!(error, CallError::CpuBudget { .. } | CallError::Trap { .. }), "{what}: {error}");
    }
}

async fn a_failure_cannot_steer_the_terminal_that_shows_it() {
    let text = "\u{1b}]0;owned\u{7}\r\nok      plugin.other  all is well\u{202e}\u{9b}2J";
    let data: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    // result: error; failure: unauthorised, the third case; its text.
    let module = format!(
        r#"(data (i32.const 512) "\01\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00\58\02\00\00\{:02x}\00\00\00")
        (data (i32.const 600) "{data}")"#,
        text.len()
    );
    let guest = Guest { module, prepare: "(i32.const 512)".into(), ..Guest::default() };
    let error = load(&engine(), &guest).await.prepare(World::default().job()).await.result.expect_err("it fails");
    assert!(matches!(&error, CallError::Failure(Failure::Unauthorised(_))), "{error:?}");
    let shown = error.to_string();
    assert!(shown.contains(r"\u{1b}]0;owned\u{7}\u{d}\u{a}ok"), "{shown}");
    assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown:?}");
}

async fn lines_of_a_check_are_escaped_and_cut() {
    // Nine hundred times the same text of ten thousand bytes, which begins with an escape and a line break.
    let check = "(local $at i32)
        (memory.fill (i32.const 262144) (i32.const 0x78) (i32.const 10000))
        (i64.store (i32.const 262144) (i64.const 0x0a6b6f0a6d5b1b))
        (local.set $at (i32.const 131072))
        (loop
            (i32.store (local.get $at) (i32.const 262144))
            (i32.store offset=4 (local.get $at) (i32.const 10000))
            (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 139072))))
        (i32.store (i32.const 104) (i32.const 131072)) (i32.store (i32.const 108) (i32.const 900)) (i32.const 96)";
    let component = load(&engine(), &Guest { check: check.into(), pages: 10, ..Guest::default() }).await;
    let lines = component.check(World::default().job()).await.result.expect("it has much to say");
    assert_eq!(lines.len(), 51);
    assert!(lines[0].starts_with(r"\u{1b}[m\u{a}ok\u{a}"), "{:?}", lines[0]);
    assert!(lines.iter().all(|line| line.len() < 1_100 && !line.contains(char::is_control)), "{lines:?}");
    assert_eq!(lines[50], "… (850 more lines)");
}
