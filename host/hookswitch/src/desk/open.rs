//! Enabling a plugin: load, read its manifest, hold it against the configuration, open its gate.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

use hookswitch_gate::{ClientCertificate, Credential, Gate, Grant, Limits, Options, Proxy};
use hookswitch_journal::Journal;
use hookswitch_runtime::{Component, Engine};
use tokio::sync::{Notify, Semaphore};

use super::Desk;
use crate::{
    clock::Clock,
    code::{Code, CodeError, Inspected},
    config::{self, Loaded, MOST_SLOTS},
    health::Health,
    imprint::{Imprint, Maker},
    keys::{Keyring, Keys},
    manifest::{Manifest, Setting, moved_origins},
    rate::Bucket,
    recordings::Recordings,
    sites::Sites,
    updates::{self, Admission, Build, Updates},
    users::Users,
};

/// Work at the same time, where the manifest says nothing else (contract, `limits.concurrency`).
const CONCURRENCY: usize = 4;

/// What was said in an hour, word by word with its times, is longer than what CRMs answer, in bytes.
const LONG_ANSWER: usize = 8 << 20;

/// Why a plugin cannot be enabled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("[plugin.{name}] component: cannot read {}: {source}; `cargo xtask build` makes our plugins", path.display())]
    Read { name: String, path: PathBuf, source: std::io::Error },
    #[error("[plugin.{name}] component {}: {source}", path.display())]
    Code { name: String, path: PathBuf, source: CodeError },
    #[error("[plugin.{name}] {problem}")]
    Refused { name: String, problem: String },
    #[error("{}", .0.join("\n"))]
    Configuration(Vec<String>),
    #[error("[plugin.{name}] {problem}")]
    Gate { name: String, problem: String },
}

/// What the plugins of one program share.
pub(crate) struct Premises<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) journal: &'a Journal,
    pub(crate) keys: &'a Keys,
    pub(crate) clock: Clock,
    /// Whom the phone systems know.
    pub(crate) sites: Sites,
    /// The files that plugins may send.
    pub(crate) recordings: Arc<Recordings>,
    /// The bounds of each plugin's gate.
    pub(crate) limits: Limits,
    /// Which builds are in force; none where that is no matter.
    pub(crate) updates: Option<Updates>,
}

/// Loads the code of `[plugin.NAME]`: what is on disk, or the build in force where that one waits. Then also why.
async fn load(
    name: &str,
    plugin: &config::Plugin,
    loaded: &Loaded,
    premises: &Premises<'_>,
) -> Result<(Code, Inspected, Option<String>), OpenError> {
    let path = loaded.resolve(&plugin.component);
    let read = Code::read(&path);
    let code = read.map_err(|source| OpenError::Read { name: name.to_owned(), path: path.clone(), source })?;
    let refused = |problem: String| OpenError::Refused { name: name.to_owned(), problem };
    if let Some(key) = &plugin.vendor_key {
        let comment = updates::verify(&path, &code.bytes, key).map_err(refused)?;
        tracing::info!(plugin = name, comment, "signed by the vendor");
    }
    let broken = |source| OpenError::Code { name: name.to_owned(), path: path.clone(), source };
    let inspected = code.inspect(premises.engine).await.map_err(broken)?;
    let Some(updates) = &premises.updates else { return Ok((code, inspected, None)) };
    let build = Build::of(&code.bytes, &inspected.manifest);
    match updates.admit(name, &build, plugin.update).map_err(refused)? {
        Admission::Take => Ok((code, inspected, None)),
        Admission::Wait(why) => {
            let kept = updates.copy(name);
            let kept = kept.and_then(|bytes| Code::of(bytes, &path).map_err(|error| error.to_string()));
            let kept = kept.map_err(|error| refused(format!("{why}; the build in force cannot be used: {error}")))?;
            let inspected = kept.inspect(premises.engine).await.map_err(broken)?;
            tracing::warn!(plugin = name, "{why}; until then the build in force stays");
            Ok((kept, inspected, Some(why)))
        }
    }
}

