//! Traps in the file itself: whoever loads it must not be hurt.

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use hookswitch_runtime::{CallError, CompileFailure, Engine, LoadError, Options, Refusal, contract::logging::Level};
use tokio::time::timeout;

use crate::{
    SOON, engine, engine_with,
    guest::{Guest, World},
    tests,
};

tests!(
    huge_tables_and_memories_are_refused_with_the_number,
    a_million_functions_or_globals_are_refused_with_the_number,
    thousands_of_instances_are_refused_however_they_are_nested,
    types_nested_without_end_cost_the_compiling_process_only,
    a_compile_bomb_is_stopped_at_the_time_or_memory_of_the_compiler,
    a_broken_compiler_is_a_refusal_in_its_own_words,
    a_compiler_that_never_stops_talking_is_cut_off,
    a_start_function_that_spins_is_stopped,
    a_start_function_that_traps_is_told,
    a_start_function_that_calls_the_host_gets_the_jobs_own_answers,
);

async fn refusal(bytes: Vec<u8>) -> LoadError {
    refusal_of(&engine(), bytes).await
}

async fn refusal_of(engine: &Engine, bytes: Vec<u8>) -> LoadError {
    let loaded = timeout(SOON, engine.load(bytes)).await.expect("it must not hang");
    let error = loaded.expect_err("it must not be loaded");
    assert!(error.to_string().len() < 4_000, "{error}");
    engine.load(Guest::default().component()).await.expect("others load");
    error
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

async fn too_many(text: &str, expected: &str) {
    let error = refusal(component(text)).await;
    assert!(matches!(error, LoadError::Refused(Refusal::TooMany { .. })), "{expected}: {error}");
    assert!(error.to_string().contains(expected), "{expected}: {error}");
}

async fn huge_tables_and_memories_are_refused_with_the_number() {
    too_many("(component (core module (table 4294967295 funcref)))", "4294967295 elements in a table").await;
    too_many("(component (core module (memory 65536)))", "4294967296 bytes of memory from the start").await;
    too_many(&format!("(component (core module {}))", "(memory 0)".repeat(100)), "100 linear memories").await;
    too_many(&format!("(component (core module {}))", "(table 0 funcref)".repeat(100)), "100 tables").await;
    // Ten modules with ten memories each.
    let modules = format!("(core module {})", "(memory 0)".repeat(10)).repeat(10);
    too_many(&format!("(component {modules})"), "linear memories").await;
    for (proposal, word) in [
        ("(memory i64 1)", "memory64"),
        ("(memory i64 0x1000000000000)", "memory"),
        ("(table i64 1 funcref)", "memory64"),
        ("(memory 1 1 shared)", "threads"),
    ] {
        let error = refusal(component(&format!("(component (core module {proposal}))"))).await;
        assert!(matches!(error, LoadError::Refused(Refusal::Invalid { .. })), "{proposal}: {error:?}");
        assert!(error.to_string().contains(word), "{proposal}: {error}");
    }
}

async fn a_million_functions_or_globals_are_refused_with_the_number() {
    // Written by hand: the section of types, then a million functions of type 0.
    let million = leb(1_000_000);
    let functions = [million.clone(), vec![0; 1_000_000]].concat();
    let globals = [million.clone(), [0x7f, 0, 0x41, 0, 0x0b].repeat(1_000_000)].concat();
    for (id, section, what) in [(3, functions, "1000000 functions"), (6, globals, "1000000 globals")] {
        let types = [1, 1, 0x60, 0, 0];
        let module = [b"\0asm\x01\0\0\0".to_vec(), part(1, &types[1..]), part(id, &section)].concat();
        let bytes = [b"\0asm\x0d\0\x01\0".to_vec(), part(1, &module)].concat();
        let error = refusal(bytes).await;
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}

/// A section.
fn part(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], leb(content.len()), content.to_vec()].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

async fn thousands_of_instances_are_refused_however_they_are_nested() {
    let flat = format!("(component (core module $m) {})", "(core instance (instantiate $m))".repeat(900));
    too_many(&flat, "core instances").await;
    let flat = format!("(component (component $c) {})", "(instance (instantiate $c))".repeat(900));
    too_many(&flat, "component instances").await;
    // Each level instantiates the one inside a hundred times: 100^8 instances in a few kilobytes.
    for leaf in ["(core module $m) (core instance (instantiate $m))", ""] {
        let nested = (0..8).fold(leaf.to_owned(), |inner, _| {
            format!("(component $c {inner}) {}", "(instance (instantiate $c))".repeat(100))
        });
        too_many(&format!("(component {nested})"), "instances").await;
    }
}

/// A file of types within types: three bytes for each level.
pub(crate) fn nested_types(opening: u8, levels: usize) -> Vec<u8> {
    let types = [vec![1], [opening, 1, 1].repeat(levels), vec![0x40, 0, 0, 0]].concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), part(7, &types)].concat()
}

