//! Compilation, in a process of its own.
//!
//! A hostile component may make the compiler panic, hang or eat memory. So the host starts a child for each component,
//! which limits itself before it reads a byte, and whose death costs one refusal. Parent and child talk through the
//! child's standard input and output:
//!
//! - to the child: address space in bytes and CPU time in seconds, each as a little-endian `u64`; then the component.
//! - from the child: one byte; after 0 the engine's hash (32 bytes) and the compiled code; after 1 the reason why the
//!   component is invalid, after 2 the words with which the compiler broke.

use std::{
    ffi::OsString,
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use crate::{engine, text::clean};

const DONE: u8 = 0;
const INVALID: u8 = 1;
const BROKEN: u8 = 2;
const THREADS: u64 = 2;
const REASON_BYTES: usize = 2 << 10;

/// Native code that this host has compiled: what comes from a compiler of its own, or from the cache with a valid seal.
pub(crate) struct Code(pub(crate) Vec<u8>);

/// Why a component could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Invalid(String),
    #[error("the compiler broke on it: {0}")]
    Panic(String),
    #[error("compiling took more than {} s", .0.as_secs())]
    Time(Duration),
    #[error("the compiling process died ({0}); a component that needs more memory or time than allowed does that")]
    Died(String),
    #[error("cannot run the compiling process: {0}")]
    Start(io::Error),
    #[error("the compiling process is another program or another version of this one")]
    Foreign,
}

/// Identifies everything that compiled code depends on: the version of the engine, its settings, the machine.
pub(crate) fn engine_hash(engine: &wasmtime::Engine) -> blake3::Hash {
    struct Feed(blake3::Hasher);
    impl Hasher for Feed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut feed = Feed(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut feed);
    feed.0.finalize()
}

/// Compiles in this process. Blocks.
pub(crate) fn here(engine: &wasmtime::Engine, component: &[u8]) -> Result<Code, Failure> {
    match catch_unwind(AssertUnwindSafe(|| engine.precompile_component(component))) {
        Ok(Ok(code)) => Ok(Code(code)),
        Ok(Err(error)) => Err(Failure::Invalid(clean(&format!("{error:#}"), REASON_BYTES))),
        Err(panic) => Err(Failure::Panic(panic_text(panic.as_ref()))),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    clean(text.unwrap_or("no reason given"), REASON_BYTES)
}

/// What the compiling process may use.
pub(crate) struct Bounds {
    pub(crate) memory_bytes: u64,
    pub(crate) time: Duration,
}

/// Compiles in a child process, started by `command`.
pub(crate) async fn in_child(
    command: &[OsString],
    bounds: Bounds,
    expected: blake3::Hash,
    component: &[u8],
) -> Result<Code, Failure> {
    let (program, args) = command.split_first().ok_or(Failure::Foreign)?;
    let mut child = Command::new(program)
        .args(args)
        // Secrets in the environment are no business of a process that reads hostile bytes.
        .env_clear()
        .env("RAYON_NUM_THREADS", THREADS.to_string())
        .env("MALLOC_ARENA_MAX", THREADS.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(Failure::Start)?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Failure::Start(io::ErrorKind::BrokenPipe.into()));
    };
    let header = [bounds.memory_bytes, bounds.time.as_secs().max(1) * THREADS].map(u64::to_le_bytes).concat();
    let mut answer = Vec::new();
    let talk = async {
        let write = async {
            // A child that dies early says why by its status.
            let _ = stdin.write_all(&header).await;
            let _ = stdin.write_all(component).await;
            drop(stdin);
        };
        let mut stdout = stdout.take(bounds.memory_bytes);
        let ((), read) = tokio::join!(write, stdout.read_to_end(&mut answer));
        read?;
        child.wait().await
    };
    let status = timeout(bounds.time, talk).await.map_err(|_| Failure::Time(bounds.time))?.map_err(Failure::Start)?;
    if !status.success() {
        return Err(Failure::Died(status.to_string()));
    }
    let reason = |bytes: &[u8]| clean(&String::from_utf8_lossy(bytes), REASON_BYTES);
    match answer.split_first() {
        Some((&DONE, rest)) => match rest.split_first_chunk() {
            Some((hash, code)) if hash == expected.as_bytes() => Ok(Code(code.to_vec())),
            _ => Err(Failure::Foreign),
        },
        Some((&INVALID, rest)) => Err(Failure::Invalid(reason(rest))),
        Some((&BROKEN, rest)) => Err(Failure::Panic(reason(rest))),
        _ => Err(Failure::Foreign),
    }
}

/// The whole work of the compiling process: limits itself, reads one component from `input`, writes the answer to
/// `output`. The program calls it before anything else when it was started as a compiler (see
/// [`Options::compiler`](crate::Options::compiler)), and then ends.
pub fn compile_child_main(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut number = [0; 8];
    input.read_exact(&mut number)?;
    let memory_bytes = u64::from_le_bytes(number);
    input.read_exact(&mut number)?;
    limit(Resource::As, memory_bytes)?;
    limit(Resource::Cpu, u64::from_le_bytes(number))?;
    limit(Resource::Core, 0)?;

    let mut component = Vec::new();
    input.read_to_end(&mut component)?;
    let engine = wasmtime::Engine::new(&engine::config()).map_err(io::Error::other)?;
    let (kind, rest) = match here(&engine, &component) {
        Ok(Code(code)) => (DONE, [engine_hash(&engine).as_bytes().as_slice(), &code].concat()),
        Err(Failure::Panic(text)) => (BROKEN, text.into_bytes()),
        Err(other) => (INVALID, other.to_string().into_bytes()),
    };
    output.write_all(&[kind])?;
    output.write_all(&rest)?;
    output.flush()
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
