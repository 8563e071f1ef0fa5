//! The plugin's storage, with values as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::imports::hookswitch::plugin::{storage, types::Content};
use crate::{Failure, Problem};

pub use storage::Scope;

/// Returns the value of a key; none if there is no such key, or if it holds what another version of the plugin wrote
/// and this one cannot read.
///
/// # Errors
/// What the host said.
pub fn load<T: DeserializeOwned>(scope: Scope, key: &str) -> Result<Option<T>, Failure> {
    let entry = storage::get(scope, key).map_err(failure)?;
    Ok(entry.and_then(|entry| match entry.value {
        Content::Text(text) => serde_json::from_str(&text).ok(),
        Content::Bytes(_) => None,
    }))
}

/// Writes the value of a key, whatever was there.
///
/// # Errors
/// What the host said.
pub fn save<T: Serialize>(scope: Scope, key: &str, value: &T) -> Result<(), Failure> {
    put(scope, key, value, None)
}

/// Writes the value of a key, whatever was there, and forgets it after `ttl_s` seconds.
///
/// # Errors
/// What the host said.
pub fn save_for<T: Serialize>(scope: Scope, key: &str, value: &T, ttl_s: u32) -> Result<(), Failure> {
    put(scope, key, value, Some(ttl_s))
}

fn put<T: Serialize>(scope: Scope, key: &str, value: &T, ttl_s: Option<u32>) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| failure(error.to_string()))?;
    storage::put(scope, key, &Content::Text(text), None, ttl_s).map_err(failure)?;
    Ok(())
}

/// Removes a key, if it is there.
///
/// # Errors
/// What the host said.
pub fn remove(scope: Scope, key: &str) -> Result<(), Failure> {
    storage::delete(scope, key, None).map_err(failure)?;
    Ok(())
}

fn failure(detail: String) -> Failure {
    Failure::Other(Problem { code: "storage".into(), text: "the plugin's storage does not work".into(), detail })
}
