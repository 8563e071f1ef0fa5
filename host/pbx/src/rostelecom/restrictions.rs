//! What users may do (section 4). What restrictions there are is known to the PBX alone: they are shown as it names them,
//! and set by what was read before.

use std::mem::discriminant;

use async_trait::async_trait;
use hookswitch_call::Extension;
use serde_json::{Map, Value};

use super::client::Client;
use crate::{Restrictions, Rules};

#[async_trait]
impl Restrictions for Client {
    async fn read(&self, user: &Extension) -> Result<Rules, String> {
        self.rules(user).await.map(|rules| shown(&rules)).map_err(|failed| failed.to_string())
    }

    async fn change(&self, user: &Extension, wanted: &Rules) -> Result<Rules, String> {
        let before = self.rules(user).await.map_err(|failed| failed.to_string())?;
        let changed = changed(&before, wanted)?;
        if changed == before {
            return Ok(shown(&before));
        }
        self.set_rules(user, changed.clone()).await.map_err(|failed| failed.to_string())?;
        let after =
            self.rules(user).await.map_err(|failed| format!("it was set, and cannot be read again: {failed}"))?;
        if after == changed {
            return Ok(shown(&after));
        }
        let strange = changed.keys().chain(after.keys()).find(|name| changed.get(*name) != after.get(*name));
        Err(format!(
            "the phone system took it, and yet `{}` is not as wanted now: look at all of them again",
            strange.map_or("", String::as_str)
        ))
    }
}

/// The rules with the wanted ones in their place.
fn changed(before: &Map<String, Value>, wanted: &Rules) -> Result<Map<String, Value>, String> {
    let mut changed = before.clone();
    for (name, text) in wanted {
        let Some(value) = changed.get_mut(name) else {
            let known: Vec<_> = shown(before).into_keys().collect();
            return Err(format!("there is no restriction `{name}`; this user has: {}", known.join(", ")));
        };
        *value = like(value, text)
            .ok_or_else(|| format!("`{text}` is no value for `{name}`, which is `{}` now", spelled(value)))?;
    }
    Ok(changed)
}

/// A text as a value of the same kind.
fn like(known: &Value, text: &str) -> Option<Value> {
    match known {
        Value::String(_) | Value::Null => Some(text.into()),
        known => serde_json::from_str(text).ok().filter(|value| discriminant(value) == discriminant(known)),
    }
}

fn shown(rules: &Map<String, Value>) -> Rules {
    rules.iter().map(|(name, value)| (name.clone(), spelled(value))).collect()
}

fn spelled(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
