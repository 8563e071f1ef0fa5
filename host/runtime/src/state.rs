//! What the store of a running instance holds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Grace, Job, Limits, Services,
    contract::{Fields, logging::Level},
    imports::logging,
    memory,
    meter::{InHost, Meter},
    wasi,
};

/// The data of one store: one job, seen from the imported functions.
pub(crate) struct State {
    pub(crate) services: Box<dyn Services>,
    pub(crate) limits: Limits,
    pub(crate) memory: memory::Limiter,
    pub(crate) attempt: u32,
    pub(crate) key_base: String,
    started: Instant,
    grace: Grace,
    pub(crate) random: blake3::OutputReader,
    pub(crate) wasi: wasi::State,
    pub(crate) secret_tries: u32,
    log: logging::Budget,
    meter: Arc<Meter>,
    host_calls: u32,
}

/// Why the host stopped a guest from within: travels through the engine as the source of a trap.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the CPU budget is spent")]
    CpuBudget,
    #[error("too many {what}")]
    Quota { what: &'static str, limit: u64 },
    #[error("the plugin called exit({code})")]
    Exit { code: i32 },
}

impl State {
    pub(crate) fn new(job: Job, memory_bytes: usize, meter: Arc<Meter>) -> Self {
        Self {
            services: job.services,
            memory: memory::Limiter::new(memory_bytes),
            attempt: job.attempt,
            key_base: job.key_base,
            started: Instant::now(),
            grace: job.grace,
            random: stream_of(&job.seed, "random"),
            wasi: wasi::State::new(stream_of(&job.seed, "wasi")),
            secret_tries: 0,
            log: logging::Budget::new(&job.limits),
            limits: job.limits,
            meter,
            host_calls: 0,
        }
    }

    /// Marks the way of the guest into the host: every imported function begins with it, and holds what it returns to
    /// its end.
    pub(crate) fn enter(&mut self) -> wasmtime::Result<InHost> {
        self.host_calls = self.host_calls.saturating_add(1);
        if self.host_calls > self.limits.host_calls {
            let limit = u64::from(self.limits.host_calls);
            return Err(wasmtime::Error::new(Stop::Quota { what: "calls of the host", limit }));
        }
        Ok(self.meter.enter_host())
    }

    pub(crate) fn host_calls(&self) -> u32 {
        self.host_calls.min(self.limits.host_calls)
    }

    /// What is left of the call's wall-clock time.
    pub(crate) fn remaining(&self) -> Duration {
        self.limits.wall.saturating_add(self.grace.get()).saturating_sub(self.started.elapsed())
    }

    /// Writes one line to the job's log: cut, escaped, and as long as there is room.
    pub(crate) fn log(&mut self, level: Level, message: &str, fields: &Fields) {
        self.log.write(self.services.as_mut(), level, message, fields);
    }
}

/// Random numbers from a job's seed, a stream of its own for each purpose, so that one does not shift another.
fn stream_of(seed: &[u8; 32], purpose: &str) -> blake3::OutputReader {
    blake3::Hasher::new_keyed(seed).update(purpose.as_bytes()).finalize_xof()
}
