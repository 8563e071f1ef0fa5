//! Recordings through the public door: a child of this very program reads them, and `lame` writes the MP3s.
//!
//! Without the usual test harness, whose output would be taken for the child's; its stand-in speaks to the runners as they
//! expect. Longer than in CI, with `HOOKSWITCH_FUZZ_SECONDS`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod any_bytes;
mod bounds;
mod broken;
mod encoder;
mod formats;
mod full_disk;
mod kept;
mod listen;
mod memory;
mod orphan;
mod place;
mod voice;
mod wave;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// The argument by which this program is told to read a recording.
const CHILD: &str = "process-recording";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(CHILD) => return hookswitch_audio::child(),
        Some(voice::WRITE) => voice::write(arguments),
        Some(orphan::PARENT) => run(orphan::parent(arguments)),
        Some(memory::MEASURE) => run(memory::measure()),
        Some(full_disk::WRITER) => run(full_disk::writer(arguments)),
        _ => {
            let tests = [
                formats::tests(),
                kept::tests(),
                broken::tests(),
                encoder::tests(),
                bounds::tests(),
                orphan::tests(),
                full_disk::tests(),
                memory::tests(),
                any_bytes::tests(),
            ];
            return libtest_mimic::run(&Arguments::from_args(), tests.into_iter().flatten().collect()).exit_code();
        }
    }
    ExitCode::SUCCESS
}

/// The tests of a module, as the runners know them; one that panics has failed.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn tests() -> Vec<libtest_mimic::Trial> {
            vec![$(crate::test(concat!(module_path!(), "::", stringify!($name)), $name)),*]
        }
    };
}
pub(crate) use tests;

fn test<F: Future<Output = ()>>(name: &str, body: impl FnOnce() -> F + Send + 'static) -> Trial {
    let name = name.trim_start_matches("audio::").to_owned();
    Trial::test(name, || {
        run(body());
        Ok(())
    })
}

fn run(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts").block_on(body);
}
