//! `wasi:clocks`: the job's clock. Nothing ever waits: a guest that sleeps finds that the time has passed.

use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource};

use super::{Handle, function, open};
use crate::state::{State, Stop};

/// How many timers one job may start. An event loop starts one for each thing that it waits for.
const MOST_TIMERS: usize = 10_000;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// The monotonic clock of a job: its clock, and on top of it the time that the guest has slept through.
#[derive(Default)]
pub(super) struct Timers {
    slept_ns: u64,
    latest_ns: u64,
    deadlines_ns: Vec<u64>,
}

impl Timers {
    fn now_ns(&mut self, clock_ms: u64) -> u64 {
        let now = clock_ms.saturating_mul(1_000_000).saturating_add(self.slept_ns);
        self.latest_ns = self.latest_ns.max(now);
        self.latest_ns
    }

    /// Starts a timer and gives the number of its handle, which is never 0.
    fn start(&mut self, deadline_ns: u64) -> wasmtime::Result<u32> {
        if self.deadlines_ns.len() >= MOST_TIMERS {
            return Err(wasmtime::Error::new(Stop::Quota { what: "timers", limit: MOST_TIMERS as u64 }));
        }
        self.deadlines_ns.push(deadline_ns);
        Ok(u32::try_from(self.deadlines_ns.len())?)
    }

    /// When a handle is ready. What is no timer is ready since ever.
    fn deadline_ns(&self, timer: u32) -> u64 {
        let index = (timer as usize).checked_sub(1);
        index.and_then(|index| self.deadlines_ns.get(index)).copied().unwrap_or(0)
    }

    fn sleep_until(&mut self, clock_ms: u64, deadline_ns: u64) {
        let missing = deadline_ns.saturating_sub(self.now_ns(clock_ms));
        self.slept_ns = self.slept_ns.saturating_add(missing);
    }
}

/// Whether a handle is ready now.
pub(super) fn is_ready(state: &mut State, timer: u32) -> bool {
    state.wasi.timers.deadline_ns(timer) <= now_ns(state)
}

/// The places of those handles that are ready now.
pub(super) fn which_are_ready(state: &mut State, timers: &[u32]) -> Vec<u32> {
    let now = now_ns(state);
    let is_ready = |timer: &u32| state.wasi.timers.deadline_ns(*timer) <= now;
    (0..).zip(timers).filter(|(_, timer)| is_ready(timer)).map(|(place, _)| place).collect()
}

/// Lets time pass until the first of the handles is ready.
pub(super) fn sleep_for_first(state: &mut State, timers: &[u32]) {
    let first = timers.iter().map(|timer| state.wasi.timers.deadline_ns(*timer)).min().unwrap_or(0);
    let clock_ms = state.services.now_ms();
    state.wasi.timers.sleep_until(clock_ms, first);
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut monotonic = open(linker, "wasi:clocks/monotonic-clock")?;
    function(&mut monotonic, "now", |state, ()| Ok((now_ns(state),)))?;
    function(&mut monotonic, "resolution", |_, ()| Ok((1_000_000_u64,)))?;
    function(&mut monotonic, "subscribe-instant", |state, (when,): (u64,)| start(state, when))?;
    function(&mut monotonic, "subscribe-duration", |state, (duration,): (u64,)| {
        let when = now_ns(state).saturating_add(duration);
        start(state, when)
    })?;
    let mut wall = open(linker, "wasi:clocks/wall-clock")?;
    function(&mut wall, "now", |state, ()| {
        let ms = state.services.now_ms();
        Ok((datetime(ms),))
    })?;
    function(&mut wall, "resolution", |_, ()| Ok((datetime(1),)))
}

fn now_ns(state: &mut State) -> u64 {
    let clock_ms = state.services.now_ms();
    state.wasi.timers.now_ns(clock_ms)
}

fn start(state: &mut State, deadline_ns: u64) -> wasmtime::Result<(Resource<Handle>,)> {
    Ok((Resource::new_own(state.wasi.timers.start(deadline_ns)?),))
}

fn datetime(unix_ms: u64) -> Datetime {
    let nanoseconds = u32::try_from(unix_ms % 1_000 * 1_000_000).unwrap_or(0);
    Datetime { seconds: unix_ms / 1_000, nanoseconds }
}

#[cfg(test)]
mod tests {
    use super::Timers;

    #[test]
    fn sleeping_passes_the_time_without_waiting_and_the_clock_never_runs_back() {
        let mut timers = Timers::default();
        let start = timers.now_ns(1_000);
        let hour = 3_600_000_000_000;
        let timer = timers.start(start + hour).expect("there is room");
        timers.sleep_until(1_000, timers.deadline_ns(timer));
        assert_eq!(timers.now_ns(1_000), start + hour);
        assert_eq!(timers.now_ns(0), start + hour, "the job's clock was set back");
        timers.sleep_until(1_000, u64::MAX);
        assert_eq!(timers.now_ns(u64::MAX), u64::MAX);
    }

    #[test]
    fn timers_are_bounded_and_an_unknown_handle_is_simply_ready() {
        let mut timers = Timers::default();
        assert_eq!(timers.deadline_ns(7), 0);
        assert_eq!(timers.deadline_ns(0), 0);
        let refused = (0..20_000).find_map(|_| timers.start(1).err()).expect("there is a limit");
        assert!(refused.to_string().contains("timers"));
    }
}
