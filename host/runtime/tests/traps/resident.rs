//! What hostile plugins cost the process in resident memory: while they run no more than they were granted and 16 MiB
//! more, and afterwards no more than 16 MiB.
//!
//! Measured in a process of its own, where nothing else runs.

use std::{fs, process::Command};

use hookswitch_runtime::{Component, Limits};

use crate::{
    engine,
    guest::{Guest, World},
    load,
    services::{Strict, WALL},
    tests, volume,
};

tests!(resident_memory_stays_within_what_was_granted_and_16_mebibytes);

/// The argument by which this program is told to measure.
pub(crate) const MEASURE: &str = "measure-resident-memory";

/// What each call is granted, in KiB.
const GRANTED: u64 = 64 << 10;
const BESIDE: u64 = 16 << 10;
/// How often each trap is sprung: what is lost each time adds up.
const TIMES: u32 = 5;

async fn resident_memory_stays_within_what_was_granted_and_16_mebibytes() {
    let program = std::env::current_exe().expect("it has a path");
    let output = Command::new(program).arg(MEASURE).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    print!("{text}");
    let mut measured = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("kib ")) {
        let numbers: Vec<u64> = line.split(' ').take(3).map(|number| number.parse().expect("a number")).collect();
        let [before, most, after] = numbers[..] else { panic!("{line}") };
        assert!(most <= before + GRANTED + BESIDE, "while it ran: {line}");
        assert!(after <= before + BESIDE, "afterwards: {line}");
        measured += 1;
    }
    assert_eq!(measured, 9, "{text}");
}

/// A figure of this process in KiB, from `/proc/self/status`.
fn kib(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it is there");
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Springs the traps one after the other. Prints for each: `kib`, resident memory before, at most, afterwards, its name.
pub(crate) async fn measure() {
    let engine = engine();
    let load = async |bytes: Vec<u8>| engine.load(bytes).await.unwrap_or_else(|error| panic!("{error}"));
    let fill = |bytes: u32| format!("(memory.fill (i32.const 65536) (i32.const 0x1b) (i32.const {bytes}))");
    let bomb = "(local $at i32) (loop
        (local.set $at (i32.mul (memory.size) (i32.const 65536)))
        (if (i32.lt_s (memory.grow (i32.const 16)) (i32.const 0)) (then unreachable))
        (memory.fill (local.get $at) (i32.const 1) (i32.const 1048576)) (br 0)) unreachable";
    let giant_line = "(call $raw_log (i32.const 2) (i32.const 65536) (i32.const 8388608) (i32.const 0) (i32.const 0))";
    let sending = |request: &str| {
        let guest = Guest { pages: 400, ..Guest::sending(&format!("{request} (call $send) (call $send)")) };
        Guest { prepare: format!("{} {}", fill(16 << 20), guest.prepare), ..guest }
    };
    let guests: [(&str, Vec<u8>); 8] = [
        ("a memory bomb", Guest { prepare: bomb.into(), ..Guest::default() }.component()),
        (
            "endless recursion",
            Guest { module: "(func $deeper (call $deeper))".into(), ..Guest::preparing("(call $deeper)") }.component(),
        ),
        (
            "log lines of 8 MiB",
            Guest {
                pages: 200,
                ..Guest::logging("", &format!("{} {}", fill(8 << 20), giant_line.repeat(20)))
            }
            .component(),
        ),
        (
            "a body of 8 MiB",
            // The body is a text: its case and its place in the request.
            sending(
                "(i32.store8 (i32.const 2084) (i32.const 1)) (i32.store (i32.const 2088) (i32.const 65536))
                (i32.store (i32.const 2092) (i32.const 8388000))",
            )
            .component(),
        ),
        (
            "100,000 headers",
            sending("(i32.store (i32.const 2064) (i32.const 20971520)) (i32.store (i32.const 2068) (i32.const 100000))")
                .component(),
        ),
        (
            "a million log lines",
            Guest::logging("line", "(local $i i32) (loop (call $log (i32.const 4)) (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000000))))").component(),
        ),
        (
            "a list of 100,000 empty texts",
            Guest {
                pages: 100,
                check: "(i64.store (i32.const 104) (i64.const 0x000186a000100000)) (i32.const 96)".into(),
                ..Guest::default()
            }
            .component(),
        ),
        ("an answer of a huge type", volume::wants_a_huge_answer()),
    ];
    let mut components = Vec::new();
    for (name, bytes) in guests {
        components.push((name, load(bytes).await));
    }
    // What is needed once and for all.
    let honest = load(Guest::default().component()).await;
    honest.prepare(World::default().job()).await.result.expect("it works");
    for (name, component) in &components {
        around(name, async || spring(component).await).await;
    }
    let nested = load::nested_types(0x41, 16_000_000);
    around("a file of 46 MiB that is refused", async || drop(engine.load(nested.clone()).await)).await;
}

/// Measures around something.
async fn around(name: &str, spring: impl AsyncFn()) {
    // Forgets the most that was ever held (proc(5)).
    fs::write("/proc/self/clear_refs", "5").expect("it may");
    let before = kib("VmRSS");
    for _ in 0..TIMES {
        spring().await;
    }
    println!("kib {before} {} {} {name}", kib("VmHWM"), kib("VmRSS"));
}

async fn spring(component: &Component) {
    let limits = || Limits {
        wall: WALL,
        guest_cpu: Some(WALL),
        memory_bytes: (GRANTED << 10) as usize,
        host_calls: u32::MAX,
        ..Limits::default()
    };
    // How it ends is another test's concern.
    let _ = component.prepare(Strict::default().job_within(limits())).await;
    let _ = component.check(Strict::default().job_within(limits())).await;
}
