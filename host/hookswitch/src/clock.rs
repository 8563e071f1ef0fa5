//! The present moment. Decisions take it as an argument; only the rims of the program ask.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hookswitch_call::Millis;

/// Now, UTC.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Where plugins and their jobs have their time from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    /// The machine.
    #[default]
    World,
    /// A story that is told: its time stands still between its events, and nobody waits long in it.
    Story(Arc<AtomicU64>),
}

/// So long a wait in a story really takes.
const MOMENT: Duration = Duration::from_millis(10);

impl Clock {
    pub(crate) fn now(&self) -> Millis {
        match self {
            Self::World => now(),
            Self::Story(at) => Millis(at.load(Ordering::Relaxed)),
        }
    }

    /// How long to sleep in place of `wait`.
    pub(crate) fn wait(&self, wait: Duration) -> Duration {
        match self {
            Self::World => wait,
            Self::Story(_) => wait.min(MOMENT),
        }
    }
}
