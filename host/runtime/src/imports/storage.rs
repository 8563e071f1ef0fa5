//! `storage`: the plugin's own key-value store.

use super::{http::content_bytes, short};
use crate::{
    contract::{
        Content,
        bindings::hookswitch::plugin::storage::{Entry, Host, Scope},
    },
    state::State,
};

const KEY_BYTES: usize = 256;
const VALUE_BYTES: usize = 64 << 10;
const KEYS_AT_ONCE: u32 = 1_000;

impl Host for State {
    async fn get(&mut self, scope: Scope, key: String) -> wasmtime::Result<Result<Option<Entry>, String>> {
        let _host = self.enter()?;
        if let Err(reason) = measure_key(&key) {
            return Ok(Err(reason));
        }
        Ok(self.services.get(scope, &key).await)
    }

    async fn put(
        &mut self,
        scope: Scope,
        key: String,
        value: Content,
        expected: Option<u64>,
        ttl_s: Option<u32>,
    ) -> wasmtime::Result<Result<u64, String>> {
        let _host = self.enter()?;
        if let Err(reason) = measure_key(&key) {
            return Ok(Err(reason));
        }
        let bytes = content_bytes(&value);
        if bytes > VALUE_BYTES {
            return Ok(Err(format!("the value has {bytes} bytes; at most {VALUE_BYTES} are allowed")));
        }
        Ok(self.services.put(scope, &key, value, expected, ttl_s).await)
    }

    async fn delete(
        &mut self,
        scope: Scope,
        key: String,
        expected: Option<u64>,
    ) -> wasmtime::Result<Result<bool, String>> {
        let _host = self.enter()?;
        if let Err(reason) = measure_key(&key) {
            return Ok(Err(reason));
        }
        Ok(self.services.delete(scope, &key, expected).await)
    }

    async fn keys(
        &mut self,
        scope: Scope,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, String>> {
        let _host = self.enter()?;
        let measured = short("the prefix", &prefix, KEY_BYTES)
            .and_then(|()| short("`after`", after.as_deref().unwrap_or_default(), KEY_BYTES));
        if let Err(reason) = measured {
            return Ok(Err(reason));
        }
        // Not cut down in silence: fewer keys than asked for would mean that there are no more.
        if !(1..=KEYS_AT_ONCE).contains(&limit) {
            return Ok(Err(format!("limit {limit}; 1 to {KEYS_AT_ONCE} are allowed")));
        }
        Ok(self.services.keys(scope, &prefix, after.as_deref(), limit).await)
    }
}

fn measure_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("the key is empty".into());
    }
    short("the key", key, KEY_BYTES)
}
