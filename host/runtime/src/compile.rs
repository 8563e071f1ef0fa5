//! Inspection and compilation, in a process of their own.
//!
//! A hostile component may make whatever reads it panic, hang, eat memory or fill its stack. So the host starts a child
//! for each component, which limits itself before it reads a byte, and whose death costs one refusal. Parent and child
//! talk through the child's standard input and output:
//!
//! - to the child, each as a little-endian `u64`: address space in bytes, CPU time in seconds, the memory that a
//!   component may have from the start in bytes, and 1 if its debug information is kept, else 0; then the component.
//! - from the child: one byte; after 0 the engine's hash (32 bytes) and the compiled code; after 1 the reason why the
//!   component is invalid, after 2 the words with which the compiler broke, after 3 the refusal as JSON.

use std::{
    ffi::OsString,
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use crate::{
    LoadError, engine,
    inspect::{self, inspect},
    text::clean,
};

const DONE: u8 = 0;
const INVALID: u8 = 1;
const BROKEN: u8 = 2;
const REFUSED: u8 = 3;
const THREADS: u64 = 2;
const REASON_BYTES: usize = 2 << 10;

/// The most code that a component may become, for each byte that one may have. Three times is usual.
const CODE_PER_BYTE: usize = 4;

/// How far the compiler stands back behind the service: calls go on while a plugin is compiled.
const NICE: i32 = 10;

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
    #[error(
        "the compiling process died ({0}); a component that needs more memory or time than allowed, or is nested too \
         deeply, does that"
    )]
    Died(String),
    #[error("its code would have more than {} MiB", .0 >> 20)]
    TooMuchCode(usize),
    #[error("cannot run the compiling process: {0}")]
    Start(io::Error),
    #[error("the compiling process is another program or another version of this one")]
    Foreign,
}

/// Identifies everything that compiled code depends on: the version of the engine, its settings, the machine, and the
/// rules by which its component was accepted.
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
    inspect::RULES.hash(&mut feed);
    feed.0.finalize()
}

/// Inspects and compiles in this process. `max_memory` is what the component may have from the start, in bytes. Blocks.
pub(crate) fn here(engine: &wasmtime::Engine, component: &[u8], max_memory: usize) -> Result<Code, LoadError> {
    let work = || {
        inspect(component, max_memory)?;
        let code = engine.precompile_component(component);
        code.map(Code).map_err(|error| Failure::Invalid(clean(&format!("{error:#}"), REASON_BYTES)).into())
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Failure::Panic(panic_text(panic.as_ref())).into()))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    clean(text.unwrap_or("no reason given"), REASON_BYTES)
}

/// What the compiling process may use, and what the component may.
pub(crate) struct Bounds {
    /// Address space of the process, in bytes.
    pub(crate) process_bytes: u64,
    pub(crate) time: Duration,
    /// The largest component that is accepted, in bytes.
    pub(crate) component_bytes: usize,
    /// What a component may have from the start, in bytes.
    pub(crate) memory_bytes: usize,
    /// Whether the code keeps the debug information of the component.
    pub(crate) lines: bool,
}

/// Inspects and compiles in a child process, started by `command`.
pub(crate) async fn in_child(
    command: &[OsString],
    bounds: Bounds,
    expected: blake3::Hash,
    component: &[u8],
) -> Result<Code, LoadError> {
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
        return Err(Failure::Start(io::ErrorKind::BrokenPipe.into()).into());
    };
    let seconds = bounds.time.as_secs().max(1).saturating_mul(THREADS);
    let header = [bounds.process_bytes, seconds, bounds.memory_bytes as u64, bounds.lines.into()];
    let header = header.map(u64::to_le_bytes).concat();
    let most = bounds.component_bytes.saturating_mul(CODE_PER_BYTE);
    let mut answer = Vec::new();
    let talk = async {
        let write = async {
            // A child that dies early says why by its status.
            let _ = stdin.write_all(&header).await;
            let _ = stdin.write_all(component).await;
            drop(stdin);
        };
        // One byte more shows that there would be more.
        let mut stdout = stdout.take((most as u64).saturating_add(1));
        let ((), read) = tokio::join!(write, stdout.read_to_end(&mut answer));
        if read? > most {
            return Ok(None);
        }
        child.wait().await.map(Some)
    };
    let ended = timeout(bounds.time, talk).await.map_err(|_| Failure::Time(bounds.time))?.map_err(Failure::Start)?;
    let Some(status) = ended else { return Err(Failure::TooMuchCode(most).into()) };
    if !status.success() {
        return Err(Failure::Died(status.to_string()).into());
    }
    understand(answer, expected)
}

/// What the child has said.
fn understand(mut answer: Vec<u8>, expected: blake3::Hash) -> Result<Code, LoadError> {
    let reason = |bytes: &[u8]| clean(&String::from_utf8_lossy(bytes), REASON_BYTES);
    match answer.split_first() {
        Some((&DONE, rest)) if rest.starts_with(expected.as_bytes()) => {
            answer.drain(..=blake3::OUT_LEN);
            Ok(Code(answer))
        }
        Some((&INVALID, rest)) => Err(Failure::Invalid(reason(rest)).into()),
        Some((&BROKEN, rest)) => Err(Failure::Panic(reason(rest)).into()),
        Some((&REFUSED, rest)) => match serde_json::from_slice(rest) {
            Ok(refusal) => Err(LoadError::Refused(refusal)),
            Err(_) => Err(Failure::Foreign.into()),
        },
        _ => Err(Failure::Foreign.into()),
    }
}

/// The whole work of the compiling process: limits itself, reads one component from `input`, writes the answer to
/// `output`. The program calls it before anything else when it was started as a compiler (see
/// [`Options::compiler`](crate::Options::compiler)), and then ends.
pub fn compile_child_main(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let [process_bytes, seconds] = [number(&mut input)?, number(&mut input)?];
    let [memory_bytes, lines] = [number(&mut input)?, number(&mut input)?];
    limit(Resource::As, process_bytes)?;
    limit(Resource::Cpu, seconds)?;
    limit(Resource::Core, 0)?;
    // It has its pipes, and writes no file.
    limit(Resource::Fsize, 0)?;
    nice(NICE)?;

    let mut component = Vec::new();
    input.read_to_end(&mut component)?;
    let engine = wasmtime::Engine::new(&engine::config(lines == 1)).map_err(io::Error::other)?;
    let most = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
    let (kind, rest) = match here(&engine, &component, most) {
        Ok(Code(code)) => {
            output.write_all(&[DONE])?;
            output.write_all(engine_hash(&engine).as_bytes())?;
            output.write_all(&code)?;
            return output.flush();
        }
        Err(LoadError::Refused(refusal)) => (REFUSED, serde_json::to_vec(&refusal)?),
        Err(LoadError::Compile(Failure::Panic(text))) => (BROKEN, text.into_bytes()),
        Err(LoadError::Compile(Failure::Invalid(text))) => (INVALID, text.into_bytes()),
        Err(other) => (INVALID, other.to_string().into_bytes()),
    };
    output.write_all(&[kind])?;
    output.write_all(&rest)?;
    output.flush()
}

fn number(input: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
