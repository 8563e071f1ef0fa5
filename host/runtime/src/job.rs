//! What one call of a plugin is given to work with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{Denied, Services};

/// One call of a plugin: the world that it sees, and how far it may go.
pub struct Job {
    /// Through this the plugin reaches the rest of the host.
    pub services: Box<dyn Services>,
    pub limits: Limits,
    /// 1 on the first try.
    pub attempt: u32,
    /// Names the piece of work, equal on every try of it: idempotency keys are made from it.
    pub key_base: String,
    /// All random numbers of the job come from it; the same seed gives the same numbers.
    pub seed: [u8; 32],
    /// Time that [`services`](Self::services) let the plugin wait.
    pub grace: Grace,
}

/// Time that a plugin waited for no fault of its own or of its CRM, as for its turn under a rate limit: the wall-clock
/// limit is put off by it. Clones are handles to the same one.
#[derive(Clone, Debug, Default)]
pub struct Grace(Arc<AtomicU64>);

impl Grace {
    /// Puts the limit off by `wait` more; to be called before the wait.
    pub fn add(&self, wait: Duration) {
        self.0.fetch_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How far the limit has been put off.
    pub fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

impl Job {
    /// A job that may use nothing at all: to ask for a manifest, and to see whether a component starts.
    pub fn denied() -> Self {
        Self {
            services: Box::new(Denied),
            limits: Limits::default(),
            attempt: 1,
            key_base: String::new(),
            seed: [0; 32],
            grace: Grace::default(),
        }
    }
}

/// How far one call may go. Beyond a limit that stops the call, [`CallError`](crate::CallError) says which one it was;
/// a single argument beyond its limit is answered with an error inside the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time of the whole call, host calls included. The wait for a free slot does not count.
    pub wall: Duration,
    /// CPU time of the guest's own code. None: the engine's default.
    pub guest_cpu: Option<Duration>,
    /// All linear memories of the instance together, in bytes. The engine's slot size is a limit too.
    pub memory_bytes: usize,
    /// Calls of imported functions, `wasi:` included.
    pub host_calls: u32,
    /// Lines that reach the log; later ones are dropped.
    pub log_lines: u32,
    /// Bytes of all log lines together; later ones are dropped.
    pub log_bytes: usize,
    /// The body of one HTTP request, without streamed recordings, in bytes.
    pub request_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(30),
            guest_cpu: None,
            memory_bytes: 128 << 20,
            host_calls: 100_000,
            log_lines: 1_000,
            log_bytes: 256 << 10,
            request_bytes: 8 << 20,
        }
    }
}
