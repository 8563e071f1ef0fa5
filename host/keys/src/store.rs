//! The store: one folder, one key, and everything that is kept in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hookswitch_gate::{Grant, Vault};

use crate::disk::{Disk, Place};
use crate::error::{SetupError, StoreError};
use crate::fetched::Fetched;
use crate::key::KeySource;
use crate::oauth2::OAuth2;
use crate::provider::{Client, Fetch, Provider};
use crate::slot::Slot;
use crate::vault::PluginVault;

/// Below the data folder.
const FOLDER: &str = "keys";

/// The folder with the keys to CRMs, opened with its key.
///
/// One process has it at a time, until the last value that came from it is dropped. Whatever is asked for twice is the
/// same: two configurations of one credential share its tokens.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    disk: Arc<Disk>,
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
    vaults: Mutex<BTreeMap<String, Arc<PluginVault>>>,
}

impl Store {
    /// Opens the folder `keys` below the data folder, and makes it when there is none. Blocks for some disk accesses.
    ///
    /// # Errors
    ///
    /// The key is missing or another one, a file or the folder is open to other users, another process has it open. The
    /// text says how to mend it; nothing is changed.
    pub fn open(data: &Path, key: &KeySource) -> Result<Store, StoreError> {
        let disk = Arc::new(Disk::open(data.join(FOLDER), key)?);
        Ok(Store(Arc::new(Inner { disk, slots: Mutex::default(), vaults: Mutex::default() })))
    }

    /// A key for the gate's placeholders, which stays the same as long as the store's key does.
    pub fn mask_key(&self) -> [u8; 32] {
        self.0.disk.mask_key()
    }

    /// Says whether the store in this data folder has anything that `plugin` asked to be kept secret, without opening it.
    pub fn keeps(data: &Path, plugin: &str) -> bool {
        Place::vault(plugin).is_ok_and(|place| data.join(FOLDER).join(place.file()).exists())
    }

    /// What `plugin` asked to be kept secret.
    ///
    /// # Errors
    ///
    /// The file is damaged or cannot be read.
    pub fn vault(&self, plugin: &str) -> Result<Arc<dyn Vault>, StoreError> {
        let mut vaults = self.0.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vault) = vaults.get(plugin) {
            return Ok(vault.clone());
        }
        let vault = Arc::new(PluginVault::open(self.0.disk.clone(), plugin)?);
        vaults.insert(plugin.to_owned(), vault.clone());
        Ok(vault)
    }

    /// Makes a credential that somebody signs in for. `grants` are the plugin's `allow.http`: they say where tokens may
    /// go without TLS.
    ///
    /// # Errors
    ///
    /// The configuration cannot work, or the file with the tokens is damaged or cannot be read.
    pub fn oauth2(
        &self,
        plugin: &str,
        handle: &str,
        provider: Provider,
        client: Client,
        grants: &[Grant],
    ) -> Result<OAuth2, SetupError> {
        provider.check(&client, grants)?;
        let slot = self.slot(plugin, handle, Place::signed_in(plugin, handle)?)?;
        Ok(OAuth2::new(slot, provider, client, grants.to_vec()))
    }

    /// Makes a credential whose token the host fetches by itself. `grants` as for [`Store::oauth2`].
    ///
    /// # Errors
    ///
    /// The configuration cannot work, or the file with the token is damaged or cannot be read.
    pub fn fetched(
        &self,
        plugin: &str,
        handle: &str,
        fetch: Fetch,
        client: Client,
        grants: &[Grant],
    ) -> Result<Fetched, SetupError> {
        fetch.check(&client, grants)?;
        let slot = self.slot(plugin, handle, Place::fetched(plugin, handle)?)?;
        Ok(Fetched::new(slot, fetch, client, grants.to_vec()))
    }

    fn slot(&self, plugin: &str, handle: &str, place: Place) -> Result<Arc<Slot>, StoreError> {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(place.file()) {
            return Ok(slot.clone());
        }
        let file = place.file().to_owned();
        let slot = Arc::new(Slot::open(self.0.disk.clone(), plugin, handle, place)?);
        slots.insert(file, slot.clone());
        Ok(slot)
    }
}
