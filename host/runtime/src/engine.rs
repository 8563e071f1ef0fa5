//! The engine: one per process, shared by all plugins.

use std::{ffi::OsString, path::PathBuf, sync::Arc, thread, time::Duration};

use tokio::sync::Semaphore;
use wasmtime::{
    Config, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails, component::Linker,
};

use crate::{
    cache::Cache,
    compile, imports,
    memory::{CORE_INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES},
    state::State,
    wasi,
};

/// How often a running guest is asked whether its budget is spent, and made to let others run.
const TICK: Duration = Duration::from_millis(10);

/// Address space kept for one linear memory, and so the most that one can grow to. It is compiled into the code, hence
/// no option: a change makes every cached component foreign.
const MEMORY_RESERVATION: usize = 256 << 20;

/// Settings of the engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many instances may live at once; further calls wait. One takes up to 5 GiB of address space, but only as
    /// much memory as its guest uses (Rust 0.05 MiB, JavaScript 0.4 to 2 MiB, Python 5 MiB).
    pub instances: u32,
    /// The most that one instance can be granted, in bytes. At most 256 MiB.
    pub memory_bytes: usize,
    /// CPU time of a guest in one call, where its job sets no other limit.
    pub guest_cpu: Duration,
    /// The largest component that is accepted, in bytes. Python guests have about 20 MiB.
    pub component_bytes: usize,
    /// The directory in which compiled components and the key to them are kept, made if missing. None: every load
    /// compiles.
    pub data: Option<PathBuf>,
    /// The command that inspects and compiles one component: a program that calls [`compile_child_main`](crate::compile_child_main),
    /// as a rule this one with a word that says so. Empty: compile within this process, for tests and benches only, since
    /// a hostile component could take the process with it.
    pub compiler: Vec<OsString>,
    /// Address space of the compiling process, in bytes. The largest guests known need 0.5 GiB.
    pub compile_memory_bytes: u64,
    /// How long the compiling process may take; and the same of CPU time, on each of two threads.
    pub compile_time: Duration,
    /// For whoever writes plugins: the folder of the source. Where a guest crashes is then told by file and line, as far
    /// as its debug information goes, and files are named from this folder. None where plugins are not trusted: the
    /// reader of debug information recurses as deeply as a hostile plugin likes, in this process and without a limit.
    pub sources: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instances: 64,
            memory_bytes: 128 << 20,
            guest_cpu: Duration::from_secs(5),
            component_bytes: 64 << 20,
            data: None,
            compiler: Vec::new(),
            compile_memory_bytes: 2 << 30,
            compile_time: Duration::from_secs(120),
            sources: None,
        }
    }
}

/// Loads components and runs their calls. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) linker: Linker<State>,
    /// One permit for each instance that has room: callers wait here, never at the allocator, which would fail.
    pub(crate) slots: Semaphore,
    /// Compilation takes all cores and much memory: one at a time.
    pub(crate) compiling: Semaphore,
    pub(crate) cache: Option<Cache>,
    pub(crate) options: Options,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot set up WebAssembly on this machine: {0}")]
    Wasm(String),
    #[error("cannot keep compiled plugins in {}: {source}", path.display())]
    Cache { path: PathBuf, source: std::io::Error },
    #[error("cannot start the thread that limits plugins: {0}")]
    Thread(std::io::Error),
}

impl Engine {
    /// Whether crashes are told by file and line; see [`Options::sources`].
    pub fn tells_lines(&self) -> bool {
        self.shared.options.sources.is_some()
    }

    /// Sets up the engine and the thread that drives its limits.
    pub fn new(mut options: Options) -> Result<Self, StartError> {
        options.memory_bytes = options.memory_bytes.min(MEMORY_RESERVATION);
        options.instances = options.instances.max(1);
        let wasm = pooled_or_not(&options).map_err(|error| StartError::Wasm(format!("{error:#}")))?;
        let linker = link(&wasm).map_err(|error| StartError::Wasm(format!("{error:#}")))?;
        let cache = options
            .data
            .as_ref()
            .map(|path| {
                Cache::open(path, compile::engine_hash(&wasm))
                    .map_err(|source| StartError::Cache { path: path.clone(), source })
            })
            .transpose()?;
        tick(wasm.weak()).map_err(StartError::Thread)?;
        let slots = Semaphore::new(options.instances as usize);
        Ok(Self { shared: Arc::new(Shared { wasm, linker, slots, compiling: Semaphore::new(1), cache, options }) })
    }
}

/// All settings that are compiled into a component's code. The compiling child uses these alone, without the pool: its
/// address space is limited. With `lines` the code keeps the debug information of the component, for its crashes.
pub(crate) fn config(lines: bool) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Off: what no guest of ours needs, and where the advisories are. Multi-memory and tail calls must stay on:
        // the adapters in JavaScript components use them.
        .gc_support(false)
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(true)
        .wasm_tail_call(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        // The host's functions get what the guest's stack leaves of the whole.
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20)
        .async_stack_zeroing(true)
        .memory_init_cow(true)
        .memory_reservation(MEMORY_RESERVATION as u64)
        // Whoever wrote the plugin wants to know where it crashed: by function and offset at least.
        .wasm_backtrace_details(if lines { WasmBacktraceDetails::Enable } else { WasmBacktraceDetails::Disable })
        .generate_address_map(true)
        .parallel_compilation(true);
    config
}

/// An engine with the pooling allocator, or on a machine that has not enough address space for it (a low `ulimit -v`,
/// a small container) one that maps each instance by itself: five times slower at each call, otherwise the same.
fn pooled_or_not(options: &Options) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = config(options.sources.is_some());
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    wasmtime::Engine::new(&config).or_else(|error| {
        tracing::warn!(%error, "no room for the instance pool: plugin calls will be slower; set fewer instances");
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        wasmtime::Engine::new(&config)
    })
}

/// Slots are counted in core instances, not in components: a JavaScript component has tens. The totals are what
/// `instances` components of the largest shape take, so that whoever holds a permit finds room. All of it is address
/// space only.
fn pool(options: &Options) -> PoolingAllocationConfig {
    let instances = options.instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        .max_memories_per_component(MEMORIES)
        .max_memories_per_module(MEMORIES)
        .total_memories(instances.saturating_mul(MEMORIES))
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES)
        .total_tables(instances.saturating_mul(TABLES))
        .table_elements(TABLE_ELEMENTS as usize)
        .max_memory_size(options.memory_bytes)
        // Zeroing a few pages costs less than giving them back and faulting them in again.
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(16 << 10);
    pool
}

fn link(wasm: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(wasm);
    imports::link(&mut linker)?;
    wasi::link(&mut linker)?;
    Ok(linker)
}

/// Advances the engine's epoch until the engine is gone. A thread of its own and not a task: it must run above all when
/// guests keep every worker of the executor busy.
fn tick(engine: EngineWeak) -> std::io::Result<()> {
    let ticking = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new().name("plugin-epoch".into()).spawn(ticking).map(drop)
}
