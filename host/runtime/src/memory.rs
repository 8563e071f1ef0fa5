//! The limiter of what an instance may grow to.

use wasmtime::ResourceLimiter;

/// How many of each thing one component instance may have. QuickJS, StarlingMonkey and Python guests have tens of core
/// instances, each with a table, and a few memories.
pub(crate) const CORE_INSTANCES: u32 = 60;
pub(crate) const TABLES: u32 = 60;
pub(crate) const MEMORIES: u32 = 16;
/// Elements of one table: what the pool's slots hold.
pub(crate) const TABLE_ELEMENTS: u32 = 20_000;

/// Adds up the linear memories of one instance, and refuses what goes beyond the limit.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: usize,
    held: usize,
    refused: bool,
}

impl Limiter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, held: 0, refused: false }
    }

    /// The most that was held. Linear memories never shrink, so that is what is held now.
    pub(crate) fn peak(&self) -> usize {
        self.held
    }

    /// The limit, if the instance ran into it.
    pub(crate) fn exceeded(&self) -> Option<usize> {
        self.refused.then_some(self.limit)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let held = self.held.saturating_add(desired.saturating_sub(current));
        if held > self.limit {
            self.refused = true;
            return Ok(false);
        }
        // Beyond its own maximum the growth fails by itself, and must not be counted.
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.held = held;
        }
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS as usize)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}
