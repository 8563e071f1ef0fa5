//! Traps in the ways of ending: crashes whose reason is hard to tell, and calls that are given up anywhere.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use hookswitch_runtime::{CallError, Component};
use tokio::time::timeout;

use crate::{
    SOON, cpu, engine,
    guest::{Guest, World, engine_for, load},
    services::Strict,
    tests,
};

tests!(
    debug_information_without_end_is_not_read,
    names_that_grow_when_they_are_shown_are_cut_before,
    names_of_a_hundred_kilobytes_are_cut,
    a_call_may_be_given_up_at_every_point_where_it_waits,
    a_call_may_be_given_up_at_any_time,
);

/// The backtrace of a guest that crashes in `prepare`.
async fn backtrace(guest: Guest) -> String {
    let component = engine().load(guest.component()).await.unwrap_or_else(|error| panic!("{error}"));
    let outcome = timeout(SOON, component.prepare(World::default().job())).await.expect("it does not hang");
    let Err(CallError::Trap { backtrace, .. }) = outcome.result else { panic!("{:?}", outcome.result) };
    assert!(backtrace.len() < 20 << 10, "{} bytes", backtrace.len());
    backtrace
}

fn quoted(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

async fn debug_information_without_end_is_not_read() {
    // DWARF: a unit and a function over all code, and in it a million inlined functions, each within the one before.
    let attributes = [0x11, 0x01, 0x12, 0x06, 0, 0];
    let abbreviations = [&[1, 0x11, 1][..], &attributes, &[2, 0x2e, 1], &attributes, &[3, 0x1d, 1, 0, 0, 0]].concat();
    let everywhere = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0];
    let levels = 1_000_000;
    let tree = [&[1][..], &everywhere, &[2], &everywhere, &vec![3; levels], &vec![0; levels + 2]].concat();
    let unit = [&[4, 0, 0, 0, 0, 0, 4][..], &tree].concat();
    let information = [&(unit.len() as u32).to_le_bytes()[..], &unit].concat();
    let guest = Guest {
        module: format!(
            r#"(func $here unreachable) (@custom ".debug_abbrev" "{}") (@custom ".debug_info" "{}")"#,
            quoted(&abbreviations),
            quoted(&information)
        ),
        ..Guest::preparing("(call $here)")
    };
    assert!(guest.component().windows(11).any(|bytes| bytes == b".debug_info"), "the information is in the file");
    assert!(backtrace(guest).await.contains("here"));
}

async fn names_that_grow_when_they_are_shown_are_cut_before() {
    // A C++ name in which each parameter's type is twice the one before: 2^200 characters when written out.
    let back = |n: usize| if n == 0 { "S_".to_owned() } else { format!("S{}_", base36(n - 1)) };
    let doubled = (2..200).map(|n| format!("{}I{}{}E", back(1), back(n), back(n))).collect::<String>();
    let cpp = format!("_Z1f1A1BIS_S_E{doubled}");
    // And a Rust name of the same kind: a tuple of itself, twice, again and again.
    let rust = format!("_RIC0{}E", "TNtC1a1bB4_E".repeat(50));
    for name in [cpp, rust] {
        let guest = Guest {
            module: format!(r#"(func $"{name}" unreachable)"#),
            ..Guest::preparing(&format!(r#"(call $"{name}")"#))
        };
        let began = Instant::now();
        backtrace(guest).await;
        assert!(began.elapsed() < SOON / 2);
    }
}

fn base36(mut number: usize) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number % 36]);
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().map(char::from).collect();
        }
    }
}

async fn names_of_a_hundred_kilobytes_are_cut() {
    let name = format!("evil\u{1b}[2J\r\n{}", "n".repeat(99_000));
    let shown = name.replace('\u{1b}', "\\1b").replace('\r', "\\0d").replace('\n', "\\0a");
    let guest = Guest {
        module: format!(r#"(func $"{shown}" (call $"{shown}"))"#),
        ..Guest::preparing(&format!(r#"(call $"{shown}")"#))
    };
    let backtrace = backtrace(guest).await;
    assert!(backtrace.contains(r"evil\u{1b}[2J\u{d}\u{a}nnn"), "{backtrace}");
    assert!(backtrace.lines().count() <= 20, "{backtrace}");
}

/// A guest that waits wherever one can: for its answers from the host, and between for its turn.
fn busy() -> Guest {
    let spin =
        "(local.set $n (i32.const 3000000)) (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))";
    // The answers have a mebibyte each.
    Guest { pages: 120, ..Guest::sending(&format!("(local $n i32) {}", format!("(call $send) {spin}").repeat(5))) }
}

async fn a_call_may_be_given_up_at_every_point_where_it_waits() {
    // One slot: whoever leaves it occupied stops everything.
    let engine = engine_for(1);
    let busy = load(&engine, &busy()).await;
    let honest = load(&engine, &Guest::default()).await;
    let mut waits = 0;
    while given_up_after(waits, &busy).await {
        let call = timeout(SOON, honest.prepare(World::default().job())).await.expect("the slot is free");
        call.result.expect("it works");
        waits += 1;
    }
    println!("given up at {waits} points");
    assert!(waits >= 5, "it waits for each answer at least: {waits}");
}

/// Gives a call up when it has waited so often. False: it came to its end before.
async fn given_up_after(waits: u32, component: &Component) -> bool {
    let mut call = pin!(component.prepare(Strict::default().job()));
    let mut polls = 0;
    let watched = poll_fn(|cx| match call.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if polls == waits => Poll::Ready(None),
        Poll::Pending => {
            polls += 1;
            Poll::Pending
        }
    });
    let ended = timeout(SOON, watched).await.expect("it does not hang");
    ended.inspect(|outcome| assert!(outcome.result.is_ok(), "{:?}", outcome.result)).is_none()
}

async fn a_call_may_be_given_up_at_any_time() {
    let engine = engine_for(1);
    let busy = load(&engine, &busy()).await;
    let spinning = load(&engine, &Guest::preparing("(loop (br 0))")).await;
    let honest = load(&engine, &Guest::default()).await;
    let mut random = 0x9e37_79b9_u64;
    for _ in 0..200 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let patience = Duration::from_micros(random >> 50);
        let _ = timeout(patience, busy.prepare(Strict::default().job())).await;
        let _ = timeout(patience, spinning.prepare(World::default().job_within(cpu(60_000)))).await;
        let call = timeout(SOON, honest.prepare(World::default().job())).await.expect("the slot is free");
        call.result.expect("it works");
    }
}