async fn types_nested_without_end_cost_the_compiling_process_only() {
    // `(type (component (type (component …`, and the same of instances.
    for opening in [0x41, 0x42] {
        let bytes = nested_types(opening, 1_000_000);
        let error = refusal(bytes).await;
        assert!(matches!(error, LoadError::Compile(CompileFailure::Died(_)) | LoadError::Refused(_)), "{error:?}");
    }
}

/// Components that are small, and a heavy burden to the compiler.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let guest = |module: String| Guest { module, ..Guest::default() }.component();
    let nested =
        |open: &str, close: &str, times: usize| format!("(func {} {})", open.repeat(times), close.repeat(times));
    // Expressions that hold all their values alive, and so more registers than there are.
    let alive = format!(
        "(func (param i32) (result i32) {} (local.get 0) {})",
        "(i32.mul (local.get 0) (i32.const 3))".repeat(20_000),
        "(i32.add)".repeat(20_000)
    );
    let cases = format!(
        "(func (param i32) {} (br_table {} (local.get 0)) {})",
        "(block".repeat(2_000),
        (0..2_000).map(|n| format!("{n} ")).collect::<String>(),
        ")".repeat(2_000)
    );
    vec![
        ("blocks within blocks", guest(nested("block ", "end ", 300_000))),
        ("loops within loops", guest(nested("loop ", "end ", 100_000))),
        ("a choice within a choice", guest(nested("i32.const 1 if ", "end ", 100_000))),
        ("values that all stay alive", guest(alive)),
        ("a table of jumps, many times", guest(cases.repeat(150))),
        (
            "a giant function",
            guest(format!(
                "(func (param i64) (result i64) local.get 0 {})",
                "local.get 0 i64.mul i64.const 7 i64.rotl ".repeat(700_000)
            )),
        ),
        (
            "fifty thousand locals, a thousand times",
            guest(format!("(func (local {}))", "i64 ".repeat(50_000)).repeat(1_000)),
        ),
    ]
}

async fn a_compile_bomb_is_stopped_at_the_time_or_memory_of_the_compiler() {
    let bounds = Options { compile_time: Duration::from_secs(4), compile_memory_bytes: 1 << 30, ..Options::default() };
    let engine = engine_with(bounds);
    for (what, bytes) in bombs() {
        let (size, began) = (bytes.len(), Instant::now());
        let loaded = engine.load(bytes).await;
        let took = began.elapsed();
        let verdict = match &loaded {
            Ok(_) => "compiled".to_owned(),
            Err(error) => error.to_string(),
        };
        println!("{what}, {} KiB: {took:.1?}: {verdict}", size >> 10);
        assert!(matches!(loaded, Ok(_) | Err(LoadError::Compile(_) | LoadError::Refused(_))), "{what}: {loaded:?}");
        assert!(took < Duration::from_secs(4 + 10), "{what}: it took {took:?}");
    }
    engine.load(Guest::default().component()).await.expect("others load");
}

/// An engine whose compiler is this shell script.
fn compiled_by(script: &str) -> Engine {
    let compiler: Vec<OsString> = vec!["/bin/sh".into(), "-c".into(), script.into()];
    Engine::new(Options { compiler, component_bytes: 1 << 20, ..Options::default() }).expect("the engine starts")
}