/// Enables `[plugin.NAME]`.
pub(crate) async fn open(name: &str, loaded: &Loaded, premises: &Premises<'_>) -> Result<Arc<Desk>, OpenError> {
    let Premises { journal, keys, clock, sites, recordings, limits, updates, .. } = premises;
    let host = &loaded.config;
    let Some(plugin) = host.plugin.get(name) else {
        return Err(OpenError::Configuration(vec![format!("there is no [plugin.{name}]")]));
    };
    let (code, inspected, update) = load(name, plugin, loaded, premises).await?;
    let own: Vec<_> = inspected.settings().collect();
    let Inspected { component, manifest, .. } = inspected;
    let faults = manifest.faults(name, plugin, &loaded.folder);
    if !faults.is_empty() {
        return Err(OpenError::Configuration(faults));
    }
    let Keyring { credentials, sign_ins, values } =
        keys.ring(name, &manifest, loaded).map_err(OpenError::Configuration)?;
    let reach = Reach::of(plugin, &manifest, &credentials);
    let speech = host.recordings.as_ref().and_then(|recordings| recordings.speech.as_ref());
    let listens = speech.is_some_and(|speech| speech.plugin == name);
    let response_body = if listens { LONG_ANSWER.max(limits.response_body) } else { limits.response_body };
    let limits = Limits { response_body, ..limits.clone() };
    let gate = gate(name, plugin, keys, loaded, reach.granted.clone(), credentials, &limits)
        .map_err(|problem| OpenError::Gate { name: name.to_owned(), problem })?;
    let slots = plugin.limits.concurrency.or(manifest.limits.concurrency).unwrap_or(CONCURRENCY).clamp(1, MOST_SLOTS);
    let mut settings = settings(plugin, &manifest, &loaded.folder);
    settings.extend(own);
    if let (Some(updates), None) = (updates, &update) {
        let enforced = updates.enforce(name, &Build::of(&code.bytes, &manifest), &code.bytes);
        enforced.map_err(|problem| OpenError::Refused { name: name.to_owned(), problem })?;
    }
    let imprint = imprint(name, loaded);
    let desk = Desk {
        name: name.to_owned(),
        config: plugin.clone(),
        served: manifest.served(),
        zone: host.server.zone(),
        gate,
        journal: (*journal).clone(),
        clock: clock.clone(),
        health: Health::new(name.to_owned(), clock.clone()),
        bucket: Bucket::new(plugin.limits.rate.or(manifest.limits.rate)),
        slots,
        imprint,
        build: build(&component, &settings, host),
        settings,
        component,
        sites: sites.clone(),
        users: RwLock::new(Arc::new(Users::new(None, plugin, sites.people()))),
        unmapped: Mutex::default(),
        user_missed: Notify::new(),
        screen: Semaphore::new(slots),
        record: Semaphore::new(slots),
        upload: Semaphore::new(slots),
        recordings: recordings.clone(),
        host: host.clone(),
        manifest,
        sign_ins,
        values,
        reach,
        update,
    };
    desk.health.set_signed_out(desk.is_signed_out());
    Ok(Arc::new(desk))
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
    let made = Maker::new(loaded).table("pbx", None).table("recordings", None).table("plugin", Some(name));
    let Some(plugin) = loaded.config.plugin.get(name) else { return made.finish() };
    let made = plugin.files().fold(made, |made, file| made.file(&file));
    let secrets = plugin.secrets().map(|secret| secret.read("", &loaded.folder).ok());
    secrets.fold(made, Maker::secret).finish()
}

/// The values of all settings that the plugin may read.
fn settings(plugin: &config::Plugin, manifest: &Manifest, folder: &Path) -> BTreeMap<String, String> {
    let value = |setting: &Setting| setting.text(plugin.settings.get(&setting.name), folder).ok().flatten();
    manifest.settings.iter().filter_map(|setting| Some((setting.name.clone(), value(setting)?))).collect()
}

