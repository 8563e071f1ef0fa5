//! Hostile plugins: one test for each trap, named for it. Each gives a typed error within its bound, or is harmless, and
//! the host goes on.
//!
//! Without the usual test harness: the program starts itself again, as the process that compiles and as the process
//! whose memory is measured. Longer than in CI, with `HOOKSWITCH_FUZZ_SECONDS` and `HOOKSWITCH_CANARY_ROUNDS`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

#[path = "../guest/mod.rs"]
mod guest;

mod crash;
mod every_import;
mod leftovers;
mod load;
mod resident;
mod results;
mod services;
mod volume;

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use hookswitch_runtime::{CallError, Engine, Limits, Options, compile_child_main};
use libtest_mimic::{Arguments, Failed, Trial};

const COMPILE: &str = "compile-a-component";

/// A call that is not over by then hangs.
const SOON: Duration = Duration::from_secs(60);

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(COMPILE) => {
            return compile_child_main(std::io::stdin().lock(), std::io::stdout().lock()).expect("it can answer");
        }
        Some(resident::MEASURE) => return run(resident::measure()),
        _ => {}
    }
    let tests = [
        load::tests(),
        crash::tests(),
        every_import::tests(),
        volume::tests(),
        results::tests(),
        leftovers::tests(),
        resident::tests(),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().flatten().collect()).exit();
}

/// A test as the runners know it; one that panics has failed.
fn test<F: Future<Output = ()>>(name: &str, body: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, || {
        let began = Instant::now();
        run(body());
        // Whatever hangs is a trap that works.
        let took = began.elapsed();
        if took < 10 * SOON { Ok(()) } else { Err(Failed::from(format!("it took {took:?}"))) }
    })
}

/// Names the tests of a module by their functions.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn tests() -> Vec<libtest_mimic::Trial> {
            vec![$($crate::test(stringify!($name), $name)),*]
        }
    };
}
use tests;

fn run(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts").block_on(body);
}

/// An engine as the program has it: a process of its own compiles.
fn engine() -> Engine {
    engine_with(Options::default())
}

fn engine_with(options: Options) -> Engine {
    let program = std::env::current_exe().expect("it has a path");
    let compiler: Vec<OsString> = vec![program.into(), COMPILE.into()];
    Engine::new(Options { compiler, instances: 4, ..options }).expect("the engine starts")
}

fn cpu(ms: u64) -> Limits {
    Limits { guest_cpu: Some(Duration::from_millis(ms)), ..Limits::default() }
}

/// Whether an error names the plugin as its cause.
fn blames_the_guest(error: &CallError) -> bool {
    !matches!(error, CallError::Host { .. } | CallError::NotExported { .. })
}
