//! Enabling a plugin: load, read its manifest, hold it against the configuration, open its gate.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, RwLock},
};

use hookswitch_gate::{Credential, Gate, Grant, Options, Resolver};
use hookswitch_journal::Journal;
use hookswitch_runtime::{Component, Engine, Job, LoadError};
use tokio::sync::{Notify, Semaphore};

use super::Desk;
use crate::{
    config::{self, CredentialKind, Loaded, MOST_SLOTS},
    health::Health,
    imprint::{Imprint, Maker},
    manifest::Manifest,
    rate::Bucket,
    users::Users,
};

/// Work at the same time, where the manifest says nothing else (contract, `limits.concurrency`).
const CONCURRENCY: usize = 4;

/// Why a plugin cannot be enabled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("[plugin.{name}] component: cannot read {}: {source}; `cargo xtask build` makes our plugins", path.display())]
    Read { name: String, path: PathBuf, source: std::io::Error },
    #[error("[plugin.{name}] component {}: {source}", path.display())]
    Load { name: String, path: PathBuf, source: Box<LoadError> },
    #[error("[plugin.{name}] component: {problem}")]
    Manifest { name: String, problem: String },
    #[error("{}", .0.join("\n"))]
    Configuration(Vec<String>),
    #[error("[plugin.{name}] {problem}")]
    Gate { name: String, problem: String },
}

/// A component and what it says about itself.
pub(crate) struct Inspected {
    pub(crate) component: Component,
    pub(crate) manifest: Manifest,
}

/// Loads the component of `[plugin.NAME]` and reads its manifest.
pub(crate) async fn inspect(name: &str, loaded: &Loaded, engine: &Engine) -> Result<Inspected, OpenError> {
    let Some(plugin) = loaded.config.plugin.get(name) else {
        return Err(OpenError::Configuration(vec![format!("there is no [plugin.{name}]")]));
    };
    let path = loaded.resolve(&plugin.component);
    let bytes = tokio::fs::read(&path).await.map_err(|source| OpenError::Read {
        name: name.to_owned(),
        path: path.clone(),
        source,
    })?;
    let component = engine.load(bytes).await.map_err(|source| OpenError::Load {
        name: name.to_owned(),
        path,
        source: Box::new(source),
    })?;
    let manifest = match component.manifest(Job::denied(), &Vec::new()).await.result {
        Ok(text) => Manifest::parse(&text),
        Err(error) => Err(format!("the manifest cannot be read: {error}")),
    };
    let manifest = manifest.map_err(|problem| OpenError::Manifest { name: name.to_owned(), problem })?;
    let missing = manifest.served_but_missing(&component.exports());
    if !missing.is_empty() {
        let problem = format!("the manifest says that it serves {}, which it does not export", missing.join(", "));
        return Err(OpenError::Manifest { name: name.to_owned(), problem });
    }
    Ok(Inspected { component, manifest })
}

/// Enables `[plugin.NAME]`.
pub(crate) async fn open(
    name: &str,
    loaded: &Loaded,
    engine: &Engine,
    journal: &Journal,
) -> Result<Arc<Desk>, OpenError> {
    let Inspected { component, manifest } = inspect(name, loaded, engine).await?;
    let host = &loaded.config;
    let Some(plugin) = host.plugin.get(name) else {
        return Err(OpenError::Configuration(vec![format!("there is no [plugin.{name}]")]));
    };
    let faults = manifest.faults(name, plugin);
    if !faults.is_empty() {
        return Err(OpenError::Configuration(faults));
    }
    let gate = gate(name, plugin, &manifest, loaded)?;
    let slots = plugin.limits.concurrency.or(manifest.limits.concurrency).unwrap_or(CONCURRENCY).clamp(1, MOST_SLOTS);
    let settings = settings(plugin, &manifest);
    let imprint = imprint(name, loaded);
    Ok(Arc::new(Desk {
        name: name.to_owned(),
        config: plugin.clone(),
        served: manifest.served(),
        zone: host.server.zone(),
        gate,
        journal: journal.clone(),
        health: Health::new(name.to_owned()),
        bucket: Bucket::new(plugin.limits.rate.or(manifest.limits.rate)),
        slots,
        imprint,
        build: build(&component, &settings, host),
        settings,
        component,
        users: RwLock::new(Arc::new(Users::new(Vec::new(), &plugin.users))),
        unmapped: Mutex::default(),
        user_missed: Notify::new(),
        screen: Semaphore::new(slots),
        record: Semaphore::new(slots),
        host: host.clone(),
        manifest,
    }))
}

