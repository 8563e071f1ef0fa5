//! What the process may use. The encoder inherits all of it.

use std::io;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::order::Order;

/// How far it stands back behind the service: phones ring, recordings can wait.
const NICE: i32 = 10;

pub(super) fn set(order: &Order) -> io::Result<()> {
    limit(Resource::As, order.memory_bytes)?;
    limit(Resource::Cpu, order.cpu_seconds)?;
    limit(Resource::Fsize, order.output_bytes)?;
    limit(Resource::Core, 0)?;
    nice(NICE)?;
    Ok(())
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
