//! What a plugin asked to be kept secret, in one sealed file per plugin.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hookswitch_gate::{Grant, Kept, Vault};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, Place};
use crate::error::StoreError;

/// Secrets that are kept for one plugin; one more ends the oldest.
const MOST: usize = 256;
/// Bytes of one secret at most.
const LONGEST: usize = 16 * 1024;

pub(crate) struct PluginVault {
    shelf: Arc<Shelf>,
}

struct Shelf {
    disk: Arc<Disk>,
    place: Place,
    /// Held while the file is written.
    writing: Mutex<()>,
    kept: Mutex<Vec<Kept>>,
}

#[derive(Serialize)]
struct Written<'a> {
    mask: &'a str,
    value: &'a str,
    origins: Vec<String>,
}

#[derive(Deserialize)]
struct Read {
    mask: String,
    value: SecretString,
    origins: Vec<Grant>,
}

impl PluginVault {
    pub(crate) fn open(disk: Arc<Disk>, plugin: &str) -> Result<PluginVault, StoreError> {
        let place = Place::vault(plugin)?;
        let kept = match disk.read(&place)? {
            None => Vec::new(),
            Some(content) => serde_json::from_slice::<Vec<Read>>(&content)
                .map_err(|_| disk.damaged(&place))?
                .into_iter()
                .map(|Read { mask, value, origins }| Kept { mask, value, origins })
                .collect(),
        };
        Ok(PluginVault { shelf: Arc::new(Shelf { disk, place, writing: Mutex::default(), kept: Mutex::new(kept) }) })
    }
}

impl Shelf {
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, secret: Kept) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.kept().clone();
        let same =
            |kept: &&Kept| kept.value.expose_secret() == secret.value.expose_secret() && kept.origins == secret.origins;
        if next.iter().find(|kept| kept.mask == secret.mask).is_some_and(|kept| same(&kept)) {
            return Ok(());
        }
        next.retain(|kept| kept.mask != secret.mask);
        next.push(secret);
        next.drain(..next.len().saturating_sub(MOST));
        let written: Vec<_> = next
            .iter()
            .map(|Kept { mask, value, origins }| {
                let origins = origins.iter().map(Grant::to_string).collect();
                Written { mask, value: value.expose_secret(), origins }
            })
            .collect();
        let content = Zeroizing::new(serde_json::to_vec(&written).map_err(|_| StoreError::Library)?);
        self.disk.write(&self.place, &content)?;
        *self.kept() = next;
        Ok(())
    }
}

#[async_trait]
impl Vault for PluginVault {
    fn kept(&self) -> Vec<Kept> {
        self.shelf.kept().clone()
    }

    async fn keep(&self, secret: Kept) -> Result<(), String> {
        let bytes = secret.value.expose_secret().len();
        if bytes > LONGEST {
            return Err(format!("a secret of {bytes} bytes, where {LONGEST} can be kept"));
        }
        let shelf = self.shelf.clone();
        let kept = tokio::task::spawn_blocking(move || shelf.keep(secret)).await;
        kept.map_err(|_| "keeping it broke off".to_owned())?.map_err(|error| error.to_string())
    }
}
