//! Who is connected, and who asks how often.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::limits::Limits;

pub(crate) struct Visitors {
    limits: Limits,
    connected: Mutex<Connected>,
    requests: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
}

#[derive(Default)]
struct Connected {
    all: usize,
    by_source: HashMap<IpAddr, usize>,
}

/// Why a connection is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    All,
    Source,
}

/// A connection that counts until this is dropped.
pub(crate) struct Visit {
    visitors: Arc<Visitors>,
    /// None for a proxy.
    source: Option<IpAddr>,
}

impl Visitors {
    pub(crate) fn new(limits: Limits) -> Visitors {
        let requests = RateLimiter::hashmap(Quota::per_second(limits.rate).allow_burst(limits.burst));
        Visitors { limits, connected: Mutex::default(), requests }
    }

    /// Counts a connection from `peer`. One from a proxy is of many sources, so it counts only among all.
    pub(crate) fn enter(self: &Arc<Visitors>, peer: IpAddr, proxy: bool) -> Result<Visit, Crowded> {
        let source = (!proxy).then(|| household(peer));
        let mut connected = self.connected();
        if connected.all >= self.limits.connections {
            return Err(Crowded::All);
        }
        if let Some(source) = source {
            let own = connected.by_source.entry(source).or_default();
            if *own >= self.limits.connections_per_source {
                return Err(Crowded::Source);
            }
            *own += 1;
        }
        connected.all += 1;
        Ok(Visit { visitors: Arc::clone(self), source })
    }

    /// Counts a request.
    ///
    /// # Errors
    ///
    /// It is one too many; the number is of seconds to wait.
    pub(crate) fn ask(&self, source: IpAddr) -> Result<(), u64> {
        self.requests.check_key(&household(source)).map_err(|early| {
            let wait = early.wait_time_from(self.requests.clock().now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }

    /// Forgets those who have not asked for so long that it makes no difference.
    pub(crate) fn forget(&self) {
        self.requests.retain_recent();
    }

    fn connected(&self) -> MutexGuard<'_, Connected> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut connected = self.visitors.connected();
        connected.all -= 1;
        if let Some(source) = self.source
            && let Some(own) = connected.by_source.get_mut(&source)
        {
            *own -= 1;
            if *own == 0 {
                connected.by_source.remove(&source);
            }
        }
    }
}

/// Who is likely the same: whoever has one IPv6 address has the other 2^64 of its network too.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}
