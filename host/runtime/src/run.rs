//! One call: a slot, a fresh instance, the limits around it, and its end.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout;
use wasmtime::{
    Store, Trap, UpdateDeadline, WasmBacktrace,
    component::{Instance, InstancePre},
};

use crate::{
    CallError, Grace, Job, Outcome, Usage, backtrace,
    contract::Failure,
    engine::Shared,
    meter::{Meter, Metered},
    state::{State, Stop},
    text::clean,
    wasi,
};

const MESSAGE_BYTES: usize = 1 << 10;

/// What a guest may hold handles of at once. An honest guest holds a few.
const HANDLES: usize = 10_000;

/// How much more than an HTTP body may cross in one call of the host, in bytes: the rest of the arguments.
const BESIDE_THE_BODY: usize = 1 << 20;

/// Runs `call` in a fresh instance. Whatever happens, dropping the returned future included, the instance is gone
/// afterwards, and only then its slot is free for the next.
pub(crate) async fn run<T>(
    shared: &Shared,
    pre: &InstancePre<State>,
    job: Job,
    call: impl AsyncFnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, Failure>>,
) -> Outcome<T> {
    let asked = Instant::now();
    let Ok(_slot) = shared.slots.acquire().await else {
        return Outcome { result: Err(host_error("the engine is closed")), usage: Usage::default() };
    };
    let started = Instant::now();
    let (wall, grace) = (job.limits.wall, job.grace.clone());
    let budget = job.limits.guest_cpu.unwrap_or(shared.options.guest_cpu);
    let sources = shared.options.sources.as_deref();
    let meter = Arc::new(Meter::default());
    let mut store = prepare(shared, job, budget, &meter);

    let mut instantiated = false;
    let called = within(
        wall,
        &grace,
        Metered::new(meter.clone(), async {
            let instance = pre.instantiate_async(&mut store).await?;
            instantiated = true;
            call(&mut store, &instance).await
        }),
    )
    .await;

    let state = store.data_mut();
    let last_words = wasi::last_words(state);
    let result = match called {
        Some(Ok(result)) => result.map_err(CallError::Failure),
        Some(Err(error)) => Err(explain(&error, state, sources, budget, instantiated, last_words)),
        None => Err(CallError::Deadline { wall }),
    };
    let usage = Usage {
        waited: started - asked,
        wall: started.elapsed(),
        guest_cpu: meter.guest(),
        host_time: meter.host(),
        peak_memory_bytes: state.memory.peak(),
        host_calls: state.host_calls(),
    };
    Outcome { result, usage }
}

/// Waits for `work`, as long as `wall` and `grace` allow; the latter may grow meanwhile.
async fn within<T>(wall: Duration, grace: &Grace, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let began = Instant::now();
    let left = || wall.saturating_add(grace.get()).saturating_sub(began.elapsed());
    loop {
        match timeout(left(), &mut work).await {
            Ok(done) => return Some(done),
            Err(_) if !left().is_zero() => {}
            Err(_) => return None,
        }
    }
}

fn prepare(shared: &Shared, job: Job, budget: Duration, meter: &Arc<Meter>) -> Store<State> {
    let fuel = job.limits.request_bytes.saturating_add(BESIDE_THE_BODY);
    let memory_bytes = job.limits.memory_bytes.min(shared.options.memory_bytes);
    let mut store = Store::new(&shared.wasm, State::new(job, memory_bytes, meter.clone()));
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(fuel);
    store.set_max_component_handles(HANDLES);
    // Armed before the instance exists: its start functions are guest code too.
    store.set_epoch_deadline(1);
    let meter = meter.clone();
    store.epoch_deadline_callback(move |_| {
        if meter.guest_until_now() >= budget {
            return Err(wasmtime::Error::new(Stop::CpuBudget));
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

/// Names the reason behind an error of the engine.
fn explain(
    error: &wasmtime::Error,
    state: &State,
    sources: Option<&Path>,
    budget: Duration,
    instantiated: bool,
    last_words: String,
) -> CallError {
    match error.downcast_ref::<Stop>() {
        Some(Stop::CpuBudget) => return CallError::CpuBudget { budget },
        Some(&Stop::Quota { what, limit }) => return CallError::Quota { what, limit },
        Some(&Stop::Exit { code }) => return CallError::Exit { code },
        None => {}
    }
    // A guest that gets no more memory crashes in its own way, or does not start at all.
    if let Some(limit) = state.memory.exceeded() {
        return CallError::Memory { limit };
    }
    let trap = error.downcast_ref::<Trap>();
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    if !instantiated && trap.is_none() && backtrace.is_none() {
        return host_error(&format!("{error:#}"));
    }
    let message = trap.map_or_else(|| error.root_cause().to_string(), Trap::to_string);
    CallError::Trap {
        message: clean(&message, MESSAGE_BYTES),
        backtrace: backtrace.map(|backtrace| backtrace::lines(backtrace, sources)).unwrap_or_default(),
        last_words,
    }
}

fn host_error(message: &str) -> CallError {
    CallError::Host { message: clean(message, MESSAGE_BYTES) }
}
