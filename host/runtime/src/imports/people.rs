//! `people`: extensions and CRM users.

use super::NAME_BYTES;
use crate::{contract::bindings::hookswitch::plugin::people::Host, state::State};

impl Host for State {
    fn user_of(&mut self, extension: String) -> wasmtime::Result<Option<String>> {
        let _host = self.enter()?;
        Ok((extension.len() <= NAME_BYTES).then(|| self.services.user_of(&extension)).flatten())
    }

    fn extension_of(&mut self, user: String) -> wasmtime::Result<Option<String>> {
        let _host = self.enter()?;
        Ok((user.len() <= NAME_BYTES).then(|| self.services.extension_of(&user)).flatten())
    }
}