/// Which component runs with which settings: everything that a run depends on besides its arguments and host calls.
fn build(component: &Component, settings: &BTreeMap<String, String>, host: &config::Config) -> String {
    let mut hasher = blake3::Hasher::new();
    let zone = host.server.zone();
    for part in
        [&component.hash().to_string(), host.server.region.as_deref().unwrap_or(""), zone.iana_name().unwrap_or("")]
            .into_iter()
            .chain(settings.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]))
    {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// What the desk for `[plugin.NAME]` is made of now.
pub(crate) fn imprint(name: &str, loaded: &Loaded) -> Imprint {
    // The phone systems say how numbers on their lines are read.
    let made = Maker::new(loaded).table("pbx", None).table("plugin", Some(name));
    let Some(plugin) = loaded.config.plugin.get(name) else { return made.finish() };
    let made = [Some(&plugin.component), plugin.allow.ca_file.as_ref()]
        .into_iter()
        .flatten()
        .fold(made, |made, file| made.file(file));
    let secrets = plugin
        .credentials
        .iter()
        .map(|(handle, credential)| credential.secret().and_then(|secret| secret.read(handle, &loaded.folder).ok()));
    secrets.fold(made, Maker::secret).finish()
}

/// The values of all settings.
fn settings(plugin: &config::Plugin, manifest: &Manifest) -> BTreeMap<String, String> {
    let defaults =
        manifest.settings.iter().filter_map(|setting| Some((setting.name.clone(), setting.default.clone()?)));
    let given = plugin.settings.iter().map(|(name, value)| (name.clone(), value.0.clone()));
    defaults.chain(given).collect()
}

/// The way out: what the plugin asks for and the admin grants.
fn gate(name: &str, plugin: &config::Plugin, manifest: &Manifest, loaded: &Loaded) -> Result<Gate, OpenError> {
    let fail = |problem: String| OpenError::Gate { name: name.to_owned(), problem };
    let credentials = credentials(plugin, loaded).map_err(fail)?;
    let asked = asked(manifest, &credentials);
    let http = plugin.allow.http.iter().filter(|grant| asked.iter().any(|ask| ask.contains(grant))).cloned().collect();
    let options = Options {
        plugin: name.to_owned(),
        http,
        networks: plugin.allow.network.clone(),
        credentials,
        ca_file: plugin.allow.ca_file.as_ref().map(|path| loaded.resolve(path)),
        resolver: Resolver::default(),
        limits: hookswitch_gate::Limits::default(),
        ..Options::default()
    };
    Gate::new(options).map_err(|error| fail(error.to_string()))
}

/// Grants of the admin that the plugin does not ask for, a line each: they are not in effect.
pub(crate) fn not_asked_for(plugin: &config::Plugin, manifest: &Manifest, loaded: &Loaded) -> Vec<String> {
    let Ok(credentials) = credentials(plugin, loaded) else { return Vec::new() };
    let asked = asked(manifest, &credentials);
    let unused = plugin.allow.http.iter().filter(|grant| !asked.iter().any(|ask| ask.contains(grant)));
    unused.map(|grant| format!("allow.http: the plugin does not ask for {grant}; the grant is not in effect")).collect()
}

/// The credentials with their values.
fn credentials(plugin: &config::Plugin, loaded: &Loaded) -> Result<BTreeMap<String, Credential>, String> {
    let mut credentials = BTreeMap::new();
    for (handle, credential) in &plugin.credentials {
        let Some(source) = credential.secret() else { continue };
        let key = format!("credentials.{handle}");
        let secret = source.read(&key, &loaded.folder)?;
        let made = match credential.kind {
            CredentialKind::BaseUrl => Credential::base_url(&secret),
            CredentialKind::Bearer => Credential::bearer(&secret, plugin.allow.http.clone()),
        };
        credentials.insert(handle.clone(), made.map_err(|error| format!("{key}: {error}"))?);
    }
    Ok(credentials)
}

/// What the plugin wants to reach.
fn asked(manifest: &Manifest, credentials: &BTreeMap<String, Credential>) -> Vec<Grant> {
    let one = |ask: &String| match ask.strip_prefix("credential:") {
        Some(handle) => Some(Grant::from(credentials.get(handle)?.origin()?)),
        None => ask.parse().ok(),
    };
    manifest.http.iter().filter_map(one).collect()
}
