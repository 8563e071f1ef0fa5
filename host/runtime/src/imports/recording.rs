//! `recording`: the recordings that the host holds.

use super::{NAME_BYTES, short};
use crate::{
    contract::{Recording, bindings::hookswitch::plugin::recording::Host},
    state::State,
};

const READ_BYTES: u32 = 1 << 20;

impl Host for State {
    async fn of_call(&mut self, chain: String) -> wasmtime::Result<Vec<Recording>> {
        let _host = self.enter()?;
        if chain.len() > NAME_BYTES {
            return Ok(Vec::new());
        }
        Ok(self.services.recordings_of_call(&chain).await)
    }

    async fn read(&mut self, id: String, offset: u64, length: u32) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let _host = self.enter()?;
        if let Err(reason) = short("the id", &id, NAME_BYTES) {
            return Ok(Err(reason));
        }
        // Not cut down in silence: fewer bytes than asked for would mean the end of the file.
        if length > READ_BYTES {
            return Ok(Err(format!("{length} bytes asked for; at most {READ_BYTES} at a time")));
        }
        Ok(self.services.read_recording(&id, offset, length).await)
    }

    async fn sign_link(&mut self, id: String, ttl_s: u32, once: bool) -> wasmtime::Result<Result<String, String>> {
        let _host = self.enter()?;
        if let Err(reason) = short("the id", &id, NAME_BYTES) {
            return Ok(Err(reason));
        }
        Ok(self.services.sign_link(&id, ttl_s, once).await)
    }
}
