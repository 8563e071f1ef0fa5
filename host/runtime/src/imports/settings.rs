//! `settings`: the admin's settings.

use super::NAME_BYTES;
use crate::{contract::bindings::hookswitch::plugin::settings::Host, state::State};

impl Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let _host = self.enter()?;
        Ok((name.len() <= NAME_BYTES).then(|| self.services.setting(&name)).flatten())
    }
}
