//! Tells the guest's time from the host's.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// Counts the CPU time that the guest's code takes, and the wall-clock time that it spends in the host.
///
/// The clock is that of the thread, read at the borders: where a call's future is polled, and where the guest enters or
/// leaves the host. So neither waiting nor other work on a busy machine is put on the guest's bill.
///
/// One call runs on one thread at a time, and the executor orders its polls; the atomics only make that shareable.
#[derive(Default)]
pub(crate) struct Meter {
    in_host: AtomicBool,
    guest_since_ns: AtomicU64,
    guest_ns: AtomicU64,
    host_ns: AtomicU64,
}

impl Meter {
    /// The guest's CPU time up to now. To be called while the call is being polled, or after its end.
    pub(crate) fn guest(&self) -> Duration {
        Duration::from_nanos(self.guest_ns.load(Relaxed))
    }

    /// As [`Self::guest`], from within the running guest.
    pub(crate) fn guest_until_now(&self) -> Duration {
        self.pause_guest();
        self.resume_guest();
        self.guest()
    }

    /// Wall-clock time in the host's services.
    pub(crate) fn host(&self) -> Duration {
        Duration::from_nanos(self.host_ns.load(Relaxed))
    }

    fn resume_guest(&self) {
        self.guest_since_ns.store(thread_cpu_ns(), Relaxed);
    }

    fn pause_guest(&self) {
        let spent = thread_cpu_ns().saturating_sub(self.guest_since_ns.load(Relaxed));
        self.guest_ns.fetch_add(spent, Relaxed);
    }

    /// The guest has called the host; it goes on when the returned value is dropped.
    pub(crate) fn enter_host(self: &Arc<Self>) -> InHost {
        self.pause_guest();
        self.in_host.store(true, Relaxed);
        InHost { meter: self.clone(), since: Instant::now() }
    }
}

/// The time between a guest's call of the host and the return.
pub(crate) struct InHost {
    meter: Arc<Meter>,
    since: Instant,
}

impl Drop for InHost {
    fn drop(&mut self) {
        self.meter.host_ns.fetch_add(nanos(self.since.elapsed()), Relaxed);
        self.meter.in_host.store(false, Relaxed);
        self.meter.resume_guest();
    }
}

pin_project_lite::pin_project! {
    /// A call's future, metered.
    pub(crate) struct Metered<F> {
        meter: Arc<Meter>,
        #[pin]
        call: F,
    }
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(meter: Arc<Meter>, call: F) -> Self {
        Self { meter, call }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !this.meter.in_host.load(Relaxed) {
            this.meter.resume_guest();
        }
        let polled = this.call.poll(cx);
        if !this.meter.in_host.load(Relaxed) {
            this.meter.pause_guest();
        }
        polled
    }
}

fn thread_cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
