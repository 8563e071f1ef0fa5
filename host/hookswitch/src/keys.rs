//! What CRMs know the plugins by: credentials put together from the manifest and the configuration, with the tokens that
//! the host keeps for them.

mod sign_in;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use hookswitch_gate::{self as gate, Grant, Place, Tokens, Vault};
use hookswitch_keys::{Client, Fetch, KeySource, Provider, Store, StoreError};
use hookswitch_signature::Scheme;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::sign_in::Attempts;
pub(crate) use self::sign_in::SignIn;
use crate::{
    config::{self, CredentialKind, Key, Loaded},
    manifest::{Manifest, Usage},
    shown::printable,
};

/// The store of tokens, and the sign-ins that were begun.
pub(crate) struct Keys {
    store: Store,
    attempts: Arc<Attempts>,
}

/// What one plugin is known by.
pub(crate) struct Keyring {
    /// For its gate, by handle.
    pub(crate) credentials: BTreeMap<String, gate::Credential>,
    /// Sign-ins that need a person.
    pub(crate) sign_ins: Vec<Arc<SignIn>>,
    /// The values that do not change, by handle.
    pub(crate) values: BTreeMap<String, SecretString>,
}

impl Keys {
    /// Opens the store in the folder `data`, with the key that `loaded` names.
    ///
    /// # Errors
    ///
    /// A wrong key, a damaged store, files that others may read, another process that holds it.
    pub(crate) fn open(data: &Path, loaded: &Loaded) -> Result<Self, StoreError> {
        let source = match &loaded.config.server.key {
            None => KeySource::Own,
            Some(Key::Env(name)) => KeySource::Env(name.clone()),
            Some(Key::File(path)) => KeySource::File(loaded.resolve(path)),
            Some(Key::Credential(name)) => KeySource::Credential(name.clone()),
        };
        Ok(Self { store: Store::open(data, &source)?, attempts: Arc::default() })
    }

    /// A store for a moment, in the folder `data`, which knows of no sign-in.
    ///
    /// # Errors
    ///
    /// The folder cannot be written to.
    pub(crate) fn empty(data: &Path) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(data, &KeySource::Own)?, attempts: Arc::default() })
    }

    /// What makes placeholders that nobody can guess.
    pub(crate) fn mask_key(&self) -> [u8; 32] {
        self.store.mask_key()
    }

    /// Where a plugin's kept secrets are.
    pub(crate) fn vault(&self, plugin: &str) -> Result<Arc<dyn Vault>, StoreError> {
        self.store.vault(plugin)
    }

    /// Puts together what `[plugin.NAME]` is known by.
    ///
    /// # Errors
    ///
    /// For the admin, a line for each fault.
    pub(crate) fn ring(&self, name: &str, manifest: &Manifest, loaded: &Loaded) -> Result<Keyring, Vec<String>> {
        let mut ring = Keyring { credentials: BTreeMap::new(), sign_ins: Vec::new(), values: BTreeMap::new() };
        let mut faults = Vec::new();
        let Some(plugin) = loaded.config.plugin.get(name) else { return Ok(ring) };
        for asked in &manifest.credentials {
            let Some(given) = plugin.credentials.get(&asked.handle) else { continue };
            let origins = given.origins.as_ref().unwrap_or(&plugin.allow.http).clone();
            let maker = Maker { keys: self, plugin: name, handle: &asked.handle, given, loaded, origins };
            match maker.make(&asked.usage(given), &mut ring) {
                Ok(credential) => drop(ring.credentials.insert(asked.handle.clone(), credential)),
                Err(fault) => {
                    faults.push(format!("[plugin.{name}] credentials.{}: {}", asked.handle, printable(&fault)))
                }
            }
        }
        for setting in manifest.settings.iter().filter(|setting| setting.is_secret()) {
            let Some(given) = plugin.settings.get(&setting.name) else { continue };
            let made = given.secret().read("it", &loaded.folder).and_then(|value| {
                let credential = gate::Credential::secret(&value, plugin.allow.http.clone());
                Ok((value, credential.map_err(|error| error.to_string())?))
            });
            match made {
                Ok((value, credential)) => {
                    ring.values.insert(setting.name.clone(), value);
                    ring.credentials.insert(setting.name.clone(), credential);
                }
                Err(fault) => faults.push(format!("[plugin.{name}] settings.{}: {fault}", setting.name)),
            }
        }
        if faults.is_empty() { Ok(ring) } else { Err(faults) }
    }
}