async fn a_broken_compiler_is_a_refusal_in_its_own_words() {
    // What the compiling process says when the compiler panics, with words that try the reader's terminal.
    let script = r"cat >/dev/null; printf '\002index out of bounds \033[31m\r\n%s' $(printf 'x%.0s' $(seq 5000))";
    let error = compiled_by(script).load(Guest::default().component()).await.expect_err("it is no code");
    assert!(matches!(error, LoadError::Compile(CompileFailure::Panic(_))), "{error:?}");
    assert!(error.to_string().contains(r"index out of bounds \u{1b}[31m\u{d}\u{a}xxx"), "{error}");
    assert!(error.to_string().len() < 3_000, "{} bytes", error.to_string().len());
    for (script, word) in [("kill -ABRT $$", "SIGABRT"), ("kill -SEGV $$", "SIGSEGV"), ("exit 101", "101")] {
        let error = compiled_by(script).load(Guest::default().component()).await.expect_err("it is no code");
        assert!(matches!(&error, LoadError::Compile(CompileFailure::Died(how)) if how.contains(word)), "{error:?}");
    }
    for script in [r#"cat >/dev/null; printf '\003{"no":"refusal"}'"#, r"cat >/dev/null; printf '\000too short'"] {
        let error = compiled_by(script).load(Guest::default().component()).await.expect_err("it is no code");
        assert!(matches!(error, LoadError::Compile(CompileFailure::Foreign)), "{error:?}");
    }
}

async fn a_compiler_that_never_stops_talking_is_cut_off() {
    let endless = compiled_by("cat >/dev/null; yes");
    let error = timeout(SOON, endless.load(Guest::default().component())).await.expect("it is cut off");
    let error = error.expect_err("it is no code");
    assert!(matches!(error, LoadError::Compile(CompileFailure::TooMuchCode(most)) if most == 4 << 20), "{error:?}");
}

async fn a_start_function_that_spins_is_stopped() {
    let engine = engine_with(Options { guest_cpu: Duration::from_millis(50), ..Options::default() });
    let spinning = Guest { module: "(func $spin (loop (br 0))) (start $spin)".into(), ..Guest::default() };
    let error = refusal_of(&engine, spinning.component()).await;
    assert!(matches!(error, LoadError::Start(CallError::CpuBudget { .. })), "{error:?}");
}

async fn a_start_function_that_traps_is_told() {
    let trapping = Guest { module: "(func $trap unreachable) (start $trap)".into(), ..Guest::default() };
    let error = refusal(trapping.component()).await;
    assert!(matches!(error, LoadError::Start(CallError::Trap { .. })), "{error:?}");
    let deep = Guest { module: "(func $deeper (call $deeper)) (start $deeper)".into(), ..Guest::default() };
    let error = refusal(deep.component()).await;
    assert!(error.to_string().contains("call stack exhausted"), "{error}");
}

async fn a_start_function_that_calls_the_host_gets_the_jobs_own_answers() {
    // Reads the clock a thousand times at its start, and tells at what time that was.
    let guest = Guest {
        world: "import hookswitch:plugin/clock@0.1.0; import hookswitch:plugin/logging@0.1.0;".into(),
        imports: r#"(import "hookswitch:plugin/clock@0.1.0" "now-ms" (func $now (result i64)))
            (import "hookswitch:plugin/logging@0.1.0" "log" (func $raw_log (param i32 i32 i32 i32 i32)))"#
            .into(),
        module: "(global $seen (mut i64) (i64.const -1))
            (func $start (local $n i32) (loop
                (global.set $seen (call $now))
                (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000)))))
            (start $start)"
            .into(),
        ..Guest::preparing(
            "(i64.store (i32.const 1024) (i64.add (global.get $seen) (i64.const 0x40)))
            (call $raw_log (i32.const 3) (i32.const 1024) (i32.const 1) (i32.const 0) (i32.const 0))",
        )
    };
    let component = engine().load(guest.component()).await.expect("at its load, every import is denied");
    let world = World { now_ms: 1, ..World::default() };
    let outcome = component.prepare(world.job()).await;
    outcome.result.expect("it may ask at its start");
    assert_eq!(outcome.usage.host_calls, 1_001);
    let log = world.log.lock().unwrap();
    assert_eq!((log[0].0, log[0].1.as_str()), (Level::Error, "A"));
}
