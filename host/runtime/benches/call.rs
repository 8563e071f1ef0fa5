//! What a call of a plugin costs, beside the bare engine: a fresh instance, one call, and the end of it.
//!
//! `floor` is wasmtime alone with the same guest and the same settings: `Store::new`, `instantiate_async`, the call, the
//! drop. `call` is [`Component::check`](hookswitch_runtime::Component::check), the whole way through the host. The goal
//! is a ratio of at most 1.5. `load` compares the cache with the compiler.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

#[path = "../tests/guest/mod.rs"]
mod guest;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::Criterion;
use guest::{Guest, engine_for};
use hookswitch_runtime::{Component, Engine, Job, Options};
use tokio::runtime::Runtime;
use wasmtime::{
    Config, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{ComponentExportIndex, InstancePre, Linker},
};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let bytes = Guest { pages: 16, ..Guest::default() }.component();
    let component = runtime.block_on(engine_for(64).load(bytes.clone())).unwrap_or_else(|error| panic!("{error}"));
    let floor = Floor::new(&bytes);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("fresh instance + call + drop");
    group.bench_function("floor: bare wasmtime", |b| b.iter(|| runtime.block_on(floor.call())));
    group.bench_function("whole host path", |b| b.iter(|| runtime.block_on(call(&component))));
    group.finish();

    compare(&runtime, &floor, &component);
    load(&runtime);
    criterion.final_summary();
}

/// The ratio, measured in turns so that whatever else the machine does harms both alike.
fn compare(runtime: &Runtime, floor: &Floor, component: &Component) {
    const ROUNDS: usize = 20_000;
    let (mut bare, mut ours) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    runtime.block_on(async {
        for _ in 0..ROUNDS {
            let started = Instant::now();
            floor.call().await;
            let between = Instant::now();
            call(component).await;
            bare.push(between - started);
            ours.push(between.elapsed());
        }
    });
    let mut quantile = |of: f64| {
        let at = |times: &mut Vec<Duration>| {
            times.sort();
            times[((ROUNDS - 1) as f64 * of) as usize]
        };
        (at(&mut bare), at(&mut ours))
    };
    for (name, of) in [("p50", 0.5), ("p99", 0.99)] {
        let (bare, ours) = quantile(of);
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        println!("{name}: floor {bare:?}, whole host path {ours:?}, ratio {ratio:.2}");
    }
}

async fn call(component: &Component) {
    black_box(component.check(Job::denied()).await.result.unwrap_or_else(|error| panic!("{error}")));
}

/// Compiling against loading from the cache, for a guest with some code.
fn load(runtime: &Runtime) {
    let functions = "(func (param i32) (result i32) (i32.add (local.get 0) (i32.mul (local.get 0) (i32.const 7))))";
    let bytes = Guest { module: functions.repeat(5_000), ..Guest::default() }.component();
    let data = tempfile::tempdir().expect("there is room");
    let engine =
        || Engine::new(Options { data: Some(data.path().into()), ..Options::default() }).expect("the engine starts");
    for what in ["load, compiled", "load, from the cache", "load, from the cache"] {
        let engine = engine();
        let started = Instant::now();
        let loaded = runtime.block_on(engine.load(bytes.clone()));
        println!("{what}: {:?} ({} KiB of wasm)", started.elapsed(), bytes.len() >> 10);
        assert!(loaded.is_ok());
    }
}

/// Wasmtime without anything of ours, set up alike.
struct Floor {
    engine: wasmtime::Engine,
    pre: InstancePre<()>,
    check: ComponentExportIndex,
}

impl Floor {
    fn new(bytes: &[u8]) -> Self {
        let mut pool = PoolingAllocationConfig::new();
        pool.max_memory_size(128 << 20)
            .total_memories(64 * 16)
            .total_core_instances(64 * 60)
            .total_tables(64 * 60)
            .linear_memory_keep_resident(64 << 10)
            .table_keep_resident(16 << 10);
        let mut config = Config::new();
        config
            .gc_support(false)
            .wasm_relaxed_simd(false)
            .concurrency_support(false)
            .epoch_interruption(true)
            .max_wasm_stack(512 << 10)
            .async_stack_size(2 << 20)
            .async_stack_zeroing(true)
            .memory_reservation(256 << 20)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = wasmtime::Engine::new(&config).expect("the engine starts");
        let component = wasmtime::component::Component::new(&engine, bytes).expect("the guest compiles");
        let pre = Linker::new(&engine).instantiate_pre(&component).expect("it imports nothing");
        let (_, plugin) = component.get_export(None, "hookswitch:plugin/plugin@0.1.0").expect("it is a plugin");
        let check = component.get_export_index(Some(&plugin), "check").expect("it has the function");
        Self { engine, pre, check }
    }

    async fn call(&self) {
        use hookswitch_runtime::contract::Failure;
        let mut store = Store::new(&self.engine, ());
        store.set_epoch_deadline(1_000_000);
        let instance = self.pre.instantiate_async(&mut store).await.expect("it starts");
        let check = instance
            .get_typed_func::<(), (Result<Vec<String>, Failure>,)>(&mut store, self.check)
            .expect("it has this type");
        black_box(check.call_async(&mut store, ()).await.expect("it returns")).0.expect("it works");
    }
}