/// What stands at the place of the password where the user name is a key: CRMs that want this look at the key only
/// (Freshdesk), and some refuse an empty one.
const NO_PASSWORD: &str = "X";

/// Makes one credential.
struct Maker<'a> {
    keys: &'a Keys,
    plugin: &'a str,
    handle: &'a str,
    given: &'a config::Credential,
    loaded: &'a Loaded,
    origins: Vec<Grant>,
}

impl Maker<'_> {
    fn make(self, usage: &Usage, ring: &mut Keyring) -> Result<gate::Credential, String> {
        let given = self.given;
        let made = match given.kind {
            CredentialKind::None => Ok(gate::Credential::none()),
            _ if given.is_live() => gate::Credential::tokens(self.tokens(usage, ring)?, place(usage)?, self.origins),
            CredentialKind::BaseUrl => gate::Credential::base_url(&self.value(ring)?),
            CredentialKind::Basic => match &given.user {
                Some(user) => gate::Credential::basic(user, &self.value(ring)?, self.origins),
                None => gate::Credential::basic_key(&self.value(ring)?, NO_PASSWORD, self.origins),
            },
            CredentialKind::Secret => gate::Credential::secret(&self.value(ring)?, self.origins),
            CredentialKind::Signature => {
                let scheme: Scheme = read("scheme", &usage.scheme)?;
                gate::Credential::signature(&scheme, &self.value(ring)?, given.id.as_deref(), self.origins)
            }
            CredentialKind::ApiKey | CredentialKind::Bearer | CredentialKind::Oauth2 => {
                gate::Credential::api_key(&self.value(ring)?, place(usage)?, self.origins)
            }
        };
        made.map_err(|error| error.to_string())
    }

    /// The value, which the proofs of hooks can ask for as well.
    fn value(&self, ring: &mut Keyring) -> Result<SecretString, String> {
        let source = self.given.secret().ok_or("it has no value")?;
        let value = source.read("it", &self.loaded.folder)?;
        ring.values.insert(self.handle.to_owned(), value.clone());
        Ok(value)
    }

    fn tokens(&self, usage: &Usage, ring: &mut Keyring) -> Result<Arc<dyn Tokens>, String> {
        let secret = self.given.client_secret.as_ref();
        let secret = secret.map(|secret| secret.read("client-secret", &self.loaded.folder)).transpose()?;
        let id = self.given.client_id.clone().unwrap_or_default();
        let client = Client { id, secret, parameters: BTreeMap::new() };
        let store = &self.keys.store;
        if self.given.kind == CredentialKind::Oauth2 {
            let provider: Provider = read("provider", &usage.provider)?;
            let tokens = store.oauth2(self.plugin, self.handle, provider, client, &self.origins);
            let tokens = tokens.map_err(|error| error.to_string())?;
            let sign_in = SignIn::new(self.handle, tokens.clone(), self.keys.attempts.clone());
            ring.sign_ins.push(Arc::new(sign_in));
            return Ok(Arc::new(tokens));
        }
        let fetch: Fetch = read("provider", &usage.provider)?;
        let tokens = store.fetched(self.plugin, self.handle, fetch, client, &self.origins);
        Ok(Arc::new(tokens.map_err(|error| error.to_string())?))
    }
}

/// Where the value stands: as an access token does, if nothing is said.
fn place(usage: &Usage) -> Result<Place, String> {
    if usage.place.is_empty() { Ok(Place::default()) } else { read("place", &usage.place) }
}

/// Reads an object that manifest and configuration have put together.
fn read<T: DeserializeOwned>(key: &str, object: &Map<String, Value>) -> Result<T, String> {
    if object.is_empty() {
        return Err(format!("neither the plugin nor the configuration says its `{key}`"));
    }
    serde_json::from_value(Value::Object(object.clone())).map_err(|error| format!("{key}: {error}"))
}