/// The way out: what the plugin asks for and the admin grants.
fn gate(
    name: &str,
    plugin: &config::Plugin,
    keys: &Keys,
    loaded: &Loaded,
    granted: Vec<Grant>,
    credentials: BTreeMap<String, Credential>,
    limits: &Limits,
) -> Result<Gate, String> {
    let connection = &plugin.connection;
    let proxy = connection.proxy.as_ref().map(|proxy| {
        let url = proxy.read("connection.proxy", &loaded.folder)?;
        Proxy::parse(&url).map_err(|error| format!("connection.proxy: {error}"))
    });
    let client_certificate = connection.client_certificate.as_ref().map(|files| ClientCertificate {
        certificate: loaded.resolve(&files.certificate),
        key: loaded.resolve(&files.key),
    });
    let options = Options {
        plugin: name.to_owned(),
        http: granted,
        networks: plugin.allow.network.clone(),
        credentials,
        ca_file: plugin.allow.ca_file.as_ref().map(|path| loaded.resolve(path)),
        pins: plugin.allow.pins.clone(),
        client_certificate,
        proxy: proxy.transpose()?,
        resolver: connection.resolver.clone(),
        redirects: plugin.allow.redirects,
        mask_key: keys.mask_key(),
        limits: limits.clone(),
        vault: Some(keys.vault(name).map_err(|error| error.to_string())?),
    };
    Gate::new(options).map_err(|error| error.to_string())
}

/// In `http` of a manifest: wherever the admin says.
pub(crate) const ANYWHERE: &str = "*";

/// Where a plugin wants to go, and where it may.
pub(crate) struct Reach {
    /// What is in effect: what it asks for and the admin grants.
    granted: Vec<Grant>,
    /// What the admin grants and the plugin does not ask for.
    unused: Vec<Grant>,
    /// What the plugin asks for and the admin does not grant.
    refused: Vec<Grant>,
}

impl Reach {
    fn of(plugin: &config::Plugin, manifest: &Manifest, credentials: &BTreeMap<String, Credential>) -> Self {
        // What is known only from the settings is named by the admin's grants alone.
        let anywhere = manifest.http.contains(ANYWHERE);
        let ask = |ask: &String| match ask.strip_prefix("credential:") {
            Some(handle) => Some(Grant::from(credentials.get(handle)?.origin()?)),
            None => ask.parse().ok(),
        };
        // Where the admin says that a provider of tokens is, the admin asks for it.
        let moved = plugin.credentials.values().flat_map(moved_origins).filter_map(|origin| origin.parse().ok());
        let asked: Vec<Grant> = manifest.http.iter().filter_map(ask).chain(moved).collect();
        let (mut granted, mut unused) = (Vec::new(), Vec::new());
        for grant in &plugin.allow.http {
            if anywhere || asked.iter().any(|ask| ask.contains(grant)) {
                granted.push(grant.clone());
                continue;
            }
            // A grant that is wider than what is asked for is used as far as it is asked for.
            let within: Vec<_> = asked.iter().filter(|ask| grant.contains(ask)).cloned().collect();
            if within.is_empty() {
                unused.push(grant.clone());
            }
            granted.extend(within);
        }
        let meets = |ask: &Grant| plugin.allow.http.iter().any(|grant| ask.contains(grant) || grant.contains(ask));
        let refused = asked.iter().filter(|ask| !meets(ask)).cloned().collect();
        Self { granted, unused, refused }
    }
}

/// How the plugin's wishes and the admin's grants differ, a line for each difference. None of it stops the plugin.
pub(crate) fn differences(desk: &Desk) -> Vec<String> {
    let Reach { unused, refused, .. } = &desk.reach;
    let unused = unused
        .iter()
        .map(|grant| format!("allow.http: the plugin does not ask for {grant}; the grant is not in effect"));
    let refused = refused.iter().map(|ask| {
        format!("the plugin asks for {ask}, which is not granted; if it shall reach it: allow.http = [\"{ask}\"]")
    });
    unused.chain(refused).chain(desk.update.clone()).collect()
}
