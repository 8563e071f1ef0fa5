//! `clock`: the job's clock.

use super::short;
use crate::{contract::bindings::hookswitch::plugin::clock::Host, state::State};

impl Host for State {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        let _host = self.enter()?;
        Ok(self.services.now_ms())
    }

    fn format(
        &mut self,
        unix_ms: u64,
        zone: Option<String>,
        pattern: String,
    ) -> wasmtime::Result<Result<String, String>> {
        let _host = self.enter()?;
        let measured = short("the zone", zone.as_deref().unwrap_or_default(), 64)
            .and_then(|()| short("the pattern", &pattern, 256));
        Ok(measured.and_then(|()| self.services.format_time(unix_ms, zone.as_deref(), &pattern)))
    }
}
