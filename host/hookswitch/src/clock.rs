//! The present moment. Decisions take it as an argument; only the rims of the program ask.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hookswitch_call::Millis;

/// Now, UTC.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
