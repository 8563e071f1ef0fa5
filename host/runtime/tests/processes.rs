//! What needs a process of its own: compilation in a child, and a machine with little address space. This program starts
//! itself again for either.
//!
//! Without the usual test harness, whose output would be taken for the compiler's; its stand-in speaks to the runners
//! as they expect.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod guest;

use std::{ffi::OsString, process::Command, time::Duration};

use guest::{Guest, World};
use hookswitch_runtime::{CallError, CompileFailure, Engine, Limits, LoadError, Options, compile_child_main};
use libtest_mimic::{Arguments, Trial};
use rustix::process::{Resource, Rlimit, setrlimit};

const COMPILE: &str = "compile-a-component";
const LITTLE_ADDRESS_SPACE: &str = "little-address-space";

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(COMPILE) => {
            return compile_child_main(std::io::stdin().lock(), std::io::stdout().lock()).expect("it can answer");
        }
        Some(LITTLE_ADDRESS_SPACE) => return run(run_in_little_address_space()),
        _ => {}
    }
    let tests = vec![
        test("what_a_child_compiled_runs_here", what_a_child_compiled_runs_here),
        test("the_reason_of_a_refusal_comes_through", the_reason_of_a_refusal_comes_through),
        test("a_child_without_enough_memory_costs_a_refusal_only", a_child_without_enough_memory_costs_a_refusal_only),
        test("a_child_that_takes_too_long_is_stopped", a_child_that_takes_too_long_is_stopped),
        test("a_program_that_is_no_compiler_is_recognised", a_program_that_is_no_compiler_is_recognised),
        test("a_machine_without_room_for_the_pool_runs_plugins_all_the_same", || async {
            a_machine_without_room_for_the_pool_runs_plugins_all_the_same();
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

/// A test as the runners know it; one that panics has failed.
fn test<F: Future<Output = ()>>(name: &str, body: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, || {
        run(body());
        Ok(())
    })
}

fn run(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts").block_on(body);
}

fn myself() -> Vec<OsString> {
    vec![std::env::current_exe().expect("it has a path").into(), COMPILE.into()]
}

async fn load(options: Options, component: Vec<u8>) -> Result<hookswitch_runtime::Component, LoadError> {
    Engine::new(options).expect("the engine starts").load(component).await
}

async fn what_a_child_compiled_runs_here() {
    let component = load(Options { compiler: myself(), ..Options::default() }, Guest::default().component())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    component.prepare(World::default().job()).await.result.expect("it runs");
}

async fn the_reason_of_a_refusal_comes_through() {
    let mut broken = Guest { module: "(func unreachable)".into(), ..Guest::default() }.component();
    let at = broken.windows(4).position(|bytes| bytes == [0x03, 0x00, 0x00, 0x0b]).expect("the body is there");
    broken[at + 2] = 0x6a;
    let error = load(Options { compiler: myself(), ..Options::default() }, broken).await.expect_err("it is invalid");
    assert!(matches!(error, LoadError::Compile(CompileFailure::Invalid(_))), "{error:?}");
    assert!(error.to_string().contains("type mismatch"), "{error}");
}

async fn a_child_without_enough_memory_costs_a_refusal_only() {
    let functions = "(func (result i32) (i32.add (i32.const 1) (i32.const 2)))".repeat(90_000);
    let large = Guest { module: functions, ..Guest::default() }.component();
    let options = Options { compiler: myself(), compile_memory_bytes: 256 << 20, ..Options::default() };
    let error = load(options, large).await.expect_err("it does not fit");
    assert!(matches!(error, LoadError::Compile(CompileFailure::Died(_))), "{error:?}");
}

async fn a_child_that_takes_too_long_is_stopped() {
    let options = Options {
        compiler: vec!["/bin/sleep".into(), "600".into()],
        compile_time: Duration::from_millis(300),
        ..Options::default()
    };
    let error = load(options, Guest::default().component()).await.expect_err("nothing comes");
    assert!(matches!(error, LoadError::Compile(CompileFailure::Time(_))), "{error:?}");
}

async fn a_program_that_is_no_compiler_is_recognised() {
    for (command, expected) in
        [("/bin/true", "another program"), ("/bin/cat", "another program"), ("/bin/false", "died")]
    {
        let options = Options { compiler: vec![command.into()], ..Options::default() };
        let error = load(options, Guest::default().component()).await.expect_err("it does not compile");
        assert!(error.to_string().contains(expected), "{command}: {error}");
    }
    let options = Options { compiler: vec!["/nonexistent".into()], ..Options::default() };
    let error = load(options, Guest::default().component()).await.expect_err("there is no such program");
    assert!(matches!(error, LoadError::Compile(CompileFailure::Start(_))), "{error:?}");
}

fn a_machine_without_room_for_the_pool_runs_plugins_all_the_same() {
    let program = std::env::current_exe().expect("it has a path");
    let status = Command::new(program).arg(LITTLE_ADDRESS_SPACE).status().expect("it starts");
    assert!(status.success(), "{status}");
}

async fn run_in_little_address_space() {
    let most = Some(6 << 30);
    setrlimit(Resource::As, Rlimit { current: most, maximum: most }).expect("a limit can be lowered");
    let engine = Engine::new(Options::default()).expect("the engine does without its pool");
    let component = engine.load(Guest::default().component()).await.expect("it loads");
    for _ in 0..100 {
        component.prepare(World::default().job()).await.result.expect("it runs");
    }
    // Nothing but the limiter stands between a guest and too many instances now.
    let inner = "(core instance (instantiate $m))".repeat(10);
    let outer = "(instance (instantiate $c))".repeat(10);
    let many = format!(
        r#"(component (component $c (core module $m) {inner}) {outer}
            (instance $plugin) (export "hookswitch:plugin/plugin@0.1.0" (instance $plugin)))"#
    );
    engine.load(wat::parse_str(many).expect("it is well-formed")).await.expect_err("it must not be loaded");
    let large = Guest { pages: 1_000, ..Guest::default() };
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let large = engine.load(large.component()).await.expect("it loads");
    let outcome = large.prepare(World::default().job_within(limits)).await;
    assert!(matches!(outcome.result, Err(CallError::Memory { .. })), "{:?}", outcome.result);
}
