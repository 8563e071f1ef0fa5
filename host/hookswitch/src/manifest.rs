//! What a plugin says about itself (`wit/manifest.md`), and whether the configuration gives it what it needs.

mod credential;
mod setting;
mod text;

use std::{collections::BTreeSet, path::Path};

use hookswitch_runtime::Exports;
use hookswitch_web::Proof;
use serde::Deserialize;

pub(crate) use self::{
    credential::{Credential, Usage, moved_origins},
    setting::Setting,
    text::is_name,
};

use crate::{config, rate::Rate, shown::printable};

/// The format of manifests that this program reads.
const FORMAT: u32 = 1;
/// A manifest is read into memory whole.
const LARGEST: usize = 256 * 1024;

/// Most events in one batch of the feed (contract, `feed.deliver`).
pub(crate) const MOST_EVENTS: u64 = 500;

/// The manifest of a plugin. Keys that this version does not know are ignored: manifests grow.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Manifest {
    manifest: u32,
    /// The plugin's own name, the same in every version.
    #[serde(deserialize_with = "text::name")]
    pub(crate) name: String,
    /// The name for people.
    #[serde(deserialize_with = "text::title")]
    pub(crate) title: String,
    /// The plugin's version.
    #[serde(deserialize_with = "text::title")]
    pub(crate) version: String,
    /// Who makes it.
    #[serde(default, deserialize_with = "text::line")]
    pub(crate) vendor: String,
    /// The exported functions that do something.
    #[serde(deserialize_with = "text::lines")]
    serves: BTreeSet<String>,
    /// What the admin can set.
    #[serde(default, deserialize_with = "text::list::<64, _, _>")]
    pub(crate) settings: Vec<Setting>,
    /// The secrets that it needs.
    #[serde(default, deserialize_with = "text::list::<16, _, _>")]
    pub(crate) credentials: Vec<Credential>,
    /// The origins that it wants to reach.
    #[serde(default, deserialize_with = "text::lines")]
    pub(crate) http: BTreeSet<String>,
    /// The guarded imports that it uses.
    #[serde(default, deserialize_with = "text::lines")]
    pub(crate) capabilities: BTreeSet<String>,
    /// What the CRM may post.
    #[serde(default, deserialize_with = "text::list::<16, _, _>")]
    pub(crate) hooks: Vec<Hook>,
    /// What the CRM bears.
    #[serde(default)]
    pub(crate) limits: Limits,
}

/// What the CRM may post.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Hook {
    #[serde(deserialize_with = "text::name")]
    pub(crate) name: String,
    /// All that must hold.
    pub(crate) verify: Vec<Proof>,
}

/// What the CRM bears.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Limits {
    /// Functions that run at the same time.
    pub(crate) concurrency: Option<usize>,
    /// Requests per second, with a burst.
    pub(crate) rate: Option<Rate>,
    /// Events of the feed that it delivers at once, 1 to 500.
    pub(crate) batch: Option<u64>,
}

/// The functions that the host calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) lookup_by_number: bool,
    pub(crate) lookup_by_text: bool,
    pub(crate) contacts_create: bool,
    pub(crate) journal_begin: bool,
    pub(crate) journal_write: bool,
    pub(crate) journal_update: bool,
    pub(crate) tickets_open: bool,
    pub(crate) tickets_update: bool,
    pub(crate) cards_sync: bool,
    pub(crate) directory_users: bool,
    pub(crate) routing_route: bool,
    pub(crate) commands_receive: bool,
    pub(crate) commands_finished: bool,
    pub(crate) feed_deliver: bool,
    pub(crate) recordings_attach: bool,
    pub(crate) recordings_transcribe: bool,
    pub(crate) speech_start: bool,
    pub(crate) speech_summarise: bool,
}

