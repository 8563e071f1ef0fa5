//! What a call of a plugin came to.

use std::time::Duration;

use crate::{contract, text::clean};

/// A call's result, and what it cost whatever the result is.
#[derive(Debug)]
pub struct Outcome<T> {
    pub result: Result<T, CallError>,
    pub usage: Usage,
}

/// What a call cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How long the call waited for a free slot, before its wall-clock time began.
    pub waited: Duration,
    /// From the start of the instance to its end.
    pub wall: Duration,
    /// CPU time of the guest's own code.
    pub guest_cpu: Duration,
    /// Wall-clock time inside the host's services.
    pub host_time: Duration,
    /// The most that all linear memories held together.
    pub peak_memory_bytes: usize,
    /// Calls of imported functions, `wasi:` included.
    pub host_calls: u32,
}

/// Why a call gave no result. After each of these the instance is gone.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The plugin said so itself.
    #[error("{}", describe(.0))]
    Failure(contract::Failure),

    #[error("the plugin does not export `{interface}`")]
    NotExported { interface: &'static str },

    /// The plugin broke.
    #[error("the plugin crashed: {message}")]
    Trap {
        message: String,
        /// A line for each function, innermost first: its place in the source where that is known
        /// ([`Options::sources`](crate::Options::sources)), else the offset in the module's file; and its name.
        backtrace: String,
        /// What it wrote to its standard error at last: of a JavaScript plugin the exception, of a Rust plugin the panic.
        /// May hold personal data, so not for a log above debug.
        last_words: String,
    },

    #[error("the plugin called exit({code}); a plugin's function must return")]
    Exit { code: i32 },

    #[error("not done within {} ms: the plugin or what it waited for is too slow", wall.as_millis())]
    Deadline { wall: Duration },

    #[error("more than {} ms of CPU time: the plugin computes too much, or forever", budget.as_millis())]
    CpuBudget { budget: Duration },

    #[error("more than {} MiB of memory", limit >> 20)]
    Memory { limit: usize },

    #[error("too many {what}: the limit for one call is {limit}")]
    Quota { what: &'static str, limit: u64 },

    /// The host could not run the plugin: no fault of the plugin's.
    #[error("the host could not start the plugin: {message}")]
    Host { message: String },
}

/// A guest's failure in one line, fit to be shown.
fn describe(failure: &contract::Failure) -> String {
    use contract::Failure;
    let text = match failure {
        Failure::Temporary(delay) => format!("temporary: {}", delay.reason),
        Failure::Rejected(problem) => format!("rejected: {} ({})", problem.text, problem.code),
        Failure::Unauthorised(text) => format!("unauthorised: {text}"),
        Failure::NotConfigured(text) => format!("not configured: {text}"),
        Failure::InDoubt(text) => format!("in doubt: {text}"),
        Failure::Other(problem) => format!("{} ({})", problem.text, problem.code),
    };
    clean(&text, 1 << 10)
}