impl Manifest {
    /// Reads what a plugin returned.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LARGEST {
            return Err(format!("the manifest has {} bytes, more than {LARGEST}", text.len()));
        }
        let manifest: Self = serde_json::from_str(text).map_err(|error| {
            format!("the manifest is not what wit/manifest.md says: {}", printable(&error.to_string()))
        })?;
        if manifest.manifest != FORMAT {
            return Err(format!(
                "the manifest has format {}, this program reads format {FORMAT}: update hookswitch",
                manifest.manifest
            ));
        }
        if let Some(fault) = manifest.limits.rate.and_then(Rate::fault) {
            return Err(format!("limits.rate: {fault}"));
        }
        if manifest.limits.batch.is_some_and(|batch| !(1..=MOST_EVENTS).contains(&batch)) {
            return Err(format!("limits.batch: from 1 to {MOST_EVENTS} events"));
        }
        if let Some(fault) = manifest.credentials.iter().find_map(Credential::unknown_kind) {
            return Err(format!("{fault}: update hookswitch"));
        }
        if let Some(hook) = manifest.hooks.iter().find(|hook| hook.verify.is_empty()) {
            return Err(format!("the hook {} has no proof: whoever knows its address could post to it", hook.name));
        }
        let mut handles = BTreeSet::new();
        let secrets = manifest.settings.iter().filter(|setting| setting.is_secret()).map(|setting| &setting.name);
        if let Some(twice) =
            manifest.credentials.iter().map(|known| &known.handle).chain(secrets).find(|name| !handles.insert(*name))
        {
            return Err(format!("two secrets are called `{twice}`"));
        }
        Ok(manifest)
    }

    /// The functions that do something.
    pub(crate) fn serves(&self) -> impl Iterator<Item = &str> {
        self.serves.iter().map(String::as_str)
    }

    /// What the plugin serves, of what this program calls.
    pub(crate) fn served(&self) -> Served {
        let serves = |function: &str| self.serves.contains(function);
        Served {
            lookup_by_number: serves("lookup.by-number"),
            lookup_by_text: serves("lookup.by-text"),
            contacts_create: serves("contacts.create"),
            journal_begin: serves("journal.begin"),
            journal_write: serves("journal.write"),
            journal_update: serves("journal.update"),
            tickets_open: serves("tickets.open"),
            tickets_update: serves("tickets.update"),
            cards_sync: serves("cards.sync"),
            directory_users: serves("directory.users"),
            routing_route: serves("routing.route"),
            commands_receive: serves("commands.receive"),
            commands_finished: serves("commands.finished"),
            feed_deliver: serves("feed.deliver"),
            recordings_attach: serves("recordings.attach"),
            recordings_transcribe: serves("recordings.transcribe"),
            speech_start: serves("speech.start"),
            speech_summarise: serves("speech.summarise"),
        }
    }

    /// What the manifest promises and the component does not export.
    pub(crate) fn served_but_missing(&self, exports: &Exports) -> Vec<&str> {
        let exported = |function: &str| match function.split('.').next() {
            Some("lookup") => exports.lookup,
            Some("contacts") => exports.contacts,
            Some("journal") => exports.journal,
            Some("tickets") => exports.tickets,
            Some("cards") => exports.cards,
            Some("directory") => exports.directory,
            Some("routing") => exports.routing,
            Some("commands") => exports.commands,
            Some("feed") => exports.feed,
            Some("recordings") => exports.recordings,
            Some("speech") => exports.speech,
            // Served by interfaces that this version does not call.
            _ => true,
        };
        self.serves.iter().map(String::as_str).filter(|function| !exported(function)).collect()
    }

    /// What is wrong with `[plugin.NAME]` for this plugin, a line each; empty if nothing is.
    pub(crate) fn faults(&self, name: &str, plugin: &config::Plugin, folder: &Path) -> Vec<String> {
        let mut faults = Vec::new();
        for key in plugin.settings.keys().filter(|key| !self.settings.iter().any(|known| known.name == **key)) {
            let known: Vec<_> = self.settings.iter().map(|setting| setting.name.as_str()).collect();
            let hint = match config::nearest(key, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "it has no settings".to_owned(),
                None => format!("it knows: {}", known.join(", ")),
            };
            faults.push(format!("[plugin.{name}] settings.{key}: the plugin has no such setting; {hint}"));
        }
        for setting in &self.settings {
            faults.extend(setting.fault(name, plugin.settings.get(&setting.name), folder));
        }
        for handle in
            plugin.credentials.keys().filter(|key| !self.credentials.iter().any(|known| known.handle == **key))
        {
            faults.push(format!("[plugin.{name}] credentials.{handle}: the plugin asks for no such credential"));
        }
        let served = self.served();
        if plugin.tickets.open != config::Open::Never && !served.tickets_open {
            faults.push(format!("[plugin.{name}] tickets.open: the plugin opens no tickets; leave `tickets` out"));
        }
        if plugin.look_up.key.is_some() && !served.lookup_by_text {
            faults.push(format!("[plugin.{name}] look-up.key: the plugin finds nobody by text; leave it out"));
        }
        for credential in &self.credentials {
            faults.extend(credential.fault(name, plugin.credentials.get(&credential.handle)));
        }
        faults
    }
}

fn help(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" — {text}") }
}
